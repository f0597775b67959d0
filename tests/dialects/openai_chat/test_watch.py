"""The watch over passing chunks: what it sees, what it holds back, what it does not look at."""

import json
from typing import Any

import pytest

from proxyctl.core.usage import Usage
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from tests.dialects.wire_cases import watched


def chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, *, spaced: bool = False, **more: Any
) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}] if delta is not None else []
    document = {"id": "chatcmpl-1", "model": "served", "choices": choices, **more}
    separators = (", ", ": ") if spaced else (",", ":")
    return b"data: " + json.dumps(document, separators=separators).encode() + b"\n\n"


ROLE = chunk({"role": "assistant", "content": ""})
TEXT = chunk({"content": "Hi"})
END = chunk({}, "stop")
USAGE = chunk(usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("frame", "started"),
    [
        (ROLE, False),
        (b": ping\n\n", False),
        (USAGE, False),
        (chunk({"content": None}), False),
        (TEXT, True),
        (chunk({"reasoning": "hm"}), True),
        (chunk({"reasoning_content": "hm"}), True),
        (chunk({"refusal": "no"}), True),
        (chunk({"content": [{"type": "thinking", "thinking": []}]}), True),
        (chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "get"}}]}), True),
        (END, True),
    ],
)
def test_an_answer_has_started_with_what_a_person_would_see(frame: bytes, started: bool) -> None:
    watch = OPENAI_CHAT.watch(hide_usage=False)

    assert watch.feed(frame)
    assert watch.started is started


@pytest.mark.parametrize("spaced", [False, True])
def test_usage_and_finish_are_found_behind_many_ordinary_chunks(spaced: bool) -> None:
    watch = OPENAI_CHAT.watch(hide_usage=False)
    ordinary = chunk({"content": 'a "finish_reason":"stop" in text'}, spaced=spaced, usage=None)
    last = chunk({"content": "!"}, "length", spaced=spaced, usage={"prompt_tokens": 3, "completion_tokens": 2})

    passed = watched(watch, ROLE + TEXT + ordinary * 50 + last + DONE)

    assert passed == ROLE + TEXT + ordinary * 50 + last + DONE
    assert (watch.finish, watch.complete, watch.model) == ("length", True, "served")
    assert watch.usage == Usage(input=3, output=2)


def test_a_usage_chunk_that_only_we_asked_for_is_held_back() -> None:
    watch = OPENAI_CHAT.watch(hide_usage=True)

    assert watched(watch, ROLE + TEXT + END + USAGE + DONE) == ROLE + TEXT + END + DONE
    assert watch.usage == Usage(input=3, output=2)


def test_usage_beside_content_is_handed_on_with_it() -> None:
    watch = OPENAI_CHAT.watch(hide_usage=True)
    last = chunk({"content": "!"}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 1})

    assert watched(watch, TEXT + last + DONE) == TEXT + last + DONE
    assert watch.usage == Usage(input=1, output=1)


def test_a_usage_chunk_that_the_caller_asked_for_passes() -> None:
    assert watched(OPENAI_CHAT.watch(hide_usage=False), END + USAGE + DONE) == END + USAGE + DONE


def test_usage_on_every_chunk_is_cumulative() -> None:
    watch = OPENAI_CHAT.watch(hide_usage=False)
    wire = b"".join(
        chunk({"content": "x"}, usage={"prompt_tokens": 5, "completion_tokens": count}) for count in (1, 2, 3)
    )

    watched(watch, wire + END)

    assert watch.usage == Usage(input=5, output=3)


def test_calls_seen_on_the_way_decide_the_finish() -> None:
    watch = OPENAI_CHAT.watch(hide_usage=False)
    call = chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "get", "arguments": "{}"}}]})

    watched(watch, TEXT + call + END)

    assert watch.finish == "tool"


@pytest.mark.parametrize(
    "frame",
    [b'data: {"error":{"message":"boom","code":500}}\n\n', chunk({}, "error", error={"message": "b", "code": 500})],
)
def test_an_error_inside_is_a_problem_and_passes(frame: bytes) -> None:
    watch = OPENAI_CHAT.watch(hide_usage=True)

    assert watched(watch, TEXT + frame) == TEXT + frame
    assert watch.problem is not None
    assert watch.problem.kind == "upstream"
    assert not watch.complete


def test_a_cut_stream_is_not_complete_and_its_terminator_is_held_back() -> None:
    watch = OPENAI_CHAT.watch(hide_usage=False)

    assert watched(watch, ROLE + TEXT + DONE) == ROLE + TEXT
    assert not watch.complete
    assert watch.finish is None


def test_garbage_passes_without_a_crash() -> None:
    watch = OPENAI_CHAT.watch(hide_usage=True)
    garbage = b"data: {not json\n\ndata: \xff\xfe\n\ndata:\n\nevent: x\n\n"

    assert watched(watch, garbage) == garbage
    assert not watch.started
