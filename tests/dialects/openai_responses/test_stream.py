"""Streams from a provider: what is documented, and what servers make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.events import Delta, Event, StreamFailed
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.dialects.sse import frame
from tests.dialects.wire_cases import decoded, failure

DONE: dict[str, Any] = {
    "type": "response.completed",
    "response": {"id": "resp_1", "model": "m", "status": "completed", "output": []},
}


def events(*sent: dict[str, Any] | str) -> list[Event]:
    """What these events mean; a name alone is an event without members."""
    wire = b"".join(frame(json.dumps({"type": one} if isinstance(one, str) else one).encode()) for one in sent)
    return decoded(OPENAI_RESPONSES, wire)


def text_delta(text: str, at: int = 0) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": at, "content_index": 0, "delta": text}


def done(item: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


def test_what_an_item_holds_beyond_its_deltas_is_told_when_it_is_done() -> None:
    assert assemble(events(text_delta("He"), done(message("Hey")), DONE)).parts == (TextPart(text="Hey"),)


def test_an_item_that_only_the_last_event_holds_is_told() -> None:
    last = {**DONE, "response": {**DONE["response"], "output": [message("Hi")]}}

    assert assemble(events(last)).parts == (TextPart(text="Hi"),)


def test_a_done_that_comes_twice_is_told_once() -> None:
    assert assemble(events(done(message("Hi")), done(message("Hi")), DONE)).parts == (TextPart(text="Hi"),)


def test_a_delta_behind_its_items_end_is_not_told() -> None:
    assert assemble(events(done(message("Hi")), text_delta("!"), DONE)).parts == (TextPart(text="Hi"),)


def test_arguments_of_an_unknown_call_wait_for_their_item() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "get", "arguments": '{"k":1}'}
    early = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"k"'}

    assert assemble(events(early, done(call), DONE)).parts == (ToolCallPart(id="c", name="get", arguments='{"k":1}'),)


@pytest.mark.parametrize("given", [None, "same"])
def test_calls_without_an_id_of_their_own_get_one(given: str | None) -> None:
    call = {"type": "function_call", "call_id": given, "name": "get", "arguments": "{}"}

    answer = assemble(events(done(call, 0), done(call, 1), DONE))

    ids = [part.id for part in answer.parts if isinstance(part, ToolCallPart)]
    assert len(set(ids)) == 2
    assert all(ids)
    assert answer.finish == "tool"


def test_half_a_character_waits_for_its_other_half() -> None:
    halves = json.dumps("\U0001f600")[1:-1]
    wire = b"".join(
        frame(b'{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"%b"}' % half.encode())
        for half in (halves[:6], halves[6:])
    )

    told = decoded(OPENAI_RESPONSES, wire + frame(json.dumps(DONE).encode()))

    assert [event.text for event in told if isinstance(event, Delta)] == ["\U0001f600"]


def test_summaries_are_paragraphs() -> None:
    def summary(index: int, text: str) -> dict[str, Any]:
        kind = "response.reasoning_summary_text.delta"
        return {"type": kind, "output_index": 0, "summary_index": index, "delta": text}

    answer = assemble(events(summary(0, "a"), summary(0, "b"), summary(1, "c"), DONE))

    assert answer.parts == (ThinkingPart(text="ab\n\nc"),)


@pytest.mark.parametrize("response", [None, {"id": "resp_1"}])
def test_an_incomplete_end_never_looks_whole(response: dict[str, Any] | None) -> None:
    event = {"type": "response.incomplete", "response": response}
    watch = OPENAI_RESPONSES.watch(hide_usage=False)
    watch.feed(frame(json.dumps(event).encode()))

    assert assemble(events(text_delta("He"), event)).finish == watch.finish == "length"


def test_nothing_follows_the_end() -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    decoder.feed(json.dumps(DONE).encode())

    assert decoder.feed(json.dumps(text_delta("!")).encode()) == []
    assert decoder.end() == []


@pytest.mark.parametrize("data", [b"nonsense", b"[]", b'{"type":3}', b'{"type":"\xff"}'])
def test_what_is_no_event_fails_the_stream(data: bytes) -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()

    [event] = decoder.feed(data)

    assert isinstance(event, StreamFailed)
    assert event.problem.code == "garbage"


def test_a_stream_without_its_end_is_cut() -> None:
    assert failure(events("response.created", text_delta("He"))).problem.code == "stream_cut"


@pytest.mark.parametrize("status", [400, 500, 200])
def test_a_providers_error_body_is_read(status: int) -> None:
    error = {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}
    body = json.dumps({"error": error}).encode()

    problem = OPENAI_RESPONSES.decode_error(status, body)

    assert (problem.kind, problem.message) == ("context_length", "too long")
