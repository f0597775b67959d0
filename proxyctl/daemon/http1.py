"""One client connection of the server: HTTP/1.1 on httptools, each request an ASGI call.

It stands in for Hypercorn's own connection, which parses with h11 and spends half of a small request's time there
(docs/performance.md). Only HTTP/1.1 over plain TCP is spoken: no TLS, no HTTP/2, no WebSocket; an upgrade is ignored,
as the protocol allows. An answer that its app leaves unfinished closes the connection, so that nobody takes it for
whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import httptools
from typing_extensions import override

from proxyctl.daemon.answering import Answering, error_answer
from proxyctl.daemon.asking import Request

if TYPE_CHECKING:
    from proxyctl.daemon.life import ASGIApp

MOST_HEAD = 64 * 1024
"""Bytes of a request line and its headers."""
_LARGE_HEAD = f"the request's headers are larger than {MOST_HEAD} bytes"
_FRAMING = (b"content-length", b"transfer-encoding")
_log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """A client's connection. Requests are served one after another, in the order in which they came.

    `idle_seconds` is how long it may wait for a request's head, `None` for ever. `closed` is called once, at the end.
    """

    def __init__(self, app: ASGIApp, *, idle_seconds: float | None, closed: Callable[[Connection], None]) -> None:
        self._app = app
        self._idle_seconds = idle_seconds
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._parser = httptools.HttpRequestParser(self)
        self._addresses: tuple[Any, Any] = (None, None)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._reading_head = False
        self._upgrading = False
        self._incoming: Request | None = None
        self._current: Request | None = None
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._paused = False
        self._writable: asyncio.Event | None = None
        self._idle_since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.gone = False

    # What the loop calls.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._addresses = (_address(transport, "peername"), _address(transport, "sockname"))
        if self._idle_seconds is not None:
            self._timer = self._loop.call_later(self._idle_seconds, self._look_at_idleness)

    @override
    def data_received(self, data: bytes) -> None:
        if self._ending and self._incoming is None:
            return
        in_head = self._reading_head
        try:
            self._feed(data)
        except httptools.HttpParserInvalidMethodError:
            if data[:1].isalpha():
                self._refuse(501, "this method is not known here")
            else:
                self._refuse(400, "this is not HTTP/1.1")
        except httptools.HttpParserCallbackError as exc:
            cause = exc.__context__
            if not isinstance(cause, _RefusedError):
                raise
            self._refuse(cause.status, str(cause))
        except httptools.HttpParserError as exc:
            self._refuse(400, f"this is not HTTP/1.1: {exc}")
        else:
            if in_head and self._reading_head:
                self._head_size += len(data)
                if self._head_size > MOST_HEAD:
                    self._refuse(431, _LARGE_HEAD)

    @override
    def eof_received(self) -> bool:
        self._leave()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        if self._timer is not None:
            self._timer.cancel()
        self._closed(self)

    @override
    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    @override
    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._upgrading:
            return
        self._url = b""
        self._headers = []
        self._reading_head = True
        self._head_size = 0

    def on_url(self, url: bytes) -> None:
        if not self._upgrading:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._upgrading:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._upgrading:
            self._upgrading = False
            return
        self._reading_head = False
        parser = self._parser
        self._upgrading = parser.should_upgrade()
        version = parser.get_http_version()
        method = parser.get_method().decode("ascii")
        expects = False
        hosts = size = 0
        for name, value in self._headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts += 1
            elif name == b"expect":
                expects = value.lower() == b"100-continue"
        if size + len(self._url) > MOST_HEAD:
            raise _RefusedError(431, _LARGE_HEAD)
        if hosts > 1 or (not hosts and version == "1.1"):
            raise _RefusedError(400, "a request has one host header")
        if not self._url.isascii():
            raise _RefusedError(400, "the request's target is not ASCII")
        keeps = version == "1.1" and parser.should_keep_alive() and method != "CONNECT"
        answer = Answering(self, chunks=version == "1.1", keep_alive=keeps, bodiless=method == "HEAD")
        request = Request(self, self._scope(method, version), answer, expects=expects)
        self._incoming = request
        if self._current is None:
            self._serve(request)
        else:
            self._waiting.append(request)
            self._pause()

    def on_body(self, body: bytes) -> None:
        if self._incoming is not None and self._incoming.add(body):
            self._pause()

    def on_message_complete(self) -> None:
        if self._incoming is not None and not self._upgrading:
            self._incoming.complete = True
            self._incoming.wake()
            self._incoming = None

    # What requests and answers call.

    def write(self, data: bytes) -> None:
        if not self.gone:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has taken enough of what was written."""
        if self._writable is not None and not self.gone:
            await self._writable.wait()

    def soon(self, action: Callable[[], None]) -> None:
        self._loop.call_soon(action)

    @property
    def is_full(self) -> bool:
        return self._writable is not None

    @property
    def is_ending(self) -> bool:
        """Whether the answer under way is the last one here."""
        return self._ending

    def resume(self) -> None:
        if self._paused and not self._waiting and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    # What the server calls.

    def wind_down(self) -> None:
        """Close after the answer under way, at once when there is none."""
        self._ending = True
        if self._current is None:
            self._transport.close()

    def cut(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            # The parser stops behind the head, the body unread: another one takes that up, told how the body is framed.
            framing = [b"%b: %b\r\n" % pair for pair in self._headers if pair[0] in _FRAMING]
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))
            if rest := data[exc.args[0] :]:
                self._feed(rest)

    def _scope(self, method: str, version: str) -> dict[str, Any]:
        path, _, query = self._url.partition(b"?")
        text = path.decode("ascii")
        return {
            "type": "http",
            "http_version": version,
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "method": method,
            "scheme": "http",
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
            "client": self._addresses[0],
            "server": self._addresses[1],
            "extensions": {},
        }

    def _serve(self, request: Request) -> None:
        self._current = request
        self._task = self._loop.create_task(self._run(request))

    async def _run(self, request: Request) -> None:
        try:
            await self._app(request.scope, request.receive, request.answer.send)
        except Exception:  # noqa: BLE001 - whatever an app does, it is logged and its caller told
            _log.exception("a request failed in the server")
        finally:
            if not request.answer.status:
                self.write(error_answer(500, "a fault of the gateway: its log has the details"))
            self._served(request)

    def _served(self, request: Request) -> None:
        """Go on with the next request, or close where the caller could not tell this answer's end from the next."""
        self._task = None
        answer = request.answer
        if self._ending or not (answer.ended and answer.keep_alive and request.complete):
            self._ending = True
            self._current = None
            self._waiting.clear()
            self._part()
        elif self._waiting:
            self._serve(self._waiting.popleft())
            self.resume()
        else:
            self._current = None
            self._idle_since = self._loop.time()
            self.resume()

    def _part(self) -> None:
        """Close, with everything written delivered first."""
        if not self.gone and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        self._transport.close()

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is no request, and close; what follows an answer that is under way is not answered."""
        self._ending = True
        self._incoming = None
        self._waiting.clear()
        current = self._current
        if current is None or not (current.complete or current.answer.status):
            self.write(error_answer(status, message))
        if current is None:
            self._part()
        elif not current.complete:
            self._leave()

    def _leave(self) -> None:
        self.gone = True
        self.resume_writing()
        if self._current is not None:
            self._current.wake()

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _look_at_idleness(self) -> None:
        seconds = self._idle_seconds or 0
        left = seconds if self._current is not None else self._idle_since + seconds - self._loop.time()
        if left <= 0:
            self._transport.close()
        else:
            self._timer = self._loop.call_later(left, self._look_at_idleness)


class Connections:
    """The open connections of a server of `app`."""

    def __init__(self, app: ASGIApp, idle_seconds: float | None) -> None:
        self._app = app
        self._idle_seconds = idle_seconds
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def open(self) -> Connection:
        """A new connection, for the loop's `create_server`."""
        connection = Connection(self._app, idle_seconds=self._idle_seconds, closed=self._closed)
        self._open.add(connection)
        self._empty.clear()
        return connection

    async def close(self, seconds: float) -> None:
        """Let answers under way end for so long, then cut the rest."""
        for connection in tuple(self._open):
            connection.wind_down()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        for connection in tuple(self._open):
            connection.cut()
        await self._empty.wait()

    def _closed(self, connection: Connection) -> None:
        self._open.discard(connection)
        if not self._open:
            self._empty.set()


class _RefusedError(Exception):
    """A request that is HTTP, but none that is served."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _address(transport: asyncio.BaseTransport, which: str) -> tuple[str, int] | None:
    address = transport.get_extra_info(which)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
