"""The watch of the passthrough lane learns what the translate lane decodes, and holds back nothing that was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.dialects.openai_responses.watch import ResponsesWatch
from proxyctl.dialects.sse import frame
from tests.dialects.wire_cases import WIRE, agree, cases, expected, frames, watched

TEXT = (WIRE / "openai_responses" / "text" / "stream.sse").read_bytes()
DELTA = frame(b'{"type":"response.output_text.delta","delta":"x"}', "response.output_text.delta")


def watch() -> ResponsesWatch:
    return OPENAI_RESPONSES.watch(hide_usage=False)


@pytest.mark.parametrize("folder", cases("openai_responses", "stream.sse"))
def test_a_watched_stream_is_known_like_a_decoded_one(folder: Path) -> None:
    agree(OPENAI_RESPONSES, (folder / "stream.sse").read_bytes(), expected(folder))


@pytest.mark.parametrize("folder", cases("openai_responses", "failed.sse"))
def test_a_broken_stream_is_not_complete(folder: Path) -> None:
    one = watch()

    passed = watched(one, (folder / "failed.sse").read_bytes())

    assert passed == (folder / "failed.sse").read_bytes()
    assert (one.complete, one.over, one.finish) == (False, False, None)
    assert one.told == (one.problem is not None) == (not folder.name.startswith("cut"))


def test_a_stream_passes_byte_for_byte() -> None:
    assert watched(watch(), TEXT) == TEXT


def test_a_done_before_the_end_is_held_back() -> None:
    one = watch()

    assert watched(one, DELTA + b"data: [DONE]\n\n") == DELTA
    assert not one.over


def test_a_done_behind_the_end_may_pass() -> None:
    assert watched(watch(), TEXT + b"data: [DONE]\n\n").endswith(b"[DONE]\n\n")


def test_comments_and_what_is_no_event_pass() -> None:
    wire = b": ping\n\ndata: nonsense\n\ndata:\n\n"

    one = watch()

    assert watched(one, wire) == wire
    assert not one.started


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (b'{"type":"error","code":"rate_limit_exceeded","message":"m","sequence_number":1}', "rate_limit"),
        (b'{"error":{"message":"m","type":"server_error","code":null}}', "upstream"),
        (b'{"type":"response.failed","response":{"status":"failed","error":null}}', "upstream"),
        (b'{"type":"response.completed","response":{"status":"cancelled"}}', "upstream"),
    ],
)
def test_an_error_in_any_form_is_a_problem(error: bytes, kind: str) -> None:
    one = watch()

    assert one.feed(frame(error))

    assert one.problem is not None
    assert one.problem.kind == kind
    assert one.told


def test_deltas_that_come_together_are_counted_unread() -> None:
    one = watch()
    assert one.ordinary(DELTA) == 0  # nothing is ordinary before something has begun

    one.feed(DELTA)

    assert one.ordinary(DELTA * 3) == 3
    assert one.ordinary(DELTA * 3 + b"data: ") == 0


@pytest.mark.parametrize("frame_", list(frames(TEXT)))
def test_only_deltas_are_ordinary(frame_: bytes) -> None:
    one = watch()
    one.feed(DELTA)

    assert bool(one.ordinary(DELTA + frame_)) == (b".delta\n" in frame_)


def test_a_text_that_looks_like_an_event_is_no_event() -> None:
    one = watch()
    one.feed(DELTA)
    sly = (
        rb'{"type":"response.output_text.done","text":"event: response.x\n.delta\ndata: \"type\":\"response.a.delta\""}'
    )

    assert one.ordinary(DELTA + frame(sly, "response.output_text.done")) == 0
