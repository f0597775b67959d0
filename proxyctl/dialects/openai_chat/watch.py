"""Watch a passing stream of chunks: usage, the end, errors, for the tap.

The hot path: an ordinary chunk is known by bytes alone. A quote inside JSON text is escaped, so a bare
`"finish_reason":null` can only be the member itself. Whatever does not look ordinary is decoded.
"""

from __future__ import annotations

import msgspec
from typing_extensions import override

from proxyctl.dialects.base import Watch
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF
from proxyctl.dialects.openai_chat import chunks
from proxyctl.dialects.openai_chat.errors import is_own_error
from proxyctl.dialects.openai_chat.usage import decode_usage
from proxyctl.dialects.sse import frame_data


class ChatWatch(Watch):
    """State of one passing stream."""

    __slots__ = ("_calls", "_hide_usage")

    def __init__(self, *, hide_usage: bool) -> None:
        super().__init__()
        self._hide_usage = hide_usage
        self._calls = False

    @override
    def feed(self, frame: bytes) -> bool:
        if (
            self.started
            and (b'"finish_reason":null' in frame or b'"finish_reason": null' in frame)
            and b'"error"' not in frame
            and (b'"usage"' not in frame or b'"usage":null' in frame or b'"usage": null' in frame)
        ):
            if not self._calls and b'"tool_calls"' in frame:
                self._calls = True
            return True
        data = frame_data(frame)
        if data is None or not data.strip():
            return True
        if data.strip() == b"[DONE]":
            # A terminator without a finish reason would make a broken answer look whole.
            self.over = self.complete
            return self.complete
        return self._read(data)

    @override
    def ordinary(self, chunk: bytes) -> int:
        """Every frame has one choice that goes on, and nothing else that matters."""
        frames = chunk.count(b"\n\n")
        if (
            not self.started
            or not chunk.endswith(b"\n\n")
            or chunk.count(b'"finish_reason":null') != frames
            or chunk.count(b'"finish_reason"') != frames
            or b'"error"' in chunk
            or b"[DONE]" in chunk
            or b"\r" in chunk
            or chunk.count(b'"usage"') != chunk.count(b'"usage":null')
        ):
            return 0
        if not self._calls and b'"tool_calls"' in chunk:
            self._calls = True
        return frames

    def _read(self, data: bytes) -> bool:
        try:
            chunk = chunks.decode_chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True
        if chunk.failed():
            self.problem = decode_error(200, data)
            self.told = is_own_error(data)  # imitators have other forms, in which clients see no error, or no words
            return self.told
        self.model = chunk.model or self.model
        usage = chunk.reported_usage()
        if usage is not None:
            self.usage = decode_usage(usage)
        for choice in chunk.choices or ():
            self._read_choice(choice)
        return bool(chunk.choices) or not self._hide_usage or not chunk.mentions_usage()

    def _read_choice(self, choice: chunks.Choice) -> None:
        delta = choice.delta or choice.message
        if delta is not None:
            calls = bool(delta.tool_calls or delta.function_call)
            self._calls = self._calls or calls
            if calls or delta.content or delta.refusal or delta.reasoning or delta.reasoning_content:
                self.started = True
        if not choice.finish_reason or choice.index:
            return  # of several choices, the first decides
        finish = chunks.canonical_finish(choice.finish_reason, has_calls=self._calls)
        if finish == "error":
            self.problem = BROKEN_OFF
            return
        self.finish = finish
        self.started = self.complete = True
