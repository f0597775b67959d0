"""What routing reads of a request before anybody decodes it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import decode_fields
from proxyctl.dialects.openai_chat import OPENAI_CHAT

ASK = [{"role": "user", "content": "hi"}]


def peek(**fields: Any) -> Peek:
    return OPENAI_CHAT.peek(decode_fields(json.dumps({"model": "m", "messages": ASK, **fields}).encode()), size=9)


def session(**fields: Any) -> str:
    return OPENAI_CHAT.session(decode_fields(json.dumps({"model": "m", "messages": ASK, **fields}).encode()))


def test_the_least_request() -> None:
    assert peek() == Peek(model="m", size=9)
    assert peek(stream=None, tools=None, max_tokens=None, response_format=None) == Peek(model="m", size=9)


def test_a_request_with_everything() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
    ]

    seen = peek(
        messages=[{"role": "user", "content": content}],
        stream=True,
        stream_options={"include_usage": True},
        tools=[{"type": "function"}],
        max_completion_tokens=5,
        reasoning_effort="low",
        response_format={"type": "json_schema"},
    )

    assert seen == Peek(
        model="m",
        stream=True,
        include_usage=True,
        has_tools=True,
        has_images=True,
        has_documents=True,
        wants_thinking=True,
        effort="low",
        wants_json_schema=True,
        max_output=5,
        size=9,
    )


def test_words_in_text_are_no_images() -> None:
    assert not peek(messages=[{"role": "user", "content": 'the "image_url" and "file_data" members'}]).has_images


@pytest.mark.parametrize("fields", [{"reasoning_effort": "none"}, {"reasoning": {"enabled": False}}, {}])
def test_not_every_request_wants_thinking(fields: dict[str, Any]) -> None:
    assert not peek(**fields).wants_thinking


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"model": None}, "model"),
        ({"model": " "}, "model"),
        ({"model": ["m"]}, "model"),
        ({"messages": "hi"}, "messages"),
        ({"messages": None}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream_options": []}, "stream_options"),
    ],
)
def test_wrong_types_are_refused_with_their_place(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        peek(**fields)

    assert caught.value.path == path


def test_a_missing_model_is_refused() -> None:
    with pytest.raises(DecodeError, match="model"):
        OPENAI_CHAT.peek({}, size=0)


@pytest.mark.parametrize("name", ["prompt_cache_key", "user", "safety_identifier"])
def test_a_session_is_what_the_caller_names_it_by(name: str) -> None:
    assert session(**{name: "s1"}) == "s1"


def test_a_session_without_a_name_is_its_opening() -> None:
    opening = [{"role": "system", "content": "S"}, {"role": "user", "content": "hi"}]
    later = [*opening, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "more"}]

    assert session(messages=opening) == session(messages=later)
    assert session(messages=opening) != session(messages=opening[1:])
    assert session(messages=[{"role": "system", "content": "S"}]) == ""


@given(
    st.dictionaries(
        st.sampled_from(["messages", "user", "prompt_cache_key"]),
        st.recursive(st.none() | st.integers() | st.text(), st.lists),
    )
)
def test_asking_for_the_session_never_raises(fields: dict[str, Any]) -> None:
    assert isinstance(OPENAI_CHAT.session(decode_fields(json.dumps(fields).encode())), str)
