"""The way to a provider: a prepared call goes out, an answer's head comes back, and faults become our errors here.

Nowhere else is an HTTP library's exception caught: `FAULTS` maps each of the transport's classes to one of ours, and a
test walks the transport's namespace so that a new class cannot slip through.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from proxyctl.core.errors import ConnectError, CutError, ErrorKind, GarbageError, NoAnswerError, Problem, UpstreamError
from proxyctl.gateway import transport as wire
from proxyctl.gateway.transport import LeanTransport, Origin, Response, Timeouts
from proxyctl.gateway.unpack import UnpackedBody, unpacked

Headers = list[tuple[bytes, bytes]]

MAX_ANSWER = 64 * 1024 * 1024
"""The longest whole answer that is read, in bytes: image models answer in tens of megabytes."""


class FaultRule(NamedTuple):
    """What a transport fault is in our words: the error class, its kind, status and stable code."""

    error: type[UpstreamError]
    kind: ErrorKind
    status: int
    code: str


_UNREACHABLE = FaultRule(ConnectError, "upstream", 502, "upstream_unreachable")
FAULTS: Mapping[type[wire.TransportFault], FaultRule] = {
    wire.ConnectFailedError: _UNREACHABLE,
    wire.ResolveError: FaultRule(ConnectError, "upstream", 502, "upstream_name_unknown"),
    wire.TlsError: FaultRule(ConnectError, "upstream", 502, "upstream_tls_failed"),
    wire.ConnectTimeoutError: FaultRule(ConnectError, "timeout", 504, "upstream_connect_timeout"),
    wire.PoolTimeoutError: FaultRule(ConnectError, "overloaded", 503, "upstream_pool_busy"),
    wire.ProxyFailedError: FaultRule(ConnectError, "upstream", 502, "proxy_failed"),
    wire.InvalidRequestError: FaultRule(ConnectError, "bad_request", 400, "invalid_upstream_request"),
    wire.DisconnectedError: FaultRule(NoAnswerError, "upstream", 502, "upstream_disconnected"),
    wire.CutBodyError: FaultRule(CutError, "upstream", 502, "upstream_cut"),
    wire.InvalidResponseError: FaultRule(GarbageError, "upstream", 502, "upstream_not_http"),
    wire.AnswerTooLargeError: FaultRule(GarbageError, "upstream", 502, "upstream_answer_too_large"),
    wire.FirstByteTimeoutError: FaultRule(NoAnswerError, "timeout", 504, "upstream_timeout"),
    wire.IdleTimeoutError: FaultRule(CutError, "timeout", 504, "upstream_stalled"),
}


class UpstreamCall(NamedTuple):
    """A request as it goes on the wire."""

    origin: Origin
    method: bytes
    target: bytes
    headers: Headers
    body: bytes
    timeouts: Timeouts


def upstream_error(fault: wire.TransportFault) -> UpstreamError:
    """The error that a transport fault means."""
    rule = FAULTS[type(fault)]
    problem = Problem(kind=rule.kind, status=rule.status, code=rule.code, message=str(fault))
    if rule.error is ConnectError and fault.sent:
        return NoAnswerError(problem)
    return rule.error(problem)


def split_url(url: str) -> tuple[Origin, str]:
    """Split a base URL into where to connect and the path before every target. Raises `ValueError` if it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no http or https URL")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Origin(parts.scheme, parts.hostname, port), parts.path.rstrip("/")


class WholeAnswer(NamedTuple):
    """An answer that is all here; `headers` by lower-case name."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class UpstreamAnswer:
    """An answer while it arrives: `status`, `headers` by lower-case name, and a body that is read once."""

    __slots__ = ("_body", "_response", "headers", "status")

    def __init__(self, response: Response) -> None:
        self._response = response
        self.status = response.status
        self.headers: dict[bytes, bytes] = {name.lower(): value for name, value in response.headers}
        encoding = self.headers.get(b"content-encoding")
        self._body: Response | UnpackedBody = response if encoding is None else unpacked(response, encoding)

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")

    async def read_chunk(self) -> bytes:
        """The bytes that have arrived, `b""` at the end. Raises `CutError` when the end is not one."""
        try:
            return await self._body.read_chunk()
        except wire.TransportFault as fault:
            raise upstream_error(fault) from fault

    async def read(self, *, seconds: float = math.inf) -> bytes:
        """The whole body, at most `MAX_ANSWER` bytes, within `seconds`: an upstream that drips never falls silent."""
        pieces: list[bytes] = []
        size = 0
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while piece := await self.read_chunk():
            size += len(piece)
            if size > MAX_ANSWER:
                raise upstream_error(_fault(wire.AnswerTooLargeError, f"the answer is longer than {MAX_ANSWER} bytes"))
            if pieces and loop.time() > end:
                raise upstream_error(_fault(wire.IdleTimeoutError, "the upstream took too long to end its answer"))
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        await self._response.aclose()


def _fault(kind: type[wire.TransportFault], message: str) -> wire.TransportFault:
    return kind(message, sent=True, response_started=True)


class Upstream:
    """The one client of all providers."""

    def __init__(self, transport: LeanTransport) -> None:
        self._transport = transport

    async def send(self, call: UpstreamCall) -> UpstreamAnswer:
        """Send and return the answer's head. The caller closes the answer in `finally`."""
        try:
            return UpstreamAnswer(await self._transport.send(*call))
        except wire.TransportFault as fault:
            raise upstream_error(fault) from fault

    async def whole(self, call: UpstreamCall, *, seconds: float = math.inf) -> WholeAnswer:
        """Send, and read the answer to its end within `seconds`, for a call that is no attempt of an exchange."""
        answer = await self.send(call)
        async with contextlib.aclosing(answer):
            return WholeAnswer(answer.status, answer.headers, await answer.read(seconds=seconds))

    async def aclose(self) -> None:
        await self._transport.aclose()
