"""One HTTP exchange with the daemon, whole or line by line, over the standard library.

The only place that knows `http.client` and sockets: each of their errors becomes one of ours here. A call has its own
connection, and proxies of the environment are not used, because the daemon is on this machine or was named outright.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from proxyctl.client.errors import CutError, NotRunningError, SilentError, StrangerError

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
MAX_ANSWER = 64 * 1024 * 1024
_PIECE = 64 * 1024

# A daemon that listens on every address is reached on this machine's own.
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}

Query = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the daemon is. `address` is a base URL; `token` opens the management API, empty when none is known."""

    address: str
    token: str = field(default="", repr=False)
    answer_seconds: float = ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media(self) -> str:
        """The content type without its parameters, or that there is none."""
        return self.headers.get("content-type", "").split(";")[0].strip() or "no content type"


class OpenAnswer:
    """An answer whose body is still coming. Iterate over it for its lines, or `read` the rest."""

    def __init__(self, endpoint: Endpoint, response: http.client.HTTPResponse) -> None:
        self.endpoint = endpoint
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self._response = response

    def read(self) -> bytes:
        with _told_apart(self.endpoint):
            body = self._response.read(MAX_ANSWER + 1)
            if len(body) > MAX_ANSWER:
                raise StrangerError(self.endpoint.address, "the answer has no end")
            if self._response.length:
                raise CutError(self.endpoint.address)
            return body

    def __iter__(self) -> Iterator[bytes]:
        """The body's lines with their ends, each as soon as it is there. Raises `CutError`."""
        rest = b""
        # Not `readline`: the library's takes a connection that broke for the end of the answer.
        while piece := self._piece():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line + b"\n"
            if len(rest) > MAX_ANSWER:
                raise StrangerError(self.endpoint.address, "a line of the answer has no end")
        if rest:
            yield rest

    def _piece(self) -> bytes:
        with _told_apart(self.endpoint):
            piece = self._response.read1(_PIECE)
            if not piece and self._response.length:
                raise CutError(self.endpoint.address)
            return piece


def call(endpoint: Endpoint, method: str, path: str, *, query: Query | None = None, body: bytes = b"") -> Answer:
    """Send a request and read its answer whole, whatever its status. Raises `ClientError`."""
    with open_call(endpoint, method, path, query=query, body=body, idle_seconds=endpoint.answer_seconds) as answer:
        return Answer(answer.status, answer.headers, answer.read())


@contextmanager
def open_call(
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    query: Query | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    idle_seconds: float | None = None,
) -> Iterator[OpenAnswer]:
    """Send a request and hand out its answer when the head is there. Raises `ClientError`.

    `idle_seconds` bounds each wait for bytes; `None` waits as long as it takes.
    """
    connection = _connect(endpoint)
    try:
        with _told_apart(endpoint):
            if connection.sock is not None:
                connection.sock.settimeout(idle_seconds)
            try:
                connection.request(method, _target(path, query), body=body or None, headers=_headers(endpoint, headers))
                response = connection.getresponse()
            except ConnectionError:
                # A daemon that has just died: its socket is still there for a moment, and nobody behind it.
                raise NotRunningError(endpoint.address) from None
        yield OpenAnswer(endpoint, response)
    finally:
        connection.close()


def _connect(endpoint: Endpoint) -> http.client.HTTPConnection:
    try:
        parts = urlsplit(endpoint.address)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise NotRunningError(endpoint.address) from None
    connection = http.client.HTTPConnection(_ANY_ADDRESS.get(host, host), port, timeout=CONNECT_SECONDS)
    try:
        connection.connect()
    except OSError:
        connection.close()
        raise NotRunningError(endpoint.address) from None
    return connection


def _target(path: str, query: Query | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _headers(endpoint: Endpoint, extra: Mapping[str, str] | None) -> dict[str, str]:
    headers = {"accept": "application/json", "content-type": "application/json", **(extra or {})}
    if endpoint.token:
        headers["authorization"] = f"Bearer {endpoint.token}"
    return headers


@contextmanager
def _told_apart(endpoint: Endpoint) -> Iterator[None]:
    """Make the library's errors ours. Once connected, silence, a cut and nonsense are three different things."""
    try:
        yield
    except TimeoutError:
        raise SilentError(endpoint.address, endpoint.answer_seconds) from None
    except (http.client.IncompleteRead, ConnectionError, socket.gaierror):
        raise CutError(endpoint.address) from None
    except http.client.HTTPException:
        raise StrangerError(endpoint.address, "it speaks no HTTP that we can read") from None
