"""The lane in which frames are handed on byte for byte, while a watch reads along."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxyctl.core.clock import Clock
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import AttemptResult
from proxyctl.dialects.base import InboundDialect
from proxyctl.dialects.sse import FrameSplitter, FrameTooLargeError, frame_data
from proxyctl.gateway.inbound import Keep
from proxyctl.gateway.relay import bare_json, garbage
from proxyctl.metering.tap import FrameTap


class PassthroughCarrier:
    """One stream in this lane."""

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

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        if self._splitter.is_empty and (ordinary := self._watch.ordinary(chunk)):
            self._tap.passed(chunk, ordinary)
            return (chunk,)
        try:
            frames = self._splitter.feed(chunk)
        except FrameTooLargeError as exc:
            self._broken = garbage(str(exc))
            return ()
        keep = self._tap.feed
        passed = b"".join([frame for frame in frames if not self._watch.over and keep(frame)])
        if self._watch.document:
            self._keep_answer()
        return (passed,)

    def end(self) -> Iterable[bytes]:
        """A last frame without its blank line is handed on if it is whole and the answer is, else dropped."""
        self.ended = True
        rest = [frame.rstrip(b"\r\n") + b"\n\n" for frame in self._splitter.flush() if _is_whole(frame)]
        kept = b"".join([frame for frame in rest if self._tap.feed(frame) and frame_data(frame) is not None])
        if self._watch.document:
            self._keep_answer()
        return (kept,) if self._watch.complete else ()

    def _keep_answer(self) -> None:
        if self._keep is not None:
            self._keep(self._watch.document)
        self._watch.document = b""

    def result(self, request: bytes) -> AttemptResult:
        return self._tap.result(request)

    def failure(self, problem: Problem) -> bytes:
        del problem
        return b""


def _is_whole(frame: bytes) -> bool:
    """Whether what was left over is a frame that only lacks its blank line, and not one that was cut."""
    data = (frame_data(frame) or bare_json(frame)).strip()
    try:
        return data == b"[DONE]" or isinstance(msgspec.json.decode(data), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
