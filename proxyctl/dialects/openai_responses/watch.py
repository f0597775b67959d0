"""Watch a passing stream of responses events: usage, the end, errors, for the tap.

The hot path: deltas are most of a stream and are known by bytes alone, because a quote or a line end inside JSON text
is escaped. Everything else is decoded.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.core.errors import Problem
from proxyctl.dialects.base import Watch
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF
from proxyctl.dialects.openai_responses import events
from proxyctl.dialects.openai_responses.errors import is_own_event
from proxyctl.dialects.openai_responses.events import CALLS, Event
from proxyctl.dialects.openai_responses.usage import usage_of
from proxyctl.dialects.sse import frame_data

_DELTA = re.compile(rb'"type": ?"response\.[a-z_.]+\.delta"')


class ResponsesWatch(Watch):
    """State of one passing stream."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        super().__init__()
        self._calls = False

    @override
    def feed(self, frame: bytes) -> bool:
        if self.started and _DELTA.search(frame, 0, 200):
            return True
        data = frame_data(frame)
        if data is None or not data.strip():
            return True
        if data.strip() == b"[DONE]":
            return self.complete  # some servers add one; before the end it would make a broken answer look whole
        try:
            event = events.decode_event(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True
        if event.failed():
            self.problem = problem_of(event, data)
            self.told = event.response is not None or is_own_event(data)
            return self.told
        self._read(event)
        if self.complete:
            self.document = _document(data)
        return True

    @override
    def ordinary(self, chunk: bytes) -> int:
        """Every frame is a delta."""
        frames = chunk.count(b"\n\n")
        if (
            not self.started
            or not chunk.endswith(b"\n\n")
            or chunk.count(b".delta\ndata: ") != frames
            or chunk.count(b"event: response.") != frames
            or b"\r" in chunk
        ):
            return 0
        return frames

    def _read(self, event: Event) -> None:
        if event.response is not None:
            self.model = event.response.model or self.model
            self.usage = usage_of(event.response.usage) or self.usage
        if event.item is not None and event.item.type in CALLS:
            self._calls = self.started = True
        if event.type == "response.output_item.done" and event.item is not None and event.item.says_something():
            self.started = True
        if event.type.endswith(".delta") and event.delta:
            self.started = True
        response = event.ending()
        if response is not None:
            self.finish = events.canonical_finish(response, has_calls=self._calls or response.has_calls())
            self.started = self.complete = self.over = True


class _Ending(Struct):
    response: Raw = Raw()


_ending = msgspec.json.Decoder(_Ending)


def _document(data: bytes) -> bytes:
    """The response object in the last event, `b""` when it is written in a way that only lenient readers take."""
    try:
        return bytes(_ending.decode(data).response)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""


def problem_of(event: Event, data: bytes) -> Problem:
    """The error that an event tells: in a response, in an `error` object, or in its own members."""
    if event.response is not None:
        error = bytes(event.response.error)
        return BROKEN_OFF if error in (b"", b"null") else decode_error(200, error)
    return decode_error(200, data)
