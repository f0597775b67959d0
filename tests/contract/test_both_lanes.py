"""Both lanes end in the same result, and one of them changes nothing.

Each fixture of a dialect that clients speak goes through the gateway's two carriers: passed on, and translated to the
same dialect. What was learnt on the way must be the same, down to the frame in which the answer began; what the
passthrough lane hands on must be what came.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from proxyctl.core.errors import GarbageError, StatusError
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.metering.tap import translated_answer, whole_answer
from tests.dialects.carried import (
    REQUEST,
    Carried,
    Cut,
    all_cases,
    dialect_of,
    failure_story,
    passed,
    translated,
)
from tests.dialects.wire_cases import expected, frames

SPOKEN = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate")
COMPLETE = all_cases("stream.sse", *SPOKEN)
BROKEN = all_cases("failed.sse", *SPOKEN)
WHOLE = all_cases("answer.json", *SPOKEN)
# No report: each lane estimates from what it sees, frames or text, and says so.
ESTIMATED = {"estimated", "partial"}
NO_TOKEN = {"empty", "blocked-prompt"}
"""Answers without a token have no first one."""
_DONE = re.compile(rb"data: ?\[DONE\][\r\n]*\Z")


def stream_of(folder: Path) -> bytes:
    return next((folder / name).read_bytes() for name in ("stream.sse", "failed.sse") if (folder / name).exists())


def both(folder: Path, cut: Cut = None) -> tuple[Carried, Carried]:
    dialect, wire = dialect_of(folder), stream_of(folder)
    return passed(dialect, wire, cut), translated(dialect, dialect, wire, cut)


def learnt(one: Carried) -> dict[str, Any]:
    """What must agree. A problem's class must; its words may differ. An estimate need only be one."""
    facts = asdict(one.result) | {"started": one.started, "complete": one.complete}
    facts["problem"] = one.problem and one.problem.kind
    usage = one.result.usage
    if usage is not None and usage.source in ESTIMATED:
        facts["usage"] = (usage.source, usage.input_total)
    return facts


@pytest.mark.parametrize("folder", COMPLETE + BROKEN)
def test_both_lanes_end_in_the_same_result(folder: Path) -> None:
    by_passing, by_translating = (learnt(one) for one in both(folder))

    if folder.name in NO_TOKEN:  # its end is told in two frames, or by the end of the body
        del by_passing["first_token_at"], by_translating["first_token_at"]
    assert by_passing == by_translating


@pytest.mark.parametrize("folder", COMPLETE)
def test_the_result_is_what_is_documented(folder: Path) -> None:
    answer = expected(folder)

    for one in both(folder):
        assert one.complete
        assert one.problem is None
        assert (one.result.finish, one.result.served_model) == (answer.finish, answer.model)
        assert one.result.problem is None
        if answer.usage is not None:
            assert one.result.usage == answer.usage
        else:
            assert one.result.usage is not None
            assert one.result.usage.source == "estimated"


@pytest.mark.parametrize("folder", BROKEN)
def test_a_broken_stream_is_broken_in_both_lanes(folder: Path) -> None:
    story = failure_story(folder)

    for one in both(folder):
        assert not one.complete
        assert one.problem is not None
        assert (one.problem.kind, one.started) == (story.kind, story.started)
        assert one.result.usage is None or one.result.usage.source in ESTIMATED


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("folder", COMPLETE + BROKEN)
def test_where_the_network_cuts_changes_nothing(folder: Path, seed: int) -> None:
    for one, again in zip(both(folder), both(folder, seed), strict=True):
        assert again.sent == one.sent
        assert learnt(again) | {"first_token_at": None} == learnt(one) | {"first_token_at": None}


@pytest.mark.parametrize("batch", [2, 3, 1000])
@pytest.mark.parametrize("folder", COMPLETE + BROKEN)
def test_frames_that_come_together_change_nothing(folder: Path, batch: int) -> None:
    """Plain frames of one piece are handed on together, unlooked at."""
    dialect, wire = dialect_of(folder), stream_of(folder)
    single = list(frames(wire))
    together = [b"".join(single[at : at + batch]) for at in range(0, len(single), batch)]

    for way in (passed, lambda name, *rest: translated(name, name, *rest)):
        one, again = way(dialect, wire), way(dialect, wire, together)
        assert again.sent == one.sent
        assert learnt(again) | {"first_token_at": None} == learnt(one) | {"first_token_at": None}


