"""A stand-in for the daemon: a real HTTP server on loopback that answers what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

from proxyctl.client.connection import Endpoint

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class StandIn:
    """Use it as a context manager. `received` holds the requests in their order, but for those to `/healthz`.

    Those are in `looks`: every command makes sure first that `instance` answers.
    """

    token: str = "token-of-the-test"
    instance: str = "5e3c"
    looks: list[Received] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._replies: dict[tuple[str, str], Reply] = {}
        self.answers("GET", "/healthz", {"instance": self.instance, "version": "0.1.0", "ok": True})
        self._released = threading.Event()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                super().handle_one_request()
                self.close_connection = True

            def answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(parts.query))
                seen = stand_in.looks if parts.path == "/healthz" else stand_in.received
                seen.append(Received(self.command, parts.path, query, headers, body))
                reply = stand_in._replies.get((self.command, parts.path))
                if reply is None:
                    reply = whole(b'{"code":"not_found","message":"nothing is here"}', JSON, 404)
                reply(self)

            do_GET = do_POST = answer  # noqa: N815 - the library's names

            def log_message(self, *args: Any) -> None:
                """Nothing to the test's output."""

        class Server(ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that left is part of some tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.address, self.token)

    def answers(self, method: str, path: str, value: object, status: int = 200) -> None:
        """Answer with a value of the schema, or any other, as JSON."""
        self._replies[method, path] = whole(msgspec.json.encode(value), JSON, status)

    def says(self, method: str, path: str, reply: Reply) -> None:
        self._replies[method, path] = reply

    def is_silent(self, method: str, path: str) -> None:
        """Take the request and answer nothing until the test is over."""
        self._replies[method, path] = lambda _: self._released.wait() and None


def whole(body: bytes, kind: str, status: int = 200, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def stream(pieces: Iterable[bytes], kind: str = EVENTS, *, cut: bool = False, **headers: str) -> Reply:
    """A chunked answer; `cut` leaves out its end."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.send_header("transfer-encoding", "chunked")
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            handler.wfile.flush()
        if not cut:
            handler.wfile.write(b"0\r\n\r\n")

    return reply


def raw(data: bytes) -> Reply:
    """Bytes that are an answer, or are not."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return reply


def event(value: object, name: str = "") -> bytes:
    data = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"
