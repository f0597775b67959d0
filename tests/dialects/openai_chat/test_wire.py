"""Documented answers of OpenAI-style servers, read in both lanes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import TextPart
from proxyctl.core.errors import DecodeError, StatusError
from proxyctl.core.events import Delta, MessageEnd, MessageStart, PartEnd, PartStart, StreamFailed
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from tests.dialects.wire_cases import agree, cases, checked, decoded, expected, failure, merged

STREAMS = cases("openai_chat", "stream.sse")
ANSWERS = cases("openai_chat", "answer.json")
HEAD = (
    b'data: {"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
)


@pytest.mark.parametrize("folder", STREAMS)
def test_a_stream_means_what_is_documented(folder: Path) -> None:
    assert assemble(decoded(OPENAI_CHAT, (folder / "stream.sse").read_bytes())) == expected(folder)


@pytest.mark.parametrize("folder", STREAMS)
@pytest.mark.parametrize("seed", range(5))
def test_the_network_may_cut_a_stream_anywhere(folder: Path, seed: int) -> None:
    wire = (folder / "stream.sse").read_bytes()

    assert decoded(OPENAI_CHAT, wire, seed) == decoded(OPENAI_CHAT, wire)


@pytest.mark.parametrize("folder", ANSWERS)
def test_a_whole_answer_means_the_same(folder: Path) -> None:
    assert OPENAI_CHAT.decode_answer((folder / "answer.json").read_bytes()) == expected(folder)


@pytest.mark.parametrize("folder", STREAMS)
def test_the_watch_learns_what_the_decoder_reads(folder: Path) -> None:
    agree(OPENAI_CHAT, (folder / "stream.sse").read_bytes(), expected(folder))


@pytest.mark.parametrize("folder", ANSWERS)
def test_the_facts_of_a_passing_answer_are_those_of_the_decoded_one(folder: Path) -> None:
    facts = OPENAI_CHAT.answer_facts((folder / "answer.json").read_bytes())
    answer = expected(folder)

    assert (facts.model, facts.finish, facts.usage) == (answer.model, answer.finish, answer.usage)
    assert not facts.empty


def test_a_stream_that_stops_early_has_failed() -> None:
    events = decoded(OPENAI_CHAT, HEAD)

    assert failure(events).problem.code == "stream_cut"
    assert events[1:3] == [PartStart(index=0, kind="text"), Delta(0, "Hi")]


def test_a_terminator_without_a_finish_reason_is_no_end() -> None:
    assert failure(decoded(OPENAI_CHAT, HEAD + b"data: [DONE]\n\n")).problem.code == "stream_cut"


def test_a_finish_reason_is_an_end_without_a_terminator() -> None:
    events = decoded(OPENAI_CHAT, HEAD + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')

    assert events[-1] == MessageEnd(finish="end")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'{"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}', "overloaded"),
        (
            b'{"choices":[{"delta":{},"finish_reason":"error"}],"error":{"code":429,"message":"slow down"}}',
            "rate_limit",
        ),
        (b'{"id":"1","choices":[],"x_groq":{"id":"r","error":"boom"}}', "upstream"),
    ],
)
def test_an_error_inside_the_stream_ends_it(frame: bytes, kind: str) -> None:
    events = decoded(OPENAI_CHAT, HEAD + b"data: " + frame + b"\n\ndata: [DONE]\n\n")

    assert failure(events).problem.kind == kind


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource"])
def test_a_finish_reason_that_is_an_error_is_one(word: str) -> None:
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"%s"}]}\n\n' % word.encode()

    assert isinstance(decoded(OPENAI_CHAT, HEAD + end)[-1], StreamFailed)


@pytest.mark.parametrize("frame", [b"data: {\n\n", b"data: []\n\n", b"data: <html>\n\n", b'data: {"choices":{}}\n\n'])
def test_what_is_no_chunk_ends_the_stream(frame: bytes) -> None:
    assert failure(decoded(OPENAI_CHAT, HEAD + frame)).problem.code == "garbage"


def test_a_length_keeps_its_reason_although_a_tool_was_called() -> None:
    wire = (
        b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a",'
        b'"function":{"name":"get","arguments":"{\\"k\\":"}}]},"finish_reason":"length"}]}\n\n'
    )

    answer = assemble(decoded(OPENAI_CHAT, wire))

    assert answer.finish == "length"
    assert answer.parts[0].arguments == '{"_raw_arguments":"{\\"k\\":"}'


def test_the_old_function_call_is_a_tool_call() -> None:
    wire = (
        b'data: {"id":"1","choices":[{"index":0,"delta":{"function_call":{"name":"get","arguments":"{"}}}]}'
        b'\n\ndata: {"choices":[{"index":0,"delta":{"function_call":{"arguments":"}"}},'
        b'"finish_reason":"function_call"}]}\n\n'
    )

    answer = assemble(decoded(OPENAI_CHAT, wire))

    assert answer.finish == "tool"
    assert (answer.parts[0].name, answer.parts[0].arguments) == ("get", "{}")
    assert answer.parts[0].id.startswith("call_")


def test_a_free_text_call_becomes_a_function_with_one_argument() -> None:
    wire = (
        b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"custom",'
        b'"custom":{"name":"patch","input":"*** Be"}}]}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"custom":{"input":"gin\\n"}}]}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'
    )

    events = decoded(OPENAI_CHAT, wire)

    assert events[1:4] == [
        PartStart(index=0, kind="tool_call", id="a", name="patch"),
        Delta(0, '{"input":"*** Begin\\n"}'),
        PartEnd(0),
    ]


def test_empty_choices_and_content_after_the_finish_do_no_harm() -> None:
    wire = (
        b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\n'
        + HEAD
        + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        + b'data: {"choices":[{"index":0,"delta":{"content":"!"}}]}\n\ndata: [DONE]\n\n'
    )

    events = merged(decoded(OPENAI_CHAT, wire))

    assert events[0] == MessageStart("chatcmpl-1", "m")
    assert events[2:] == [Delta(0, "Hi!"), PartEnd(0), MessageEnd(finish="end")]


def test_an_error_under_status_200_is_an_error() -> None:
    with pytest.raises(StatusError) as caught:
        OPENAI_CHAT.decode_answer(b'{"error":{"message":"no credit","code":402}}')

    assert caught.value.problem.kind == "billing"
    assert OPENAI_CHAT.answer_facts(b'{"error":{"message":"no credit","code":402}}').problem is not None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{"index":0}]}', b"\xff"]
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        OPENAI_CHAT.decode_answer(body)


def test_an_answer_that_says_nothing_is_empty() -> None:
    body = b'{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":""}}]}'

    assert OPENAI_CHAT.answer_facts(body).empty


NO_USAGE = pytest.mark.parametrize(
    "usage",
    [
        5,
        "many",
        [],
        {"prompt_tokens": "3", "completion_tokens": 2},
        {"prompt_tokens": 3, "completion_tokens": {}},
        {"prompt_tokens": 3, "prompt_tokens_details": [1]},
        {"prompt_tokens": 1e300},
    ],
    ids=str,
)


@NO_USAGE
def test_usage_that_cannot_be_read_is_unknown_and_spoils_no_answer(usage: object) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    body = json.dumps({"id": "1", "model": "m", "choices": [choice], "usage": usage}).encode()

    answer, facts = OPENAI_CHAT.decode_answer(body), OPENAI_CHAT.answer_facts(body)

    assert answer.parts == (TextPart(text="Hi"),)
    assert answer.usage is None
    assert facts.usage is None
    assert facts.finish == "end"


@NO_USAGE
@pytest.mark.parametrize("hide", [False, True])
def test_usage_that_cannot_be_read_is_unknown_and_cuts_no_stream(usage: object, hide: bool) -> None:
    end = b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    counts = b"data: " + json.dumps({"id": "1", "model": "m", "choices": [], "usage": usage}).encode() + b"\n\n"
    watch = OPENAI_CHAT.watch(hide_usage=hide)

    events = checked(decoded(OPENAI_CHAT, HEAD + end + counts + b"data: [DONE]\n\n"))
    kept = [watch.feed(frame) for frame in (HEAD, end, counts)]

    assert isinstance(events[-1], MessageEnd)
    assert assemble(events).usage is None
    assert watch.complete
    assert watch.usage is None
    assert kept == [True, True, not hide]


MEMBERS = (
    *("choices", "delta", "index", "content", "tool_calls", "id", "function", "name", "arguments", "usage", "error"),
    *("finish_reason", "x_groq", "prompt_tokens", "message", "model", "reasoning", "extra_content"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.one_of(st.binary(max_size=40), VALUES), max_size=4))
def test_no_stream_makes_the_decoder_or_the_watch_raise(chunks: list[object]) -> None:
    decoder, watch = OPENAI_CHAT.stream_decoder(), OPENAI_CHAT.watch(hide_usage=True)
    events = []
    for chunk in chunks:
        data = chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode()
        events += decoder.feed(data)
        watch.feed(b"data: " + data + b"\n\n")

    checked([*events, *decoder.end()])