@pytest.mark.parametrize("folder", COMPLETE)
def test_wherever_a_stream_is_cut_both_lanes_judge_alike(folder: Path) -> None:
    """At the end of every frame, and in the middle of it."""
    dialect, wire = dialect_of(folder), stream_of(folder)
    position = 0
    for frame in frames(wire):
        for cut in (position + len(frame) // 2, position + len(frame)):
            by_passing = learnt(passed(dialect, wire[:cut]))
            by_translating = learnt(translated(dialect, dialect, wire[:cut]))
            if folder.name in NO_TOKEN:
                del by_passing["first_token_at"], by_translating["first_token_at"]
                del by_passing["started"], by_translating["started"]
            assert by_passing == by_translating, wire[:cut]
        position += len(frame)


@pytest.mark.parametrize("folder", COMPLETE)
def test_what_passes_is_what_came(folder: Path) -> None:
    """Byte for byte, but for another dialect's terminator and a last blank line that the server forgot."""
    wire = stream_of(folder)
    if dialect_of(folder) in ("anthropic-messages", "openai-responses"):
        wire = _DONE.sub(b"", wire)
    ending = b"" if wire.endswith((b"\n\n", b"\r\n\r\n")) else b"\n\n"

    sent = passed(dialect_of(folder), stream_of(folder)).sent

    assert sent == (wire.rstrip(b"\r\n") + ending if ending else wire)


@pytest.mark.parametrize("folder", BROKEN)
def test_a_broken_stream_passes_without_its_last_half_frame(folder: Path) -> None:
    """And without a terminator, which would make it look whole."""
    one = passed(dialect_of(folder), stream_of(folder))

    assert stream_of(folder).startswith(one.sent)
    assert one.sent.endswith(b"\n\n") or not one.sent
    assert b"[DONE]" not in one.sent


@pytest.mark.parametrize("folder", BROKEN)
def test_a_caller_is_told_once_what_broke(folder: Path) -> None:
    """Passed on, the provider's own error frame has told it; translated, the attempt adds one."""
    by_passing, by_translating = both(folder)

    assert not by_translating.told
    in_the_ending = b'"finishReason":"MALFORMED' in by_passing.sent
    said = by_passing.sent.replace(b'"error":null', b"")
    assert by_passing.told == (b'"error":' in said or b"event: error" in said or in_the_ending)
    if by_passing.told and not in_the_ending:
        assert b"error" in by_passing.sent or b"insufficient_system_resource" in by_passing.sent


@pytest.mark.parametrize("folder", WHOLE)
def test_a_whole_answer_ends_in_the_same_result_as_its_stream(folder: Path) -> None:
    dialect, body = dialect_of(folder), (folder / "answer.json").read_bytes()

    by_passing = whole_answer(INBOUND[dialect].answer_facts(body), answer=body, request=REQUEST, at=0.0)
    by_translating = translated_answer(UPSTREAM[dialect].decode_answer(body), request=REQUEST, at=0.0)

    streamed = passed(dialect, stream_of(folder)).result
    for one in (by_passing, by_translating):
        assert (one.finish, one.served_model, one.problem) == (streamed.finish, streamed.served_model, None)
        if expected(folder).usage is not None:
            assert one.usage == streamed.usage
        else:
            assert one.usage is not None
            assert one.usage.source == "estimated"


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource"])
def test_a_whole_answer_that_failed_has_failed_in_both_lanes(word: str) -> None:
    body = b'{"id":"1","model":"m","choices":[{"index":0,"message":{"content":"Half"},"finish_reason":"%s"}]}'
    body %= word.encode()

    with pytest.raises((GarbageError, StatusError)) as caught:
        UPSTREAM["openai-chat"].decode_answer(body)
    problem = INBOUND["openai-chat"].answer_facts(body).problem

    assert problem is not None
    assert problem.kind == caught.value.problem.kind


@pytest.mark.parametrize("folder", COMPLETE)
def test_asking_for_usage_on_our_own_account_hides_one_frame_at_most(folder: Path) -> None:
    """WIRE §6 case 46: the caller who asked for no usage sees none of ours, and it is recorded all the same."""
    dialect, wire = dialect_of(folder), stream_of(folder)

    shown, hidden = passed(dialect, wire), passed(dialect, wire, hide_usage=True)

    assert hidden.result == shown.result
    missing = len(shown.sent.split(b"\n\n")) - len(hidden.sent.split(b"\n\n"))
    assert missing in (0, 1)
    assert b'"choices":[],"usage":{' not in hidden.sent
