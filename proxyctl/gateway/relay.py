"""Carry a stream to the caller: two lanes behind one interface.

A carrier takes what the upstream sends and returns what the caller gets. The passthrough carrier hands frames on as
they came while a watch reads along; the translate carrier turns frames into events and events into the caller's frames.
Both say when the answer has begun, whether it ended well and what went wrong, so that an attempt needs no knowledge of
either, and both end in the same `AttemptResult`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec.structs import replace

from proxyctl.core.clock import Clock
from proxyctl.core.errors import GarbageError, Problem
from proxyctl.core.events import Delta, Event, MessageEnd, PartStart, StreamFailed
from proxyctl.core.exchange import AttemptResult
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import (
    AnswerContext,
    ContinuingDecoder,
    InboundDialect,
    RememberingEncoder,
    UpstreamDialect,
    encode_json,
)
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.sse import FrameSplitter, FrameTooLargeError, frame_data
from proxyctl.gateway.inbound import Keep
from proxyctl.gateway.proof_gathering import ProofGatherer
from proxyctl.metering.tap import EventTap, FrameTap

CUT = Problem(
    kind="upstream",
    status=502,
    code="upstream_truncated",
    message="the answer stopped before its end: what was sent is not complete",
)
EMPTY = Problem(kind="upstream", status=502, code="upstream_empty", message="the stream ended without an answer")
FAILED = Problem(kind="upstream", status=502, code="upstream_failed", message="the model's answer failed")
_FAILED = frozenset({"error", "malformed_tool"})


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

    def feed(self, chunk: bytes) -> bytes:
        """Take what the upstream sent, return what the caller gets (often nothing, never half a frame)."""
        ...

    def end(self) -> bytes:
        """The upstream's body is over: return what is still to be sent. `complete` is final after this."""
        ...

    def result(self, request: bytes) -> AttemptResult:
        """What is known now; `request` is the caller's body, for estimates."""
        ...

    def failure(self, problem: Problem) -> bytes:
        """The frames that end the stream with this error, `b""` where any stream of the dialect ends alike."""
        ...


class PassthroughCarrier:
    """Hands frames on byte for byte."""

    def __init__(self, dialect: InboundDialect, clock: Clock, *, hide_usage: bool, keep: Keep | None = None) -> None:
        """`keep` gets the complete answer of a dialect whose last event repeats it, before its last bytes leave."""
        self._splitter = FrameSplitter()
        self._keep = keep
        self._watch = dialect.watch(hide_usage=hide_usage)
        self._tap = FrameTap(self._watch, clock)
        self._broken: Problem | None = None
        self.ended = False

    @property
    def started(self) -> bool:
        return self._watch.started

    @property
    def complete(self) -> bool:
        return self._watch.complete

    @property
    def over(self) -> bool:
        return self._watch.over

    @property
    def problem(self) -> Problem | None:
        return self._broken or self._watch.problem

    @property
    def told(self) -> bool:
        return self._watch.told

    def feed(self, chunk: bytes) -> bytes:
        if self._splitter.is_empty and (ordinary := self._watch.ordinary(chunk)):
            self._tap.passed(chunk, ordinary)
            return chunk
        try:
            frames = self._splitter.feed(chunk)
        except FrameTooLargeError as exc:
            self._broken = garbage(str(exc))
            return b""
        keep = self._tap.feed
        passed = b"".join([frame for frame in frames if not self._watch.over and keep(frame)])
        if self._watch.document:
            self._keep_answer()
        return passed

    def end(self) -> bytes:
        """A last frame without its blank line is handed on if it is whole and the answer is, else dropped."""
        self.ended = True
        rest = [frame.rstrip(b"\r\n") + b"\n\n" for frame in self._splitter.flush() if _is_whole(frame)]
        kept = b"".join([frame for frame in rest if self._tap.feed(frame) and frame_data(frame) is not None])
        if self._watch.document:
            self._keep_answer()
        return kept if self._watch.complete else b""

    def _keep_answer(self) -> None:
        if self._keep is not None:
            self._keep(self._watch.document)
        self._watch.document = b""

    def result(self, request: bytes) -> AttemptResult:
        return self._tap.result(request)

    def failure(self, problem: Problem) -> bytes:
        del problem
        return b""


