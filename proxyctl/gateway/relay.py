"""Carry a stream to the caller: two lanes behind one interface.

A carrier takes what the upstream sends and gives what the caller gets: `passthrough` hands frames on as they came,
`translate` turns them into events and those into the caller's frames. Both say when the answer has begun, whether it
ended well and what went wrong, so that an attempt needs no knowledge of either, and both end in the same
`AttemptResult`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from proxyctl.core.errors import GarbageError, Problem
from proxyctl.core.exchange import AttemptResult

CUT = Problem(
    kind="upstream",
    status=502,
    code="upstream_truncated",
    message="the answer stopped before its end: what was sent is not complete",
)
EMPTY = Problem(kind="upstream", status=502, code="upstream_empty", message="the stream ended without an answer")


class Carrier(Protocol):
    """One stream on its way. `ended` when the upstream's body is over."""

    ended: bool

    @property
    def started(self) -> bool:
        """Something meaningful has come."""
        ...

    @property
    def complete(self) -> bool:
        """The dialect's own end has been seen."""
        ...

    @property
    def over(self) -> bool:
        """A complete answer's last frame has gone to the caller, whatever else the upstream may send."""
        ...

    @property
    def problem(self) -> Problem | None: ...

    @property
    def told(self) -> bool:
        """The caller has already been handed the upstream's own error frame."""
        ...

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """Take what the upstream sent, give what the caller gets (often nothing, never half a frame).

        The pieces are to be taken one by one, all of them: large ones are made when it is their turn, and what is said
        of the answer is true behind the last.
        """
        ...

    def end(self) -> Iterable[bytes]:
        """The upstream's body is over: give what is still to be sent. `complete` is final after this."""
        ...

    def result(self, request: bytes) -> AttemptResult:
        """What is known now; `request` is the caller's body, for estimates."""
        ...

    def failure(self, problem: Problem) -> bytes:
        """The frames that end the stream with this error, `b""` where any stream of the dialect ends alike."""
        ...


def bare_json(frame: bytes) -> bytes:
    """A frame that is no event but JSON on its own: how Gemini tells an error in mid-stream (wire notes 2026-11)."""
    text = frame.strip()
    return text if text[:1] in (b"{", b"[") else b""


def garbage(message: str) -> Problem:
    """A problem for an answer that cannot be read."""
    return Problem(kind="upstream", status=502, code="upstream_garbage", message=message)


def garbage_error(message: str) -> GarbageError:
    return GarbageError(garbage(message))
