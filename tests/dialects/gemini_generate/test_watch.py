"""What the tap learns of a Gemini stream that passes, without decoding most of it."""

from __future__ import annotations

import msgspec
import pytest

from proxyctl.core.errors import DecodeError
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.gemini_generate.watch import GeminiWatch
from tests.dialects.wire_cases import WIRE, cases, expected, frames, watched

HEAD = b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"index":0}],"usageMetadata":'
COUNTS = b'{"promptTokenCount":8,"candidatesTokenCount":%d,"totalTokenCount":%d}'
TAIL = b',"modelVersion":"gemini-3.8-flash","responseId":"r"}'


def plain(number: int = 1, end: bytes = b"\r\n\r\n") -> bytes:
    return HEAD + COUNTS % (number, number + 8) + TAIL + end


def started() -> GeminiWatch:
    watch = GEMINI_GENERATE.watch(hide_usage=False)
    assert watch.feed(plain())
    assert watch.started
    return watch


@pytest.mark.parametrize("folder", cases("gemini_generate", "stream.sse"))
def test_it_learns_what_the_decoder_does(folder: object) -> None:
    wire = (WIRE / str(folder) / "stream.sse").read_bytes()
    answer = expected(WIRE / str(folder))
    watch = GEMINI_GENERATE.watch(hide_usage=True)

    kept = watched(watch, wire)

    assert kept.replace(b"\r\n", b"\n") == wire.replace(b"\r\n", b"\n")
    assert (watch.started, watch.complete, watch.problem, watch.over) == (True, True, None, False)
    assert (watch.finish, watch.usage, watch.model) == (answer.finish, answer.usage, answer.model)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("count", [1, 7])
def test_plain_frames_are_counted_without_a_look(end: bytes, count: int) -> None:
    assert started().ordinary(plain(end=end) * count) == count


@pytest.mark.parametrize(
    "chunk",
    [
        plain()[:-2],
        plain() + plain()[:40],
        plain() + b": comment\r\n\r\n",
        plain() + plain(end=b"\n\n"),
        plain() + b'data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n',
        plain() + b'data: {"error":{"code":500}}\r\n\r\n',
        b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}\r\n\r\n',
        b'{\n"error": {}\n}\n\n',
        b'data: {\ndata: "candidates":[]}\n\n',
    ],
)
def test_whatever_is_not_plain_is_looked_at(chunk: bytes) -> None:
    assert started().ordinary(chunk) == 0


def test_nothing_is_ordinary_before_the_answer_or_behind_its_end() -> None:
    fresh, done = GEMINI_GENERATE.watch(hide_usage=False), started()
    done.feed(b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n')

    assert fresh.ordinary(plain()) == done.ordinary(plain()) == 0


def test_words_inside_text_are_no_members() -> None:
    """A quote inside JSON text is escaped."""
    watch = started()
    text = msgspec.json.encode({"candidates": [{"content": {"parts": [{"text": '"finishReason":"STOP" "error":{}'}]}}]})

    assert watch.ordinary(b"data: " + text + b"\n\n") == 1


def test_thoughts_alone_are_looked_at_until_text_comes() -> None:
    """A call that nobody can read is a failure even behind thoughts."""
    watch = GEMINI_GENERATE.watch(hide_usage=False)
    thought = b'data: {"candidates":[{"content":{"parts":[{"text":"Hm","thought":true}]}}]}\n\n'
    watch.feed(thought)

    assert watch.started
    assert watch.ordinary(thought) == 0


def test_usage_behind_the_finish_is_counted() -> None:
    watch = started()
    watch.feed(b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n')
    watch.feed(b'data: {"usageMetadata":' + COUNTS % (9, 17) + b"}\n\n")

    assert watch.usage is not None
    assert (watch.usage.input, watch.usage.output, watch.usage.source) == (8, 9, "reported")


def test_counts_of_a_stream_without_an_end_are_partial() -> None:
    usage = started().usage

    assert usage is not None
    assert usage.source == "partial"


def test_an_error_frame_is_the_callers_to_read_and_a_bare_one_is_not() -> None:
    named, bare = started(), started()

    assert named.feed(b'data: {"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}\n\n')
    assert not bare.feed(b'{\n  "error": {"code":503,"status":"UNAVAILABLE","message":"m"}\n}\n\n')

    for watch, told in ((named, True), (bare, False)):
        assert watch.problem is not None
        assert (watch.problem.kind, watch.told) == ("overloaded", told)


def test_an_imitators_terminator_goes_no_further() -> None:
    watch = started()

    assert not watch.feed(b"data: [DONE]\n\n")
    assert not watch.complete


@pytest.mark.parametrize("begun", [True, False])
def test_a_call_that_cannot_be_read_is_a_failure(begun: bool) -> None:
    """Told in Gemini's own words only to who has seen a part of the answer: before, it is tried elsewhere."""
    watch = started() if begun else GEMINI_GENERATE.watch(hide_usage=False)

    kept = watch.feed(b'data: {"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}\n\n')

    assert kept is watch.told is begun
    assert watch.problem is not None
    assert watch.problem.code == "malformed_tool_call"
    assert not watch.complete


def test_garbage_passes_and_proves_nothing() -> None:
    watch = GEMINI_GENERATE.watch(hide_usage=False)

    assert watch.feed(b"data: {nonsense}\n\n")
    assert (watch.started, watch.complete, watch.problem) == (False, False, None)


@pytest.mark.parametrize("folder", cases("gemini_generate", "answer.json"))
def test_whole_answers(folder: object) -> None:
    path = WIRE / str(folder)
    facts, answer = GEMINI_GENERATE.answer_facts((path / "answer.json").read_bytes()), expected(path)

    assert (facts.model, facts.finish, facts.usage) == (answer.model, answer.finish, answer.usage)
    assert (facts.problem, facts.empty) == (None, False)


@pytest.mark.parametrize(
    ("body", "code", "empty"),
    [
        (b'{"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}', "overloaded", False),
        (b'{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}', "malformed_tool_call", False),
        (b'{"candidates":[{"finishReason":"OTHER"}]}', "empty_answer", False),
        (b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}', "stream_cut", False),
        (b"{}", None, True),
    ],
)
def test_whole_answers_that_are_none(body: bytes, code: str | None, empty: bool) -> None:
    facts = GEMINI_GENERATE.answer_facts(body)

    assert (facts.problem.code if facts.problem else None, facts.empty) == (code, empty)


def test_what_is_no_answer_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        GEMINI_GENERATE.answer_facts(b"<html>")


def test_frames_in_any_pieces_end_alike() -> None:
    wire = plain() * 3 + b'data: {"candidates":[{"finishReason":"MAX_TOKENS"}]}\r\n\r\n'
    for seed in range(5):
        watch = GEMINI_GENERATE.watch(hide_usage=False)
        for frame in frames(wire, seed):
            watch.feed(frame)
        assert (watch.finish, watch.complete) == ("length", True)