class TranslateCarrier:
    """Decodes frames of one dialect to events and encodes them in another."""

    def __init__(
        self,
        upstream: UpstreamDialect,
        inbound: InboundDialect,
        clock: Clock,
        *,
        context: AnswerContext,
        names: ToolNames,
        losses: Losses,
        keep: Keep | None = None,
        proofs: ProofGatherer | None = None,
    ) -> None:
        """`keep` gets the complete answer of a dialect whose encoder remembers it, before its last bytes leave;
        so does `proofs` what proves the calls of any answer.
        """
        self._splitter = FrameSplitter()
        self._decoder = upstream.stream_decoder()
        self._losses = losses
        self._encoder = inbound.stream_encoder(context, losses)
        self._names = names
        self._keep = keep
        self._proofs = proofs
        self._tap = EventTap(clock)
        self._broken: Problem | None = None
        self._late = b""
        """What a body's end made, and goes out with the next."""
        self.ended = False
        self.told = False

    @property
    def started(self) -> bool:
        return self._tap.started

    @property
    def complete(self) -> bool:
        return self._tap.complete

    @property
    def over(self) -> bool:
        return self._tap.complete

    @property
    def problem(self) -> Problem | None:
        return self._broken or self._tap.problem

    def feed(self, chunk: bytes) -> bytes:
        try:
            frames = self._splitter.feed(chunk)
        except FrameTooLargeError as exc:
            self._broken = garbage(str(exc))
            return b""
        if self._late:
            late, self._late = self._late, b""
            return late + self._carry(frames)
        return self._carry(frames)

    def end(self) -> bytes:
        self.ended = True
        last = self._late + self._carry(self._splitter.flush())
        if self.complete or self.problem is not None:
            return last
        return last + b"".join([self._take(event) for event in self._decoder.end()])

    def continuation(self) -> str:
        """Asked when a body is over: what asks for the rest of a paused answer, `""` when this was its end."""
        if not isinstance(self._decoder, ContinuingDecoder):
            return ""
        self._late += self._carry(self._splitter.flush())
        return "" if self.problem is not None else self._decoder.continuation

    def resume(self) -> None:
        """What is fed from now on comes from the next body."""
        if isinstance(self._decoder, ContinuingDecoder):
            self._decoder.resume()

    def result(self, request: bytes) -> AttemptResult:
        return self._tap.result(request)

    def failure(self, problem: Problem) -> bytes:
        if self.complete or not isinstance(self._encoder, RememberingEncoder):
            return b""
        try:
            return self._encoder.feed(StreamFailed(problem))
        except (UnicodeEncodeError, RecursionError):  # what broke the answer stands in it
            return b""

    def _carry(self, frames: list[bytes]) -> bytes:
        out: list[bytes] = []
        for frame in frames:
            data = frame_data(frame) or _bare_json(frame)
            if data and self._broken is None:  # behind what broke, an encoder no longer knows where it is
                out += self._taken(data)
        return b"".join(out)

    def _taken(self, data: bytes) -> list[bytes]:
        try:
            return [self._take(event) for event in self._decoder.feed(data)]
        except (UnicodeEncodeError, RecursionError) as exc:  # half a surrogate in a name, JSON of a thousand levels
            self._broken = garbage(f"an event that cannot be said again: {exc}")
            return []

    def _take(self, event: Event) -> bytes:
        kind = type(event)
        if kind is MessageEnd and event.finish in _FAILED:  # type: ignore[union-attr] # a match costs a call
            self._broken = replace(FAILED, message=f"the model's answer failed: {event.finish}")  # type: ignore[union-attr]
            return b""
        self._tap.feed(event)
        if kind is PartStart:
            event = self._names.restore(event)
        elif kind is StreamFailed:
            return b""
        elif kind is MessageEnd:
            return self._last(event)  # type: ignore[arg-type] # as above
        if self._proofs is not None and (kind is not Delta or self._proofs.open):
            self._proofs.feed(event)
        return self._encoder.feed(event)

    def _last(self, event: MessageEnd) -> bytes:
        self._losses.add_uncarried(event.uncarried)
        last = self._encoder.feed(event) + self._encoder.end()
        if self._keep is not None and isinstance(self._encoder, RememberingEncoder):
            self._keep(encode_json(self._encoder.response))
        if self._proofs is not None:
            self._proofs.keep()
        return last


def _is_whole(frame: bytes) -> bool:
    """Whether what was left over is a frame that only lacks its blank line, and not one that was cut."""
    data = (frame_data(frame) or _bare_json(frame)).strip()
    try:
        return data == b"[DONE]" or isinstance(msgspec.json.decode(data), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _bare_json(frame: bytes) -> bytes:
    """A frame that is no event but JSON on its own: how Gemini tells an error in mid-stream (wire notes 2026-11)."""
    text = frame.strip()
    return text if text[:1] in (b"{", b"[") else b""


def garbage(message: str) -> Problem:
    """A problem for an answer that cannot be read."""
    return Problem(kind="upstream", status=502, code="upstream_garbage", message=message)


def garbage_error(message: str) -> GarbageError:
    return GarbageError(garbage(message))
