"""The watch over passing events: what it sees, what it holds back, what it does not look at."""

import json

import pytest

from proxyctl.core.usage import Usage
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from tests.dialects.wire_cases import watched


def event(kind: str, **fields: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def block(kind: str, **fields: object) -> bytes:
    return event("content_block_start", index=0, content_block={"type": kind, **fields})


def delta(text: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "model": "served",
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1},
    },
)
PING = event("ping")
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
STOP = event("message_stop")


@pytest.mark.parametrize(
    ("frame", "started"),
    [
        (START, False),
        (PING, False),
        (b": keep-alive\n\n", False),
        (block("text", text=""), False),
        (delta(""), False),
        (delta("Hi"), True),
        (block("thinking", thinking="", signature=""), True),
        (block("tool_use", id="a", name="get", input={}), True),
        (block("redacted_thinking", data="x"), True),
        (END, True),
        (STOP, True),
    ],
)
def test_an_answer_has_started_with_what_a_person_would_see(frame: bytes, started: bool) -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)

    assert watch.feed(frame)
    assert watch.started is started


def test_a_whole_stream_passes_and_is_understood() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=True)
    wire = START + PING + block("text", text="") + delta("Hi") * 50 + END + STOP

    assert watched(watch, wire) == wire
    assert (watch.model, watch.finish, watch.complete) == ("served", "end", True)
    assert watch.usage == Usage(input=9, cache_read=4, output=5)


def test_usage_before_the_end_is_partial() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)

    watched(watch, START + delta("Hi"))

    assert watch.usage == Usage(input=9, cache_read=4, output=1, source="partial")
    assert not watch.complete


def test_calls_seen_on_the_way_decide_the_finish() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)

    watched(watch, START + block("tool_use", id="a", name="get") + END + STOP)

    assert watch.finish == "tool"


def test_an_error_event_is_a_problem_and_passes() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)
    error = event("error", error={"type": "overloaded_error", "message": "busy"})

    assert watched(watch, START + delta("Hi") + error) == START + delta("Hi") + error
    assert watch.problem is not None
    assert watch.problem.kind == "overloaded"
    assert not watch.complete


def test_a_stop_without_a_reason_is_not_complete() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)

    watched(watch, START + delta("Hi") + STOP)

    assert not watch.complete


def test_the_terminator_of_another_dialect_is_held_back() -> None:
    wire = START + delta("Hi") + END + STOP

    assert watched(ANTHROPIC_MESSAGES.watch(hide_usage=False), wire + b"data: [DONE]\n\n") == wire


def test_events_without_names_are_understood_by_their_type() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)
    wire = b"".join(b"data:" + frame.partition(b"data:")[2] for frame in (START, delta("Hi"), delta("x"), END, STOP))

    assert watched(watch, wire) == wire
    assert (watch.finish, watch.complete) == ("end", True)


def test_garbage_passes_without_a_crash() -> None:
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)
    garbage = b"data: {not json\n\ndata: \xff\xfe\n\ndata:\n\nevent: x\n\n"

    assert watched(watch, garbage) == garbage
    assert not watch.started
