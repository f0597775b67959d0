"""Whatever stands where something else was expected is refused in our own words, never with a fault of ours."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.core.chat import Answer, TextPart
from proxyctl.core.errors import DecodeError, GatewayError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import AnswerContext, decode_fields
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from tests.dialects.openai_responses.test_codex import HISTORY, TOOLS

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "name", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
WHOLE: dict[str, Any] = {
    "model": "m",
    "input": HISTORY,
    "tools": TOOLS,
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "exec_command"}]},
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    "metadata": {"a": "b"},
    "instructions": "Be brief.",
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, one in inner for place in places(one, (*path, key))]


PLACES = places(WHOLE)


def replaced(place: tuple[Any, ...], value: Any) -> bytes:
    document = json.loads(json.dumps(WHOLE))
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return json.dumps(document).encode()


@given(st.sampled_from(PLACES), JUNK)
@settings(deadline=None, max_examples=400)
def test_junk_anywhere_is_refused_or_read(place: tuple[Any, ...], junk: Any) -> None:
    """And what was read can be answered: the echo of a strange request breaks no answer."""
    body = replaced(place, junk)

    with suppress(DecodeError, GatewayError):
        OPENAI_RESPONSES.peek(decode_fields(body), size=len(body))
        OPENAI_RESPONSES.decode_request(body)
        OPENAI_RESPONSES.session(decode_fields(body))
        context = AnswerContext(model="m", created=1, asked=decode_fields(body))
        answer = Answer(id="x", model="m", parts=(TextPart(text="Hi"),), finish="end")
        assert json.loads(OPENAI_RESPONSES.encode_answer(answer, context, Losses()))["status"] == "completed"


@pytest.mark.parametrize(
    "body", [b'{"model":"m","input":[' + b"[" * 5000 + b"]" * 5000 + b"]}", b'{"model":"m"', b"\xff"]
)
def test_what_no_parser_likes_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        OPENAI_RESPONSES.decode_request(body)


def read(data: bytes) -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    decoder.feed(data)
    decoder.end()
    OPENAI_RESPONSES.watch(hide_usage=False).feed(b"data: " + data + b"\n\n")


@given(st.binary(max_size=40) | JUNK.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_no_frame_makes_a_reader_raise(data: bytes) -> None:
    read(data)


@given(
    st.sampled_from(["output_item.added", "output_item.done", "completed", "failed", "output_text.delta"]), JUNK, JUNK
)
@settings(deadline=None)
def test_no_event_makes_a_reader_raise(kind: str, item: Any, more: Any) -> None:
    event = {"type": f"response.{kind}", "item": item, "response": more, "delta": more, "output_index": 0}

    read(json.dumps(event).encode())
