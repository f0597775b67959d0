"""A request on its way in: its scope, and its body as the app takes it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from proxyctl.daemon.answering import Answering

MOST_UNREAD = 256 * 1024
"""Bytes of a body that wait for the app before reading pauses."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DISCONNECT = {"type": "http.disconnect"}


class Reader(Protocol):
    """The connection as a request needs it. `gone`: the caller has left."""

    @property
    def gone(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def resume(self) -> None:
        """Read on: what had come was taken."""
        ...


class Request:
    """One request as the app sees it: its scope, and the body as it comes."""

    __slots__ = ("_expects", "_news", "_pieces", "_reader", "_told", "_unread", "answer", "complete", "scope")

    def __init__(self, reader: Reader, scope: dict[str, Any], answer: Answering, *, expects: bool) -> None:
        self._reader = reader
        self.scope = scope
        self.answer = answer
        self.complete = False
        self._pieces: list[bytes] = []
        self._unread = 0
        self._told = False
        self._expects = expects
        self._news: asyncio.Event | None = None

    def add(self, piece: bytes) -> bool:
        """Take a piece of the body; true when the sender should wait."""
        self._pieces.append(piece)
        self._unread += len(piece)
        self.wake()
        return self._unread > MOST_UNREAD

    def wake(self) -> None:
        """Something has changed that `receive` may be waiting for."""
        if self._news is not None:
            self._news.set()

    async def receive(self) -> dict[str, Any]:
        """ASGI: what has come of the body, then that the caller has left or was served."""
        if self._expects and not self.complete and not self.answer.status:
            self._expects = False
            self._reader.write(_CONTINUE)
        while not (self._reader.gone or self.answer.ended):
            if self._pieces or (self.complete and not self._told):
                body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
                self._pieces = []
                self._unread = 0
                self._told = self.complete
                self._reader.resume()
                return {"type": "http.request", "body": body, "more_body": not self.complete}
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()
        return _DISCONNECT
