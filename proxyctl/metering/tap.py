"""Reads from a passing answer what its record needs, in either lane, and changes nothing.

The passthrough lane feeds frames to a dialect's `Watch`, the translate lane feeds canonical events; both end in the
same `AttemptResult`. A frame costs a few additions: nothing is decoded or allocated here. What the provider did not
report is estimated at the end, and marked so.
"""

from __future__ import annotations

import math

import msgspec

from proxyctl.core.chat import Answer, FinishReason, RefusalPart, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.clock import Clock
from proxyctl.core.errors import Problem
from proxyctl.core.events import Delta, Event, MessageEnd, MessageStart, PartStart, StreamFailed, UsageUpdate
from proxyctl.core.exchange import AttemptResult
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerFacts, Watch
from proxyctl.metering.estimate import estimate_body, estimate_bytes, estimate_tokens

_KIND_LENGTH = 20
_UNSEEN = 1 << 30


class FrameTap:
    """Watches the frames of one passing stream."""

    __slots__ = ("_clock", "_envelope", "_frames", "_kind", "_size", "first_token_at", "watch")

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self.watch = watch
        self.first_token_at: float | None = None
        self._clock = clock
        self._kind: bytes | None = None
        self._frames = 0
        self._size = 0
        self._envelope = _UNSEEN

    def feed(self, frame: bytes) -> bool:
        """Take one whole frame; false means: do not hand it on."""
        keep = self.watch.feed(frame)
        if self._kind is None:
            if not self.watch.started:
                return keep
            self.first_token_at = self._clock.monotonic()
            self._kind = frame[:_KIND_LENGTH]
        if frame.startswith(self._kind):
            size = len(frame)
            self._frames += 1
            self._size += size
            if size < self._envelope:  # noqa: PLR1730 - min() is a call for every frame
                self._envelope = size
        return keep

    def passed(self, chunk: bytes, frames: int) -> None:
        """Count frames that the watch called ordinary, in one go; their mean stands for the smallest."""
        size = len(chunk)
        self._frames += frames
        self._size += size
        self._envelope = min(self._envelope, size // frames)

    def result(self, request: bytes) -> AttemptResult:
        """Sum up. `request` is the body that was sent upstream, looked at only when usage must be estimated."""
        watch = self.watch
        usage = _final_usage(
            watch.usage,
            complete=watch.complete,
            begun=self.first_token_at is not None,
            written=self._written(),
            request=request,
        )
        return AttemptResult(
            usage=usage,
            finish=watch.finish if watch.complete else None,
            served_model=watch.model,
            problem=watch.problem,
            first_token_at=self.first_token_at,
        )

    def _written(self) -> int:
        """Estimate the output: what frames like the first with content hold beyond the smallest of them.

        The smallest is all envelope, or nearly; a frame counts for a token at least.
        """
        return max(self._frames, estimate_bytes(self._size - self._frames * self._envelope))


class EventTap:
    """Watches the canonical events of one translated stream."""

    __slots__ = ("_clock", "_written", "complete", "finish", "first_token_at", "model", "problem", "usage")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._written = 0.0
        self.complete = False
        self.finish: FinishReason | None = None
        self.first_token_at: float | None = None
        self.model = ""
        self.problem: Problem | None = None
        self.usage: Usage | None = None

    @property
    def started(self) -> bool:
        """Content that a person would see has come, or the end has."""
        return self.first_token_at is not None or self.complete

    def feed(self, event: Event) -> None:
        if isinstance(event, Delta):
            self._written += estimate_tokens(event.text)
            if self.first_token_at is None:
                self.first_token_at = self._clock.monotonic()
        else:
            self._feed_rare(event)

    def _feed_rare(self, event: Event) -> None:
        match event:
            case MessageStart():
                self.model = event.model
                self.usage = event.usage or self.usage
            case UsageUpdate():
                self.usage = event.usage
            case PartStart(kind="tool_call" | "thinking" | "redacted_thinking") if self.first_token_at is None:
                self.first_token_at = self._clock.monotonic()
            case MessageEnd():
                self.complete = True
                self.finish = event.finish
                if self.first_token_at is None:
                    self.first_token_at = self._clock.monotonic()
            case StreamFailed():
                self.problem = event.problem
            case _:
                pass

    def result(self, request: bytes) -> AttemptResult:
        """Sum up. `request` is the body that was sent upstream, looked at only when usage must be estimated."""
        return AttemptResult(
            usage=_final_usage(
                self.usage,
                complete=self.complete,
                begun=self.first_token_at is not None,
                written=math.ceil(self._written),
                request=request,
            ),
            finish=self.finish,
            served_model=self.model,
            problem=self.problem,
            first_token_at=self.first_token_at,
        )


def whole_answer(facts: AnswerFacts, *, answer: bytes, request: bytes, at: float) -> AttemptResult:
    """Sum up an answer that passed through whole, at the monotonic time `at`."""
    usage = facts.usage
    if usage is None and facts.problem is None and not facts.empty:
        usage = _estimated(estimate_body(request), estimate_body(answer))
    return AttemptResult(
        usage=usage, finish=facts.finish, served_model=facts.model, problem=facts.problem, first_token_at=at
    )


def translated_answer(answer: Answer, *, request: bytes, at: float) -> AttemptResult:
    """Sum up an answer that was translated whole, at the monotonic time `at`."""
    usage = answer.usage
    if usage is None:
        usage = _estimated(estimate_body(request), math.ceil(sum(map(_part_tokens, answer.parts))))
    return AttemptResult(usage=usage, finish=answer.finish, served_model=answer.model, first_token_at=at)


def _part_tokens(part: object) -> float:
    match part:
        case TextPart() | ThinkingPart() | RefusalPart():
            return estimate_tokens(part.text)
        case ToolCallPart():
            return estimate_tokens(part.name) + estimate_tokens(part.arguments)
        case _:
            return 0.0


def _final_usage(reported: Usage | None, *, complete: bool, begun: bool, written: int, request: bytes) -> Usage | None:
    """The usage to book for a stream: as reported, or as far as it is known.

    A stream that ended early has at best the counts of its beginning: the output is then the larger of the reported
    and the estimated one. Nothing is invented for a stream that never began.
    """
    if reported is None:
        return _estimated(estimate_body(request), written) if begun else None
    if complete:
        return reported
    missing = max(0, written - reported.output_total)
    return msgspec.structs.replace(reported, output=reported.output + missing, source="partial")


def _estimated(read: int, written: int) -> Usage:
    return Usage(input=read, output=written, source="estimated")
