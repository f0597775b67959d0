"""Watch a passing stream of messages events: usage, the end, errors, for the tap.

The hot path: block deltas are most of a stream and are known by their event line alone; everything else is decoded.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from typing_extensions import override

from proxyctl.dialects.anthropic_messages.errors import is_own_error
from proxyctl.dialects.anthropic_messages.stream import WireBlock, WireEvent, canonical_finish, decode_event
from proxyctl.dialects.anthropic_messages.usage import WireUsage, decode_usage, merged
from proxyctl.dialects.base import Watch
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.sse import frame_data
from proxyctl.dialects.typed import understood

_ERROR = re.compile(rb"^event: ?error", re.MULTILINE)


class MessagesWatch(Watch):
    """State of one passing stream."""

    __slots__ = ("_has_calls", "_wire_usage")

    def __init__(self) -> None:
        super().__init__()
        self._wire_usage: WireUsage | None = None
        self._has_calls = False

    @override
    def feed(self, frame: bytes) -> bool:
        if self.started and frame.startswith(b"event: content_block_delta"):
            return True
        data = frame_data(frame)
        if data is None or not data.strip():
            return True
        if data.strip() == b"[DONE]":
            return False  # an imitator's; this dialect has none, and clients break on it
        try:
            event = decode_event(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True
        if event.type == "error" or (not event.type and event.error):
            self.problem = decode_error(200, data)
            self.told = _ERROR.search(frame) is not None and is_own_error(data)  # clients go by the event's line
            return self.told
        self._read(event)
        return True

    @override
    def ordinary(self, chunk: bytes) -> int:
        """Every frame is a delta of an open block."""
        frames = chunk.count(b"\n\n")
        if (
            not self.started
            or not chunk.endswith(b"\n\n")
            or chunk.count(b"event: content_block_delta\n") != frames
            or b"\r" in chunk
        ):
            return 0
        return frames

    def _read(self, event: WireEvent) -> None:
        match event.type:
            case "message_start" if event.message is not None:
                self.model = event.message.model or self.model
                self._count(event.message.usage, final=False)
            case "content_block_start" if event.content_block is not None:
                self._block(event.content_block)
            case "content_block_delta" if event.delta is not None:
                delta = event.delta
                if delta.text or delta.thinking or delta.partial_json or delta.signature:
                    self.started = True
            case "message_delta":
                self._count(event.usage, final=True)
                if event.delta is not None and event.delta.stop_reason:
                    self.started = True
                    self.finish = canonical_finish(event.delta.stop_reason, has_calls=self._has_calls)
            case "message_stop":
                self.started = True
                self.complete = self.over = self.finish is not None
            case _:
                pass

    def _block(self, block: WireBlock) -> None:
        """Any block but an empty text proves that the model is at work."""
        if block.type == "tool_use":
            self._has_calls = True
        if block.type != "text" or block.text:
            self.started = True

    def _count(self, counts: Any, *, final: bool) -> None:
        usage = understood(counts, WireUsage)
        if usage is not None:
            self._wire_usage = merged(self._wire_usage, usage)
            self.usage = decode_usage(self._wire_usage, "reported" if final else "partial")
