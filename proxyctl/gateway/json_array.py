"""A stream as one JSON array, element by element: how Gemini's API streams unless it is asked for events.

The rest of the gateway writes frames; here each frame's data becomes an element. A stream that broke off ends in an
error element, as Google's own does. Source: wire notes 2026-11, "streaming grammars".
"""

from __future__ import annotations

from typing_extensions import override

from proxyctl.dialects.sse import FrameSplitter, frame_data
from proxyctl.gateway.reply import Headers, Reply, Send

_JSON = (b"content-type", b"application/json; charset=UTF-8")


class ArrayReply(Reply):
    """The caller's side of an exchange whose stream is an array. Whatever is handed over must be whole frames."""

    __slots__ = ("_begun",)

    def __init__(self, send: Send) -> None:
        super().__init__(send)
        self._begun = False

    @override
    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """An error instead of a stream is the array's only element."""
        await super().whole(status, headers, b"[" + body + b"]" if body else body)

    @override
    async def begin(self, headers: Headers, first: bytes) -> None:
        self.status = 200
        head = [*headers, *self.extra, _JSON, (b"x-accel-buffering", b"no")]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})
        await self.more(first)

    @override
    async def more(self, body: bytes) -> None:
        written = b"".join(map(self._element, FrameSplitter().feed(body)))
        await super().more(written)

    @override
    async def close(self) -> None:
        await super().more(b"]" if self._begun else b"[]")
        await super().close()

    def _element(self, frame: bytes) -> bytes:
        data = frame_data(frame)
        if data is None or not data.strip():
            return b""
        separator = b",\r\n" if self._begun else b"["
        self._begun = True
        return separator + data
