"""What routing reads of a request, and by what a conversation is known again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import decode_fields
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from tests.dialects.openai_responses.requests import GET, body, user


def peeked(given: Any = "Hi", **fields: Any) -> Peek:
    written = body(given, **fields)
    return OPENAI_RESPONSES.peek(decode_fields(written), size=len(written))


def session(given: Any = "Hi", **fields: Any) -> str:
    return OPENAI_RESPONSES.session(decode_fields(body(given, **fields)))


def test_a_plain_request_wants_nothing_special() -> None:
    assert peeked() == Peek(model="m", include_usage=True, size=len(body()))


def test_everything_that_routing_asks_for() -> None:
    image = {"type": "input_image", "image_url": "http://x/y"}
    file = {"type": "input_file", "file_data": "AAAA"}

    one = peeked(
        [user(image, file)],
        stream=True,
        tools=[GET],
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
        max_output_tokens=7,
        previous_response_id="resp_1",
    )

    assert (one.stream, one.has_tools, one.has_images, one.has_documents) == (True, True, True, True)
    assert (one.wants_thinking, one.wants_json_schema, one.max_output) == (True, True, 7)
    assert one.previous_response == "resp_1"


@pytest.mark.parametrize("fields", [{"tools": []}, {"tools": None}, {"reasoning": {"effort": "none"}}, {"text": {}}])
def test_what_says_nothing_asks_for_nothing(fields: dict[str, Any]) -> None:
    one = peeked(**fields)

    assert (one.has_tools, one.wants_thinking, one.wants_json_schema) == (False, False, False)


def test_a_text_that_talks_of_images_holds_none() -> None:
    one = peeked('an "input_image" in words, and "encrypted_content":"gws1.e30" too')

    assert (one.has_images, one.foreign_signatures) == (False, False)


@pytest.mark.parametrize(("proof", "foreign"), [("gws1.e30", True), ("gAAAAB==", False)])
def test_a_proof_in_our_wrapping_is_seen(proof: str, *, foreign: bool) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": proof}

    assert peeked([item]).foreign_signatures is foreign


@pytest.mark.parametrize("name", ["previous_response_id", "instructions", "prompt", "conversation"])
def test_the_input_may_be_left_out_for_something_that_stands_for_it(name: str) -> None:
    assert OPENAI_RESPONSES.peek(decode_fields(json.dumps({"model": "m", name: "x"}).encode()), size=1).model == "m"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"input": "Hi"}, "model"),
        ({"model": " ", "input": "Hi"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": {}}, "input"),
        ({"model": "m", "input": "Hi", "stream": "yes"}, "stream"),
        ({"model": "m", "input": "Hi", "max_output_tokens": "9"}, "max_output_tokens"),
        ({"model": "m", "input": "Hi", "previous_response_id": 9}, "previous_response_id"),
        ({"model": "m", "input": "Hi", "text": {"format": {"type": 3}}}, "text.format.type"),
    ],
)
def test_wrong_types_are_refused_with_their_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        OPENAI_RESPONSES.peek(decode_fields(json.dumps(fields).encode()), size=1)

    assert caught.value.path == path


@pytest.mark.parametrize("name", ["prompt_cache_key", "user", "safety_identifier"])
def test_a_conversation_is_what_its_caller_calls_it(name: str) -> None:
    assert session(**{name: "conv-7"}) == "conv-7"


def test_a_nameless_conversation_is_known_by_its_opening() -> None:
    first = [{"role": "developer", "content": "d"}, {"role": "user", "content": "Hi"}]

    assert session(first) == session([*first, {"role": "assistant", "content": "Ho"}, {"role": "user", "content": "?"}])
    assert session(first) != session([{"role": "user", "content": "Hi"}])
    assert session("Hi") == session("Hi", temperature=1)
    assert session("Hi") != session("Hi", instructions="Be brief.")


@pytest.mark.parametrize("given", [3, [3], [{"role": 5}]])
def test_what_cannot_be_read_has_no_session(given: Any) -> None:
    assert session(given, user=7) == ""
