"""Streams from Cohere, in the events that its documentation shows, and every way in which one can end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import Citation, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    EventChecker,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.usage import Usage
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.cohere_chat import COHERE_CHAT

Wire = dict[str, Any]
START: Wire = {
    "id": "m-1",
    "type": "message-start",
    "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}},
}


def content(kind: str, index: int, **item: str) -> Wire:
    return {"type": f"content-{kind}", "index": index, "delta": {"message": {"content": item}}}


def plan(text: str) -> Wire:
    return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}}


def call_start(index: int, call_id: str | None, name: str = "get") -> Wire:
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    return {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}


def call_delta(index: int, arguments: str) -> Wire:
    call = {"function": {"arguments": arguments}}
    return {"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": call}}}


def ended(kind: str, index: int) -> Wire:
    return {"type": f"{kind}-end", "index": index}


def message_end(reason: str | None = "COMPLETE", **delta: Any) -> Wire:
    return {"type": "message-end", "delta": {"finish_reason": reason, **delta}}


def decode(*documents: Wire | bytes) -> list[Event]:
    """Decode a whole stream and check its grammar."""
    decoder = COHERE_CHAT.stream_decoder()
    frames = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in documents]
    events = [event for data in frames for event in decoder.feed(data)]
    events += decoder.end()
    checker = EventChecker()
    for event in events:
        checker.feed(event)
    checker.finish()
    return events


def test_text_arrives_piece_by_piece() -> None:
    usage = {
        "billed_units": {"input_tokens": 5, "output_tokens": 2},
        "tokens": {"input_tokens": 71, "output_tokens": 4},
    }

    events = decode(
        START,
        content("start", 0, type="text", text=""),
        content("delta", 0, text="Hel"),
        content("delta", 0, text="lo"),
        ended("content", 0),
        message_end(usage=usage),
        b"[DONE]",
    )

    assert events == [
        MessageStart("m-1", ""),
        PartStart(index=0, kind="text"),
        Delta(0, "Hel"),
        Delta(0, "lo"),
        PartEnd(0),
        UsageUpdate(Usage(input=71, output=4, billed_input=5, billed_output=2)),
        MessageEnd(finish="end"),
    ]


def test_thinking_and_text_are_two_parts() -> None:
    events = decode(
        START,
        content("start", 0, type="thinking", thinking=""),
        content("delta", 0, thinking="Hm."),
        ended("content", 0),
        content("start", 1, type="text", text=""),
        content("delta", 1, text="Yes."),
        ended("content", 1),
        message_end(),
    )

    assert assemble(events).parts == (ThinkingPart(text="Hm."), TextPart(text="Yes."))


def test_a_plan_is_text_that_ends_where_the_calls_begin() -> None:
    events = decode(
        START,
        plan("I will "),
        plan("look."),
        call_start(0, "a"),
        call_delta(0, '{"k":'),
        call_delta(0, "1}"),
        ended("tool-call", 0),
        call_start(1, "b"),
        ended("tool-call", 1),
        message_end("TOOL_CALL"),
    )

    assert events[1:5] == [
        PartStart(index=0, kind="text"),
        Delta(0, "I will "),
        Delta(0, "look."),
        PartEnd(0),
    ]
    answer = assemble(events)
    assert answer.finish == "tool"
    assert answer.parts[1:] == (
        ToolCallPart(id="a", name="get", arguments='{"k":1}'),
        ToolCallPart(id="b", name="get", arguments="{}"),
    )


def test_content_and_calls_are_numbered_apart() -> None:
    events = decode(
        START,
        content("start", 0, type="thinking", thinking=""),
        content("delta", 0, thinking="Hm."),
        call_start(0, "a"),
        content("delta", 0, thinking=" Still."),
        call_delta(0, "{}"),
        ended("content", 0),
        ended("tool-call", 0),
        message_end("TOOL_CALL"),
    )

    assert [event.index for event in events if isinstance(event, PartStart)] == [0, 1]
    assert assemble(events).parts[0] == ThinkingPart(text="Hm. Still.")


def test_calls_without_ids_get_distinct_ones_that_stay_the_same() -> None:
    def ids() -> list[str]:
        events = decode(START, call_start(0, None), call_start(1, ""), message_end("TOOL_CALL"))
        return [event.id for event in events if isinstance(event, PartStart)]

    assert ids() == ids()
    assert len(set(ids())) == 2


def test_what_was_left_open_is_closed_at_the_end() -> None:
    events = decode(START, content("delta", 0, text="Hi"), call_start(0, "a"), message_end())

    assert [event for event in events if isinstance(event, PartEnd)] == [PartEnd(0), PartEnd(1)]
    assert events[-1] == MessageEnd(finish="tool")


def test_a_character_cut_in_two_is_joined() -> None:
    """An escaped surrogate pair may be split over two deltas."""
    half = b'{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a\\ud83d"}}}}'
    other = b'{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"\\ude00b"}}}}'

    answer = assemble(decode(START, half, other, message_end()))

    assert answer.parts == (TextPart(text="a\U0001f600b"),)


@pytest.mark.parametrize(
    "event", [{"type": "citation-start", "index": 0}, {"type": "debug", "prompt": "x"}, {"type": "new-kind"}]
)
def test_events_without_a_meaning_here_are_ignored(event: Wire) -> None:
    assert decode(START, event, message_end()) == [MessageStart("m-1", ""), MessageEnd(finish="end")]


@pytest.mark.parametrize("frames", [(), (START,), (START, content("delta", 0, text="Hel")), (START, b"[DONE]")])
def test_a_body_without_message_end_was_cut(frames: tuple[Wire | bytes, ...]) -> None:
    events = decode(*frames)

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.code == "stream_cut"


@pytest.mark.parametrize(
    ("end", "kind", "message"),
    [
        (message_end("ERROR", error="generation failed"), "upstream", "generation failed"),
        (message_end("TIMEOUT"), "timeout", "TIMEOUT"),
        (message_end(None), "upstream", "no reason"),
    ],
)
def test_an_end_that_is_a_failure_fails_the_stream_and_keeps_its_usage(end: Wire, kind: str, message: str) -> None:
    end["delta"]["usage"] = {"tokens": {"input_tokens": 3, "output_tokens": 1}}

    events = decode(START, content("delta", 0, text="Hel"), end)

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.kind == kind
    assert message in events[-1].problem.message
    assert UsageUpdate(Usage(input=3, output=1)) in events


def test_an_error_body_in_mid_stream() -> None:
    events = decode(START, b'{"id":"x","message":"too many tokens: the limit is 256000"}')

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.kind == "context_length"


@pytest.mark.parametrize("garbage", [b"<html>", b'{"type":5}', b"\xff", b"[]", b"{" * 100_000])
def test_garbage_fails_the_stream_once(garbage: bytes) -> None:
    events = decode(START, garbage, garbage)

    assert isinstance(events[-1], StreamFailed)
    assert events[-1].problem.code == "garbage"


def test_nothing_follows_the_end() -> None:
    decoder = COHERE_CHAT.stream_decoder()
    decoder.feed(json.dumps(START).encode())
    decoder.feed(json.dumps(message_end()).encode())

    assert list(decoder.feed(json.dumps(content("delta", 0, text="late")).encode())) == []
    assert list(decoder.end()) == []


TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
ARGUMENTS = st.dictionaries(TEXT, st.integers() | TEXT, max_size=3).map(json.dumps)


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3), TEXT, st.lists(ARGUMENTS, max_size=3))
def test_streamed_equals_not_streamed(thoughts: list[str], texts: list[str], said: str, calls: list[str]) -> None:
    items = [{"type": "thinking", "thinking": "".join(thoughts)}] if thoughts else []
    items += [{"type": "text", "text": "".join(texts)}] if texts else []
    message: Wire = {"role": "assistant", "content": items}
    frames = [START]
    for index, item in enumerate(items):
        pieces = thoughts if item["type"] == "thinking" else texts
        frames += [content("start", index, **{**item, item["type"]: ""})]
        frames += [content("delta", index, **{item["type"]: piece}) for piece in pieces]
        frames += [ended("content", index)]
    if calls:
        message["tool_plan"] = said
        message["tool_calls"] = [
            {"id": f"c{index}", "type": "function", "function": {"name": "get", "arguments": arguments}}
            for index, arguments in enumerate(calls)
        ]
        frames += [plan(character) for character in said]
        for index, arguments in enumerate(calls):
            frames += [call_start(index, f"c{index}"), *(call_delta(index, letter) for letter in arguments)]
            frames += [ended("tool-call", index)]
    reason = "TOOL_CALL" if calls else "COMPLETE"
    whole = {"id": "m-1", "finish_reason": reason, "message": message}

    events = decode(*frames, message_end(reason))

    assert assemble(events) == COHERE_CHAT.decode_answer(json.dumps(whole).encode())


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_make_a_stream_raise(frames: list[bytes]) -> None:
    decode(*frames)


MEMBERS = "type index delta message content text thinking tool_plan tool_calls function arguments id usage tokens error"
KINDS = (
    "message-start content-start content-delta content-end tool-call-start tool-call-delta tool-plan-delta message-end"
)
SCRAPS = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(KINDS.split()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(MEMBERS.split()), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(SCRAPS, max_size=4))
def test_no_json_makes_a_stream_raise(documents: list[Any]) -> None:
    decode(*(json.dumps(document).encode() for document in documents))


def citation(**members: Any) -> Wire:
    cited = {"start": 0, "end": 2, "text": "It", "sources": [{"type": "document", "id": "d"}], **members}
    return {"type": "citation-start", "index": 0, "delta": {"message": {"citations": cited}}}


SOURCE = Citation(start=0, end=2, source="d")


def test_a_text_stays_open_for_its_sources_until_something_else_begins() -> None:
    events = decode(
        START,
        content("delta", 0, text="It rains."),
        ended("content", 0),
        citation(),
        call_start(0, "a"),
        ended("tool-call", 0),
        message_end("TOOL_CALL"),
    )

    assert [type(event) for event in events[1:6]] == [PartStart, Delta, CitationAdded, PartEnd, PartStart]


@pytest.mark.parametrize("index", [None, 1])
def test_a_source_belongs_to_the_content_that_it_names_or_the_text_under_way(index: int | None) -> None:
    events = decode(
        START,
        content("delta", 0, thinking="Hm."),
        content("delta", 1, text="It rains."),
        citation(content_index=index),
        message_end(),
    )

    assert assemble(events).parts == (ThinkingPart(text="Hm."), TextPart(text="It rains.", citations=(SOURCE,)))


@pytest.mark.parametrize(
    "cited",
    [
        citation(type="PLAN"),
        citation(type="THINKING_CONTENT"),
        citation(content_index=7),
        citation(sources=[]),
        citation(sources=None),
        citation(start="x"),
    ],
)
def test_a_source_that_no_text_can_carry_is_counted(cited: Wire) -> None:
    events = decode(START, content("delta", 0, text="It rains."), cited, message_end())

    assert assemble(events).parts == (TextPart(text="It rains."),)
    assert isinstance(events[-1], MessageEnd)
    assert events[-1].uncarried == ("message.citations",)
