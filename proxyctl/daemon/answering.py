"""An answer on its way out: ASGI's messages as the bytes of HTTP/1.1.

Head and body leave in one write where both are there. What an app says of its body's length is held against what it
sends: a body that is too short or left open closes the connection, one that is too long is a fault of the app.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

_LAST_CHUNK = b"0\r\n\r\n"
_STATUS_LINES: Mapping[int, bytes] = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class Writer(Protocol):
    """The connection as an answer needs it."""

    def write(self, data: bytes) -> None: ...

    async def drained(self) -> None: ...

    def soon(self, action: Callable[[], None]) -> None: ...

    @property
    def is_full(self) -> bool: ...

    @property
    def is_ending(self) -> bool: ...


class Answering:
    """One answer. `status` is 0 until it begins, `ended` is true once its last byte is handed over.

    `chunks`: the caller reads chunked bodies (HTTP/1.1); `keep_alive`: the caller would use the connection again;
    `bodiless`: the caller asked for the head alone.
    """

    __slots__ = ("_bodiless", "_chunked", "_chunks", "_head", "_left", "_writer", "ended", "keep_alive", "status")

    def __init__(self, writer: Writer, *, chunks: bool, keep_alive: bool, bodiless: bool) -> None:
        self._writer = writer
        self._chunks = chunks
        self._bodiless = bodiless
        self._chunked = False
        self._head = b""
        self._left: int | None = None
        self.keep_alive = keep_alive
        self.status = 0
        self.ended = False

    async def send(self, message: Mapping[str, Any]) -> None:
        """ASGI. Raises `RuntimeError` for a message out of order, or a body that is longer than declared."""
        if message["type"] == "http.response.body":
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
            if self._writer.is_full:
                await self._writer.drained()
        elif message["type"] == "http.response.start" and not self.status:
            self._begin(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"{message['type']} has no place here")

    def _begin(self, status: int, headers: Any) -> None:
        self.status = status
        self._bodiless = self._bodiless or status in (204, 304)
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        declared: int | None = None
        for name, value in headers:
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                declared = int(value)
            elif name == b"connection" and value.lower() == b"close":
                self.keep_alive = False
        if not self._bodiless:
            self._left = declared
            self._chunked = declared is None and self._chunks
            if self._chunked:
                lines.append(b"transfer-encoding: chunked\r\n")
            elif declared is None:
                self.keep_alive = False
        if self._writer.is_ending or not self.keep_alive:
            self.keep_alive = False
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            self.status = 0
            raise RuntimeError("a header of the answer holds a line's end")
        self._head = head + b"\r\n"
        if declared is None:
            # A stream's caller learns at once that it has begun, even where its first byte is long in coming.
            self._writer.soon(self._flush)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._writer.write(head)

    def _send_body(self, body: bytes, *, more: bool) -> None:
        if self.ended or not self.status:
            raise RuntimeError("a body before its head, or after its end")
        data = b"" if self._bodiless else self._framed(body, more=more)
        if self._head:
            data, self._head = self._head + data, b""
        if not more:
            self.ended = True
            if self._left:
                self.keep_alive = False
        if data:
            self._writer.write(data)

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return data if more else data + _LAST_CHUNK
        if self._left is not None:
            if len(body) > self._left:
                raise RuntimeError("the body is longer than its content-length")
            self._left -= len(body)
        return body


def error_answer(status: int, message: str) -> bytes:
    """A whole answer for what never reached the app; its body is an error in the form that most dialects read."""
    kind = "api_error" if status >= 500 else "invalid_request_error"
    error = {"type": kind, "code": str(status), "message": message}
    body = json.dumps({"type": "error", "error": error}).encode()
    head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    return _STATUS_LINES[status] + head + body
