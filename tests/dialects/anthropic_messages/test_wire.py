"""Documented answers of the messages API, read in both lanes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import OpaquePart, TextPart, ToolCallPart
from proxyctl.core.errors import DecodeError, StatusError
from proxyctl.core.events import Delta, MessageStart
from proxyctl.core.usage import Usage
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.assemble import assemble
from tests.dialects.wire_cases import agree, cases, checked, decoded, expected, failure

STREAMS = cases("anthropic_messages", "stream.sse")
ANSWERS = cases("anthropic_messages", "answer.json")


def event(kind: str, **fields: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


HEAD = (
    event("message_start", message={"id": "msg_1", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}})
    + event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"})
)


@pytest.mark.parametrize("folder", STREAMS)
def test_a_stream_means_what_is_documented(folder: Path) -> None:
    assert assemble(decoded(ANTHROPIC_MESSAGES, (folder / "stream.sse").read_bytes())) == expected(folder)


@pytest.mark.parametrize("folder", STREAMS)
@pytest.mark.parametrize("seed", range(5))
def test_the_network_may_cut_a_stream_anywhere(folder: Path, seed: int) -> None:
    wire = (folder / "stream.sse").read_bytes()

    assert decoded(ANTHROPIC_MESSAGES, wire, seed) == decoded(ANTHROPIC_MESSAGES, wire)


@pytest.mark.parametrize("folder", ANSWERS)
def test_a_whole_answer_means_the_same(folder: Path) -> None:
    answer, same = ANTHROPIC_MESSAGES.decode_answer((folder / "answer.json").read_bytes()), expected(folder)

    # White space between the members of a call's input is the writer's own.
    assert compact(answer.parts) == compact(same.parts)
    assert (answer.finish, answer.usage, answer.stop_sequence, answer.refusal) == (
        same.finish,
        same.usage,
        same.stop_sequence,
        same.refusal,
    )


def compact(parts: object) -> list[object]:
    assert isinstance(parts, tuple)
    return [
        (part.id, part.name, json.loads(part.arguments)) if isinstance(part, ToolCallPart) else part for part in parts
    ]


@pytest.mark.parametrize("folder", STREAMS)
def test_the_watch_learns_what_the_decoder_reads(folder: Path) -> None:
    agree(ANTHROPIC_MESSAGES, (folder / "stream.sse").read_bytes(), expected(folder))


@pytest.mark.parametrize("folder", ANSWERS)
def test_the_facts_of_a_passing_answer_are_those_of_the_decoded_one(folder: Path) -> None:
    facts = ANTHROPIC_MESSAGES.answer_facts((folder / "answer.json").read_bytes())
    answer = expected(folder)

    assert (facts.model, facts.finish, facts.usage, facts.problem) == (answer.model, answer.finish, answer.usage, None)


def test_the_input_is_known_from_the_first_event() -> None:
    wire = (Path(STREAMS[0].values[0]).parent / "text-cached" / "stream.sse").read_bytes()

    start = decoded(ANTHROPIC_MESSAGES, wire)[0]

    assert isinstance(start, MessageStart)
    assert start.usage is not None
    assert (start.usage.input_total, start.usage.source) == (260, "partial")


def test_a_stream_that_stops_early_has_failed() -> None:
    assert failure(decoded(ANTHROPIC_MESSAGES, HEAD)).problem.code == "stream_cut"


def test_a_stop_without_a_reason_is_no_end() -> None:
    assert failure(decoded(ANTHROPIC_MESSAGES, HEAD + event("message_stop"))).problem.code == "stream_cut"


def test_an_error_event_ends_the_stream() -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    problem = failure(decoded(ANTHROPIC_MESSAGES, HEAD + error)).problem

    assert (problem.kind, problem.message) == ("overloaded", "Overloaded")


@pytest.mark.parametrize("frame", [b"data: {\n\n", b"data: []\n\n", b"data: <html>\n\n", b'data: {"index":"x"}\n\n'])
def test_what_is_no_event_ends_the_stream(frame: bytes) -> None:
    assert failure(decoded(ANTHROPIC_MESSAGES, HEAD + frame)).problem.code == "garbage"


def test_a_character_cut_into_two_deltas_comes_out_whole() -> None:
    first = b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"}}\n\n'
    second = b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ude00"}}\n\n'

    events = decoded(ANTHROPIC_MESSAGES, HEAD + first + second)

    assert [event.text for event in events if isinstance(event, Delta)] == ["Hi", "😀"]


def test_blocks_that_nobody_else_has_are_kept_as_they_came() -> None:
    raw = b'{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q": 1}}'
    body = b'{"type":"message","id":"msg_1","model":"m","content":[%s,{"type":"text","text":"A"}]}' % raw

    parts = ANTHROPIC_MESSAGES.decode_answer(body).parts

    opaque = OpaquePart(dialect="anthropic-messages", label="server_tool_use", raw=raw)
    assert parts == (opaque, TextPart(text="A"))


def test_an_error_under_status_200_is_an_error() -> None:
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}'

    with pytest.raises(StatusError) as caught:
        ANTHROPIC_MESSAGES.decode_answer(body)

    assert caught.value.problem.kind == "rate_limit"
    assert ANTHROPIC_MESSAGES.answer_facts(body).problem == caught.value.problem


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content":"x"}', b'{"content":[5]}', b"\xff"])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        ANTHROPIC_MESSAGES.decode_answer(body)


def test_usage_without_a_split_was_written_for_five_minutes() -> None:
    body = b'{"content":[],"usage":{"input_tokens":1,"cache_creation_input_tokens":7,"output_tokens":0}}'

    assert ANTHROPIC_MESSAGES.decode_answer(body).usage == Usage(input=1, cache_write_5m=7)


NO_USAGE = pytest.mark.parametrize(
    "usage",
    [
        5,
        "many",
        [],
        {"input_tokens": "3", "output_tokens": 2},
        {"input_tokens": 3, "cache_creation": 7},
        {"input_tokens": 3, "output_tokens": 10**40},
    ],
    ids=str,
)


@NO_USAGE
def test_usage_that_cannot_be_read_is_unknown_and_spoils_no_answer(usage: object) -> None:
    content = [{"type": "text", "text": "Hi"}]
    message = {"id": "1", "type": "message", "model": "m", "content": content, "stop_reason": "end_turn"}
    body = json.dumps({**message, "usage": usage}).encode()

    answer, facts = ANTHROPIC_MESSAGES.decode_answer(body), ANTHROPIC_MESSAGES.answer_facts(body)

    assert answer.parts == (TextPart(text="Hi"),)
    assert answer.usage is None
    assert facts.usage is None
    assert facts.finish == "end"


@NO_USAGE
def test_usage_that_cannot_be_read_is_unknown_and_cuts_no_stream(usage: object) -> None:
    told: list[dict[str, object]] = [
        {"type": "message_start", "message": {"id": "1", "model": "m", "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    ]
    frames = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in told]
    watch = ANTHROPIC_MESSAGES.watch(hide_usage=False)

    answer = assemble(decoded(ANTHROPIC_MESSAGES, b"".join(frames)))
    for frame in frames:
        watch.feed(frame)

    assert (answer.parts, answer.finish, answer.usage) == ((TextPart(text="Hi"),), "end", None)
    assert (watch.complete, watch.model, watch.usage) == (True, "m", None)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "message",
                    "index",
                    "content_block",
                    "delta",
                    "usage",
                    "error",
                    "text",
                    "input",
                    "stop_reason",
                    "id",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    ]
)
BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "x"]), "text": st.text(max_size=3)}
)
EVENTS = st.fixed_dictionaries(
    {"type": KINDS, "index": st.integers(0, 2)},
    optional={
        "content_block": BLOCKS,
        "delta": st.fixed_dictionaries(
            {"text": st.text(max_size=3), "stop_reason": st.sampled_from([None, "end_turn"])}
        ),
        "usage": st.fixed_dictionaries({"output_tokens": st.integers(0, 9)}),
    },
)


@given(st.lists(st.one_of(st.binary(max_size=30), VALUES, EVENTS, EVENTS, EVENTS), max_size=10))
def test_no_stream_makes_the_decoder_or_the_watch_raise(chunks: list[object]) -> None:
    decoder, watch = ANTHROPIC_MESSAGES.stream_decoder(), ANTHROPIC_MESSAGES.watch(hide_usage=True)
    events = []
    for chunk in chunks:
        data = chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode()
        events += decoder.feed(data)
        watch.feed(b"data: " + data + b"\n\n")

    checked([*events, *decoder.end()])
