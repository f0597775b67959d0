"""Watch a passing Gemini stream: usage, the end, errors, for the tap.

The hot path: every frame may repeat usage, and only the last report counts, so once text has come (thoughts alone are
no answer) a frame of plain content is known by its bytes. A quote inside JSON text is escaped: a bare
`"finishReason"` can only be the member. The end of the body is the only terminator, hence `over` stays false.
"""

from __future__ import annotations

from typing_extensions import override

from proxyctl.core.events import Delta, MessageStart, PartStart
from proxyctl.dialects.base import Watch
from proxyctl.dialects.failure import FAILED_FINISHES
from proxyctl.dialects.gemini_generate.errors import decode_error, is_own_error
from proxyctl.dialects.gemini_generate.reader import AnswerReader
from proxyctl.dialects.gemini_generate.stream import UNREADABLE, read_response, unusable
from proxyctl.dialects.gemini_generate.wire import Response
from proxyctl.dialects.sse import frame_data

_TELLING = (b'"finishReason"', b"[DONE]", b'"error"', b'"functionCall"', b'"promptFeedback"', b'"inlineData"')
"""What makes a frame more than plain content."""


class GeminiWatch(Watch):
    """State of one passing stream."""

    __slots__ = ("_flows", "_reader")

    def __init__(self) -> None:
        super().__init__()
        self._flows = False
        self._reader = AnswerReader()

    @override
    def feed(self, frame: bytes) -> bool:
        if self._flows and not any(word in frame for word in _TELLING):
            return True
        data = frame_data(frame)
        named = data is not None
        text = (data or frame).strip()
        if text == b"[DONE]":
            return False  # an imitator's; this dialect has none, and clients cannot read it
        if text[:1] not in (b"{", b"["):
            return not self.started or named
        try:
            response = read_response(text)
            if response.error is not None:
                self.problem = decode_error(200, text)
                self.told = named and is_own_error(text)  # a bare object is no frame that clients read
                return self.told
            return self._read(response)
        except UNREADABLE:
            return True

    @override
    def ordinary(self, chunk: bytes) -> int:
        """Every frame is one line of plain content, whichever line ends the server writes."""
        if not self._flows or any(word in chunk for word in _TELLING):
            return 0
        end = b"\r\n\r\n" if chunk.endswith(b"\r\n\r\n") else b"\n\n"
        frames = chunk.count(end)
        if not chunk.endswith(end) or not chunk.startswith(b"data: {") or chunk.count(b"\ndata: {") != frames - 1:
            return 0
        return frames if chunk.count(b"\n") == 2 * frames else 0

    def _read(self, response: Response) -> bool:
        for event in self._reader.read(response):
            if isinstance(event, MessageStart):
                self.model = event.model
            elif isinstance(event, Delta) or (isinstance(event, PartStart) and event.kind == "tool_call"):
                self.started = True
        self.usage = self._reader.usage
        finish = self._reader.finish()
        if finish is None:
            self._flows = self._reader.has_content
            return True
        self._flows = False
        if finish in FAILED_FINISHES:
            self.problem = unusable(self._reader.message, malformed=finish == "malformed_tool")
            self.told = self.started  # in Gemini's own words, to a caller who has seen a part of the answer
            return self.told
        self.finish = finish
        self.started = self.complete = True
        return True
