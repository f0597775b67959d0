"""The taps against watches and events as the lanes feed them."""

from __future__ import annotations

import pytest

from proxyctl.core.chat import Answer, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.clock import ManualClock
from proxyctl.core.errors import Problem
from proxyctl.core.events import (
    Delta,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerFacts
from proxyctl.dialects.sse import frame
from proxyctl.metering.tap import EventTap, FrameTap, translated_answer, whole_answer

CUT = Problem(kind="upstream", status=502, code="cut", message="cut")
REQUEST = b'{"model":"m","messages":"' + b"x" * 375 + b'"}'
READ = 101
"""What the request above comes to: 402 bytes."""


class ScriptedWatch:
    """A watch that learns what the test says at each frame."""

    def __init__(self) -> None:
        self.started = False
        self.complete = False
        self.finish = None
        self.usage = None
        self.model = ""
        self.problem = None
        self.keep = True

    def feed(self, frame: bytes) -> bool:
        self.started = self.started or b"text" in frame
        self.complete = self.complete or b"stop" in frame
        return self.keep


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def delta(text: str) -> bytes:
    return frame(b'{"type":"content_delta","text":"' + text.encode() + b'"}', "content_delta")


def stream(tap: FrameTap, *frames: bytes) -> None:
    for one in frames:
        tap.feed(one)


def test_the_first_token_is_the_first_frame_that_shows_something(clock: ManualClock) -> None:
    tap = FrameTap(ScriptedWatch(), clock)
    tap.feed(frame(b'{"type":"ping"}', "ping"))
    assert tap.first_token_at is None
    clock.advance(2)
    tap.feed(delta("Hello"))
    clock.advance(2)
    tap.feed(delta(" there"))

    assert tap.result(REQUEST).first_token_at == 2


def test_a_complete_report_is_taken_as_it_is(clock: ManualClock) -> None:
    watch = ScriptedWatch()
    tap = FrameTap(watch, clock)
    stream(tap, delta("Hello"), frame(b'{"type":"stop"}', "stop"))
    watch.usage, watch.finish, watch.model = Usage(input=9, output=2), "end", "served-0125"

    result = tap.result(REQUEST)

    assert result.usage == Usage(input=9, output=2)
    assert (result.finish, result.served_model, result.problem) == ("end", "served-0125", None)


def test_the_watch_decides_what_is_handed_on(clock: ManualClock) -> None:
    watch = ScriptedWatch()
    tap = FrameTap(watch, clock)
    assert tap.feed(delta("a"))
    watch.keep = False

    assert not tap.feed(delta("b"))


def test_usage_that_nobody_reported_is_estimated(clock: ManualClock) -> None:
    """Forty letters beyond the empty delta are ten tokens; pings and the end are not output."""
    tap = FrameTap(ScriptedWatch(), clock)
    stream(tap, delta(""), delta("x" * 20), frame(b'{"type":"ping"}', "ping"), delta("y" * 20))
    stream(tap, frame(b'{"type":"stop"}', "stop"))

    assert tap.result(REQUEST).usage == Usage(input=READ, output=10, source="estimated")


def test_every_frame_is_a_token_at_least(clock: ManualClock) -> None:
    tap = FrameTap(ScriptedWatch(), clock)
    stream(tap, *[delta("a")] * 7)

    usage = tap.result(REQUEST).usage

    assert usage is not None
    assert usage.output == 7


def test_a_stream_that_never_began_used_nothing(clock: ManualClock) -> None:
    tap = FrameTap(ScriptedWatch(), clock)
    stream(tap, frame(b'{"type":"ping"}', "ping"))

    assert tap.result(REQUEST).usage is None
    assert FrameTap(ScriptedWatch(), clock).result(REQUEST).usage is None


def test_a_cut_stream_keeps_its_input_and_counts_what_came(clock: ManualClock) -> None:
    """Anthropic says at the start how much was read and that one token was written; the rest is never said."""
    watch = ScriptedWatch()
    tap = FrameTap(watch, clock)
    stream(tap, delta(""), delta("x" * 400))
    watch.usage = Usage(input=50, cache_read=20, output=1)

    assert tap.result(REQUEST).usage == Usage(input=50, cache_read=20, output=100, source="partial")


def test_a_cut_stream_believes_a_report_that_says_more(clock: ManualClock) -> None:
    watch = ScriptedWatch()
    tap = FrameTap(watch, clock)
    stream(tap, delta("x"), delta("y"))
    watch.usage, watch.problem = Usage(input=50, output=30, reasoning=500), CUT

    result = tap.result(REQUEST)

    assert result.usage == Usage(input=50, output=30, reasoning=500, source="partial")
    assert result.problem is CUT


def feed(tap: EventTap, *events) -> None:
    for event in events:
        tap.feed(event)


def test_events_end_in_the_same_result(clock: ManualClock) -> None:
    tap = EventTap(clock)
    feed(tap, MessageStart("id", "served-0125", Usage(input=3)), PartStart(index=0, kind="text"))
    assert not tap.started
    clock.advance(1)
    feed(tap, Delta(0, "Hello"))
    assert tap.started
    clock.advance(1)
    feed(tap, PartEnd(0), UsageUpdate(Usage(input=9, output=2)), MessageEnd(finish="end"))

    result = tap.result(REQUEST)

    assert tap.complete
    assert (result.usage, result.finish, result.served_model) == (Usage(input=9, output=2), "end", "served-0125")
    assert (result.first_token_at, result.problem) == (1, None)


def test_a_tool_call_shows_itself_by_its_name(clock: ManualClock) -> None:
    tap = EventTap(clock)
    feed(tap, MessageStart("id", "m"), PartStart(index=0, kind="tool_call", id="c", name="f"))

    assert tap.started


def test_an_answer_without_content_starts_with_its_end(clock: ManualClock) -> None:
    tap = EventTap(clock)
    clock.advance(3)
    feed(tap, MessageStart("id", "m"), MessageEnd(finish="end"))

    assert tap.started
    assert tap.result(REQUEST).first_token_at == 3


def test_events_without_usage_are_estimated(clock: ManualClock) -> None:
    tap = EventTap(clock)
    feed(tap, MessageStart("id", "m"), PartStart(index=0, kind="text"), Delta(0, "abcd" * 5), Delta(0, "世界和"))
    feed(tap, PartEnd(0), MessageEnd(finish="end"))

    assert tap.result(REQUEST).usage == Usage(input=READ, output=7, source="estimated")


def test_a_failed_stream_is_partial_and_says_why(clock: ManualClock) -> None:
    tap = EventTap(clock)
    feed(tap, MessageStart("id", "m", Usage(input=50)), PartStart(index=0, kind="text"), Delta(0, "abcd" * 5))
    feed(tap, StreamFailed(CUT))

    result = tap.result(REQUEST)

    assert result.usage == Usage(input=50, output=5, source="partial")
    assert (result.problem, result.finish, tap.complete) == (CUT, None, False)


def test_a_stream_that_failed_at_once_used_nothing(clock: ManualClock) -> None:
    tap = EventTap(clock)
    feed(tap, StreamFailed(CUT))

    assert tap.result(REQUEST).usage is None


def test_a_whole_answer_is_booked_as_reported() -> None:
    facts = AnswerFacts(model="served", finish="end", usage=Usage(input=1, output=2))

    result = whole_answer(facts, answer=b"{}", request=REQUEST, at=4.0)

    assert (result.usage, result.finish, result.served_model) == (Usage(input=1, output=2), "end", "served")
    assert result.first_token_at == 4.0


def test_a_whole_answer_without_usage_is_estimated() -> None:
    result = whole_answer(AnswerFacts(finish="end"), answer=b"y" * 80, request=REQUEST, at=4.0)

    assert result.usage == Usage(input=READ, output=20, source="estimated")


@pytest.mark.parametrize("facts", [AnswerFacts(empty=True), AnswerFacts(problem=CUT)])
def test_an_answer_that_is_none_used_nothing(facts: AnswerFacts) -> None:
    assert whole_answer(facts, answer=b"y" * 80, request=REQUEST, at=4.0).usage is None


def test_a_translated_answer_without_usage_is_estimated_from_its_text() -> None:
    parts = (
        ThinkingPart(text="abcd" * 2),
        TextPart(text="abcd" * 3),
        ToolCallPart(id="c", name="look", arguments='{"a": 12}   '),
    )
    answer = Answer(id="1", model="m", parts=parts, finish="tool")

    result = translated_answer(answer, request=REQUEST, at=4.0)

    assert result.usage == Usage(input=READ, output=9, source="estimated")
    assert (result.finish, result.served_model) == ("tool", "m")


def test_a_translated_answer_is_booked_as_reported() -> None:
    answer = Answer(id="1", model="m", parts=(), finish="end", usage=Usage(input=5))

    assert translated_answer(answer, request=REQUEST, at=4.0).usage == Usage(input=5)
