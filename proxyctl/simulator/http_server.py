"""A small HTTP/1.1 server over asyncio and httptools, for the simulator alone.

It reads whole request bodies, keeps connections alive, answers with fixed or chunked bodies, and lets its user
misbehave on purpose (reset, stop half way, never answer). It is no general server: no TLS, no HTTP/2, no static files.
A request that can be answered at once is answered without a task, so that the simulator is light enough to stand
behind a benchmark. A client that leaves while its answer is due is noticed through `Connection.lost`.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs, unquote

import httptools
import msgspec
from typing_extensions import override

MAX_BODY_BYTES = 64 * 1024 * 1024
REASONS = {status.value: status.phrase for status in HTTPStatus}
Headers = Sequence[tuple[str, str]]


class HttpRequest(msgspec.Struct, frozen=True):
    """One request, its body read whole. `headers` has lower-case names; a repeated header keeps its last value."""

    method: str
    target: str  # path and query as they came
    path: str  # percent-decoded
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    keep_alive: bool = True


Handler = Callable[[HttpRequest, "Connection"], Coroutine[None, None, None] | None]


class Connection(asyncio.Protocol):
    """One client connection. The handler answers through `send` or `begin`/`chunk`/`finish`."""

    def __init__(self, server: "HttpServer") -> None:
        self.server = server
        self.lost = False
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[HttpRequest] = deque()
        self._current: HttpRequest | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost_future: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    # -- asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass, so this is told and not checked.
        self.transport = cast("asyncio.Transport", transport)
        self._lost_future = asyncio.get_running_loop().create_future()
        self.server.connections.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400, b"upgrade is not supported")
        except httptools.HttpParserError:
            if not self.lost:
                self._refuse(400, b"malformed HTTP request")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True
        self._writable.set()
        if self._lost_future is not None and not self._lost_future.done():
            self._lost_future.set_result(None)
        if self._task is None:
            self.server.connections.discard(self)

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._body = bytearray()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self.server.max_body:
            self._refuse(413, b"request body too large")
            raise httptools.HttpParserError

    def on_message_complete(self) -> None:
        target = self._url.decode("latin-1")
        path, _, query = target.partition("?")
        request = HttpRequest(
            method=self._parser.get_method().decode("latin-1"),
            target=target,
            path=unquote(path) if "%" in path else path,
            query={name: values[-1] for name, values in parse_qs(query).items()} if query else {},
            headers=self._headers,
            body=bytes(self._body),
            keep_alive=self._parser.should_keep_alive(),
        )
        self._waiting.append(request)
        if self._current is None:
            self._next()

    # -- answering

    def send(self, status: int, headers: Headers, body: bytes) -> None:
        """A complete answer in one write."""
        head = self._head(status, headers, f"content-length: {len(body)}\r\n")
        self._write(head if self._is_head() else head + body)
        self._done()

    def begin(self, status: int, headers: Headers) -> None:
        """The head of a chunked answer."""
        self._write(self._head(status, headers, "transfer-encoding: chunked\r\n"))

    def begin_sized(self, status: int, headers: Headers, size: int) -> None:
        """The head of an answer that promises `size` bytes, which the caller may then fail to send."""
        self._write(self._head(status, headers, f"content-length: {size}\r\n"))

    def chunk(self, data: bytes) -> None:
        if data:
            self._write(b"%x\r\n%b\r\n" % (len(data), data))

    def raw(self, data: bytes) -> None:
        self._write(data)

    def finish(self) -> None:
        """End a chunked answer."""
        self._write(b"0\r\n\r\n")
        self._done()

    async def drain(self) -> None:
        """Let the loop run once and wait while the client reads slower than we write."""
        if self._writable.is_set():
            await asyncio.sleep(0)
        else:
            await self._writable.wait()

    async def lost_within(self, seconds: float | None) -> bool:
        """Wait up to `seconds` (None: without end) for the client to leave; True if it did."""
        if self._lost_future is not None and not self.lost:
            await asyncio.wait({self._lost_future}, timeout=seconds)
        return self.lost

    def close(self) -> None:
        """Close after what has been written, without ending the answer properly."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """Send a TCP reset at once."""
        if self.transport is None:
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def cancel(self) -> None:
        """Drop the connection and whatever still answers on it."""
        if self.transport is not None:
            self.transport.abort()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # -- internals

    def _next(self) -> None:
        while self._waiting and self._current is None and not self.lost:
            self._current = self._waiting.popleft()
            answering = self.server.handler(self._current, self)
            if answering is not None:
                self._task = asyncio.get_running_loop().create_task(answering)
                self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if self.lost:
            self.server.connections.discard(self)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "the simulator failed to answer", "exception": error, "task": task}
            )
            self.close()

    def _done(self) -> None:
        finished, self._current = self._current, None
        if finished is not None and not finished.keep_alive:
            self.close()
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._next)

    def _is_head(self) -> bool:
        return self._current is not None and self._current.method == "HEAD"

    def _head(self, status: int, headers: Headers, framing: str) -> bytes:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        keep = "" if self._current is None or self._current.keep_alive else "connection: close\r\n"
        return f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n{lines}{framing}{keep}\r\n".encode("latin-1")

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.lost:
            self.transport.write(data)

    def _refuse(self, status: int, reason: bytes) -> None:
        self._write(self._head(status, [("content-type", "text/plain")], f"content-length: {len(reason)}\r\n") + reason)
        self.close()


class HttpServer:
    """Listens, and keeps the set of connections that are open or still being answered."""

    def __init__(self, handler: Handler, max_body: int = MAX_BODY_BYTES) -> None:
        self.handler = handler
        self.max_body = max_body
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Bind and listen; returns the address really bound (port 0 asks the system for a free one)."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self), host, port, backlog=512)
        bound = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection; running answers are cancelled and awaited."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            await connection.cancel()
        if self._server is not None:
            await self._server.wait_closed()
        self._server = None
