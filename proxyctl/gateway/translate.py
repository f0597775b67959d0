"""The lane in which frames of one dialect become events, and events the frames of another.

Where the caller's dialect repeats the answer at its end, each of those frames is made when the one before it has left:
of a long answer there is never more than one copy on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from proxyctl.core.clock import Clock
from proxyctl.core.errors import Problem
from proxyctl.core.events import Delta, Event, MessageEnd, PartEnd, PartStart, StreamFailed
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
from proxyctl.dialects.failure import FAILED_FINISHES
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.sse import FrameSplitter, FrameTooLargeError, frame_data
from proxyctl.gateway.inbound import Keep
from proxyctl.gateway.proof_gathering import ProofGatherer
from proxyctl.gateway.relay import bare_json, garbage
from proxyctl.metering.tap import EventTap

_FAILED = Problem(kind="upstream", status=502, code="upstream_failed", message="the model's answer failed")
_LARGE = 64 * 1024
"""Bytes of a piece that leaves alone: joined with others it would be copied once more."""


class TranslateCarrier:
    """One stream in this lane."""

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
        self._encoder = encoder = inbound.stream_encoder(context, losses)
        self._remembering = encoder if isinstance(encoder, RememberingEncoder) else None
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

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        try:
            frames = self._splitter.feed(chunk)
        except FrameTooLargeError as exc:
            self._broken = garbage(str(exc))
            return ()
        return _joined(self._carry(frames))

    def end(self) -> Iterable[bytes]:
        self.ended = True
        return _joined(self._rest())

    def continuation(self) -> str:
        """Asked when a body is over: what asks for the rest of a paused answer, `""` when this was its end."""
        if not isinstance(self._decoder, ContinuingDecoder):
            return ""
        self._late = b"".join(self._carry(self._splitter.flush()))
        return "" if self.problem is not None else self._decoder.continuation

    def resume(self) -> None:
        """What is fed from now on comes from the next body."""
        if isinstance(self._decoder, ContinuingDecoder):
            self._decoder.resume()

    def result(self, request: bytes) -> AttemptResult:
        return self._tap.result(request)

    def failure(self, problem: Problem) -> bytes:
        if self.complete or self._remembering is None:
            return b""
        try:
            return self._remembering.feed(StreamFailed(problem))
        except (UnicodeEncodeError, RecursionError):  # what broke the answer stands in it
            return b""

    def _carry(self, frames: list[bytes]) -> Iterator[bytes]:
        if self._late:
            late, self._late = self._late, b""
            yield late
        for frame in frames:
            data = frame_data(frame) or bare_json(frame)
            if not data or self._broken is not None:  # behind what broke, an encoder no longer knows where it is
                continue
            try:
                for event in self._decoder.feed(data):
                    yield from self._take(event)
            except (UnicodeEncodeError, RecursionError) as exc:  # half a surrogate in a name, JSON of a thousand levels
                self._broken = garbage(f"an event that cannot be said again: {exc}")

    def _rest(self) -> Iterator[bytes]:
        yield from self._carry(self._splitter.flush())
        if not self.complete and self.problem is None:
            for event in self._decoder.end():
                yield from self._take(event)

    def _take(self, event: Event) -> Iterable[bytes]:
        kind = type(event)  # a match costs a call for each
        if kind is MessageEnd and event.finish in FAILED_FINISHES:  # type: ignore[union-attr]
            self._broken = replace(_FAILED, message=f"the model's answer failed: {event.finish}")  # type: ignore[union-attr]
            return ()
        self._tap.feed(event)
        if kind is PartStart:
            event = self._names.restore(event)
        elif kind is StreamFailed:
            return ()
        elif kind is MessageEnd:
            return self._last(event)  # type: ignore[arg-type]
        if self._proofs is not None and (kind is not Delta or self._proofs.open):
            self._proofs.feed(event)
        return self._closing(event) if kind is PartEnd else (self._encoder.feed(event),)  # type: ignore[arg-type]

    def _closing(self, event: PartEnd | MessageEnd) -> Iterable[bytes]:
        return (self._encoder.feed(event),) if self._remembering is None else self._remembering.pieces(event)

    def _last(self, event: MessageEnd) -> Iterator[bytes]:
        """The answer's end. It is kept before its last piece leaves: with that in hand, a caller may ask for more."""
        self._losses.add_uncarried(event.uncarried)
        last = b""
        for piece in self._closing(event):
            yield last
            last = piece
        last += self._encoder.end()
        if self._keep is not None and self._remembering is not None:
            self._keep(encode_json(self._remembering.response))
        if self._proofs is not None:
            self._proofs.keep()
        yield last


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces leave in one write, large ones alone."""
    small: list[bytes] = []
    for piece in pieces:
        if len(piece) < _LARGE:
            small.append(piece)
            continue
        yield b"".join(small)
        small.clear()
        yield piece
    yield b"".join(small)
