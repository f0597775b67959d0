"""Watch a passing stream of legacy chunks. Every frame is decoded: this dialect is too rare to be worth a fast path."""

from __future__ import annotations

from typing_extensions import override

from proxyctl.core.errors import DecodeError
from proxyctl.dialects.base import Watch
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF
from proxyctl.dialects.openai_chat.errors import is_own_error
from proxyctl.dialects.openai_completions.answer import Choice, completions
from proxyctl.dialects.sse import frame_data
from proxyctl.dialects.typed import decode_typed


class CompletionWatch(Watch):
    """State of one passing stream."""

    __slots__ = ()

    @override
    def feed(self, frame: bytes) -> bool:
        data = frame_data(frame)
        if data is None or not data.strip():
            return True
        if data.strip() == b"[DONE]":
            # A terminator without a finish reason would make a broken answer look whole.
            self.over = self.complete
            return self.complete
        try:
            chunk = decode_typed(completions, data)
        except DecodeError:
            return True
        if chunk.failed():
            self.problem = decode_error(200, data)
            self.told = is_own_error(data)
            return self.told
        self.model = chunk.model or self.model
        self.usage = chunk.reported_usage() or self.usage
        for choice in chunk.choices or ():
            self._read(choice)
        return True

    @override
    def ordinary(self, chunk: bytes) -> int:
        """Nothing is handed on unread."""
        del chunk
        return 0

    def _read(self, choice: Choice) -> None:
        if choice.text:
            self.started = True
        finish = choice.finish()
        if finish is None or choice.index:
            return  # of several choices, the first decides
        if finish == "error":
            self.problem = BROKEN_OFF
            return
        self.finish = finish
        self.started = self.complete = True
