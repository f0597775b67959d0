"""Streams from Gemini: WIRE cases 21 to 25 and 27, and every way in which a stream can end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import Signature
from proxyctl.core.events import (
    Delta,
    Event,
    EventChecker,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    SignatureDelta,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import ContinuingDecoder
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE


def chunk(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if finish:
        candidate["finishReason"] = finish
    return json.dumps(
        {"candidates": [candidate], "modelVersion": "gemini-3.8-flash", "responseId": "r", **more}
    ).encode()


def decode(*frames: bytes) -> list[Event]:
    """Decode a whole stream and check its grammar."""
    decoder = GEMINI_GENERATE.stream_decoder()
    events = [event for data in frames for event in decoder.feed(data)]
    events += decoder.end()
    checker = EventChecker()
    for event in events:
        checker.feed(event)
    checker.finish()
    return events


START = MessageStart("r", "gemini-3.8-flash")


def test_text_arrives_piece_by_piece() -> None:
    events = decode(chunk({"text": "Hel"}), chunk({"text": "lo"}), chunk({"text": ""}, finish="STOP"))

    assert events == [
        START,
        PartStart(index=0, kind="text"),
        Delta(0, "Hel"),
        Delta(0, "lo"),
        PartEnd(0),
        MessageEnd(finish="end"),
    ]


def test_each_piece_leaves_with_the_frame_it_came_in() -> None:
    decoder = GEMINI_GENERATE.stream_decoder()

    first = list(decoder.feed(chunk({"text": "Hel"})))
    second = list(decoder.feed(chunk({"text": "lo"})))

    assert first == [START, PartStart(index=0, kind="text"), Delta(0, "Hel")]
    assert second == [Delta(0, "lo")]


def test_case_22_a_call_before_the_stop_chunk_is_a_tool_finish_without_empty_text() -> None:
    call = {"functionCall": {"name": "get", "args": {"a": 1}, "id": "c1"}, "thoughtSignature": "YQ=="}

    events = decode(chunk(call), chunk({"text": ""}, finish="STOP"))

    assert events == [
        START,
        PartStart(index=0, kind="tool_call", id="c1", name="get"),
        SignatureDelta(0, Signature("YQ==", "gemini-generate")),
        Delta(0, '{"a":1}'),
        PartEnd(0),
        MessageEnd(finish="tool"),
    ]


def test_case_23_a_calls_arguments_come_whole_in_one_delta() -> None:
    arguments = {"nested": {"list": [1, 2, 3]}, "text": "x" * 5000}

    events = decode(chunk({"functionCall": {"name": "get", "args": arguments}}, finish="STOP"))

    assert [json.loads(event.text) for event in events if isinstance(event, Delta)] == [arguments]


def test_parallel_calls_in_one_or_several_chunks_are_distinct() -> None:
    call = {"functionCall": {"name": "get", "args": {}}}

    together = decode(chunk(call, call, finish="STOP"))
    apart = decode(chunk(call), chunk(call), chunk(finish="STOP"))

    assert together == apart
    assert len({event.id for event in together if isinstance(event, PartStart)}) == 2


def test_thinking_ends_where_text_begins() -> None:
    events = decode(chunk({"text": "Hm.", "thought": True}), chunk({"text": "Yes."}, finish="STOP"))

    assert events[1:-1] == [
        PartStart(index=0, kind="thinking"),
        Delta(0, "Hm."),
        PartEnd(0),
        PartStart(index=1, kind="text"),
        Delta(1, "Yes."),
        PartEnd(1),
    ]


def test_a_signature_on_a_final_empty_text_proves_the_open_text() -> None:
    events = decode(chunk({"text": "Hi"}), chunk({"text": "", "thoughtSignature": "YQ=="}, finish="STOP"))

    assert events[-3:] == [
        SignatureDelta(0, Signature("YQ==", "gemini-generate")),
        PartEnd(0),
        MessageEnd(finish="end"),
    ]


def usage(prompt: int, candidates: int) -> dict[str, Any]:
    total = prompt + candidates
    return {"promptTokenCount": prompt, "candidatesTokenCount": candidates, "totalTokenCount": total}


def test_usage_is_cumulative_known_early_and_final_only_with_the_reason() -> None:
    events = decode(
        chunk({"text": "a"}, usageMetadata=usage(10, 1)),
        chunk({"text": "b"}, usageMetadata=usage(10, 2)),
        chunk({"text": "c"}, usageMetadata=usage(10, 2)),
        chunk({"text": "d"}, finish="STOP", usageMetadata=usage(10, 4)),
    )

    assert events[0] == MessageStart("r", "gemini-3.8-flash", Usage(input=10, output=1, source="partial"))
    assert [event.usage for event in events if isinstance(event, UsageUpdate)] == [
        Usage(input=10, output=2, source="partial"),
        Usage(input=10, output=4),
    ]


def test_usage_that_came_before_the_reason_becomes_final_at_the_end() -> None:
    events = decode(chunk({"text": "a"}, usageMetadata=usage(10, 1)), chunk(finish="STOP"))

    assert events[-2:] == [UsageUpdate(Usage(input=10, output=1)), MessageEnd(finish="end")]


def test_usage_behind_the_reason_is_read() -> None:
    last = json.dumps({"usageMetadata": usage(10, 5)}).encode()

    events = decode(chunk({"text": "a"}, finish="STOP"), last)

    assert UsageUpdate(Usage(input=10, output=5)) in events
    assert events[-1] == MessageEnd(finish="end")


def test_a_reason_repeated_on_every_chunk_does_not_end_the_stream_early() -> None:
    """Older models say STOP on each chunk."""
    events = decode(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP"))

    assert [event.text for event in events if isinstance(event, Delta)] == ["a", "b"]
    assert events.count(MessageEnd(finish="end")) == 1


def test_case_25_a_blocked_prompt_ends_as_a_refusal() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Unsafe."},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
    }

    events = decode(json.dumps(blocked).encode())

    assert events == [
        MessageStart("", "", Usage(input=8)),
        MessageEnd(finish="refusal", refusal="The provider blocked the prompt: SAFETY. Unsafe."),
    ]


def test_case_27_a_malformed_call_and_nothing_else_fails_the_stream() -> None:
    events = decode(chunk(finish="MALFORMED_FUNCTION_CALL"))

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.code == "malformed_tool_call"


def test_thinking_alone_does_not_make_a_malformed_call_an_answer() -> None:
    events = decode(chunk({"text": "Hm.", "thought": True}), chunk(finish="MALFORMED_FUNCTION_CALL"))

    assert isinstance(events[-1], StreamFailed)


def test_an_unknown_reason_without_content_fails_the_stream() -> None:
    events = decode(chunk(finish="OTHER"))

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.code == "empty_answer"


@pytest.mark.parametrize("frames", [(), (chunk({"text": "Hel"}),), (b'{"usageMetadata":{"promptTokenCount":1}}',)])
def test_a_body_that_ends_without_a_reason_was_cut(frames: tuple[bytes, ...]) -> None:
    events = decode(*frames)

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.code == "stream_cut"


def test_a_continuation_is_told_as_cut_by_length() -> None:
    raw = json.loads(chunk({"text": "so far"}, finish="CONTINUATION"))
    raw["candidates"][0]["continuationToken"] = "next"

    assert decode(json.dumps(raw).encode())[-1] == MessageEnd(finish="length")


def test_a_continued_answer_goes_on_where_it_paused() -> None:
    """The open part stays open, and the counts are those of both calls."""
    decoder = GEMINI_GENERATE.stream_decoder()
    assert isinstance(decoder, ContinuingDecoder)
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
    raw = json.loads(chunk({"text": "One, "}, finish="CONTINUATION", usageMetadata=counts))
    raw["candidates"][0]["continuationToken"] = "next"

    events = list(decoder.feed(json.dumps(raw).encode()))
    token = decoder.continuation
    decoder.resume()
    before = decoder.continuation
    events += decoder.feed(chunk({"text": "two"}, finish="STOP", usageMetadata=counts))
    events += decoder.end()

    assert (token, before, decoder.continuation) == ("next", "", "")
    assert [event for event in events if isinstance(event, (Delta, PartStart, PartEnd, MessageStart))] == [
        MessageStart("r", "gemini-3.8-flash", Usage(input=5, output=2)),
        PartStart(index=0, kind="text"),
        Delta(0, "One, "),
        Delta(0, "two"),
        PartEnd(0),
    ]
    assert UsageUpdate(Usage(input=10, output=4)) in events
    assert events[-1] == MessageEnd(finish="end")


def test_a_continuation_that_never_came_leaves_the_answer_without_an_end() -> None:
    decoder = GEMINI_GENERATE.stream_decoder()
    assert isinstance(decoder, ContinuingDecoder)
    raw = json.loads(chunk({"text": "so far"}, finish="CONTINUATION"))
    raw["candidates"][0]["continuationToken"] = "next"

    decoder.feed(json.dumps(raw).encode())
    decoder.resume()

    assert isinstance(decoder.end()[-1], StreamFailed)


@pytest.mark.parametrize("finish", ["CONTINUATION", "STOP"])
def test_nothing_is_asked_for_without_a_token_and_its_reason(finish: str) -> None:
    decoder = GEMINI_GENERATE.stream_decoder()
    assert isinstance(decoder, ContinuingDecoder)
    raw = json.loads(chunk({"text": "so far"}, finish=finish))
    if finish == "STOP":
        raw["candidates"][0]["continuationToken"] = "next"

    decoder.feed(json.dumps(raw).encode())

    assert decoder.continuation == ""


@pytest.mark.parametrize("wrap", [False, True])
def test_an_error_in_mid_stream_keeps_its_class_and_ends_it(*, wrap: bool) -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}

    events = decode(
        chunk({"text": "Hel"}), json.dumps([error] if wrap else error).encode(), chunk({"text": "lo"}, finish="STOP")
    )

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.kind == "overloaded"
    assert not any(isinstance(event, MessageEnd) for event in events)


def test_an_error_before_anything_is_the_only_event() -> None:
    events = decode(b'{"error":{"code":500,"message":"boom","status":"INTERNAL"}}')

    assert [type(event) for event in events] == [StreamFailed]


@pytest.mark.parametrize("garbage", [b"<html>", b'{"candidates": "x"}', b"\xff\xfe", b"[1,2]", b"{" * 100_000])
def test_garbage_fails_the_stream_once(garbage: bytes) -> None:
    events = decode(chunk({"text": "a"}), garbage, garbage)

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.code == "garbage"


def test_a_done_line_or_an_empty_frame_is_ignored() -> None:
    events = decode(chunk({"text": "a"}, finish="STOP"), b"[DONE]", b"  ")

    assert events[-1] == MessageEnd(finish="end")


def test_nothing_follows_the_end() -> None:
    decoder = GEMINI_GENERATE.stream_decoder()
    decoder.feed(chunk({"text": "a"}, finish="STOP"))

    assert decoder.end()
    assert list(decoder.end()) == []
    assert list(decoder.feed(chunk({"text": "b"}))) == []
