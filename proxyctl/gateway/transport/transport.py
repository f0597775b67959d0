"""The gateway's way upstream: one pooled HTTP/1.1 client with two seams.

`send` is what the request path calls, bytes in and bytes out; `handle_async_request` is httpx's transport API over
it, for callers that want an `httpx.AsyncClient`. No cookies, no redirects, no decompression, no retries but one: a
request whose kept connection turned out to be dead, and only where repeating it cannot be paid for twice.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Sequence

import httpx
from typing_extensions import override

from proxyctl.gateway.transport.connect import Address, dial
from proxyctl.gateway.transport.connection import Connection
from proxyctl.gateway.transport.faults import ConnectFailedError, DisconnectedError
from proxyctl.gateway.transport.head import DEFAULT_PORTS, Origin, Timeouts, request_head
from proxyctl.gateway.transport.pool import OriginPool
from proxyctl.gateway.transport.proxied import ProxiedResponse, ProxiedSender, proxy_for
from proxyctl.gateway.transport.response import LeanResponse

Response = LeanResponse | ProxiedResponse
"""What `send` answers; both have the same reading side."""

_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


class LeanTransport(httpx.AsyncBaseTransport):
    """Holds the pools. One for the daemon's life, used from one event loop."""

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int = 512,
        idle_seconds: float = 60.0,
        trust_env: bool = True,
    ) -> None:
        """`max_connections` an origin; `trust_env`: obey the proxy variables (read when an origin is first used)."""
        self._ssl_context = ssl_context
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds
        self._trust_env = trust_env
        self._pools: dict[Origin, OriginPool] = {}
        self._proxied: dict[Origin, ProxiedSender] = {}
        self._closed = False

    def warm(self) -> None:
        """Load the certificate store now (some 20 ms), so that the first request does not."""
        self._context()

    async def send(
        self,
        origin: Origin,
        method: bytes,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        timeouts: Timeouts,
    ) -> Response:
        """Send a request and return its answer as soon as the answer's head is complete.

        `target` is the path and query as they go on the wire. Raises a `TransportFault`; the caller closes the
        answer in `finally`. Cancelling closes the connection at once.
        """
        pool = self._pools.get(origin)
        if pool is None:
            proxied = self._proxied_for(origin)
            if proxied is not None:
                return await proxied.send(method, target, headers, body, timeouts)
            pool = self._open_pool(origin)
        head = request_head(pool.authority, method, target, headers, len(body))
        connection = pool.take_idle() or await pool.acquire(timeouts.connect)
        try:
            return await connection.exchange(head, body, timeouts, head_only=method == b"HEAD")
        except DisconnectedError as fault:
            safe = not fault.sent or method in _REPEATABLE
            if not fault.reused or fault.response_started or not safe or self._closed:
                raise
        connection = await pool.acquire(timeouts.connect)
        return await connection.exchange(head, body, timeouts, head_only=method == b"HEAD")

    async def get_from(
        self,
        addresses: Sequence[Address],
        origin: Origin,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        timeouts: Timeouts,
    ) -> LeanResponse:
        """GET from these very addresses, past every pool and proxy, on a connection that ends with its answer.

        For hosts that a caller named: who looked at the addresses knows where this goes. Raises a `TransportFault`.
        """
        loop = asyncio.get_running_loop()
        head = request_head(origin.authority(), b"GET", target, headers, 0)
        connection = await dial(
            origin,
            lambda: Connection(loop, Connection.abort, _forget),
            self._context() if origin.scheme == "https" else None,
            timeouts.connect,
            addresses,
        )
        return await connection.exchange(head, b"", timeouts, head_only=False)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = await self.send(
            Origin(url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme, 0)),
            request.method.encode("ascii"),
            url.raw_path,
            request.headers.raw,
            await request.aread(),
            _timeouts_of(request),
        )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Stream(response),
            extensions={"http_version": b"HTTP/1.1"},
        )

    def drop_idle(self) -> None:
        """Close every resting connection: after the machine slept, none of them is worth a try."""
        for pool in self._pools.values():
            pool.drop_idle()

    def counts(self) -> dict[Origin, tuple[int, int]]:
        """(open, of these idle) by origin, for the health page and the tests."""
        return {origin: pool.counts for origin, pool in self._pools.items()}

    @override
    async def aclose(self) -> None:
        """Close all connections, busy ones too; whoever still reads gets a `CutBodyError`."""
        self._closed = True
        closing = [pool.aclose() for pool in self._pools.values()]
        closing += [proxied.aclose() for proxied in self._proxied.values()]
        await asyncio.gather(*closing)

    def _proxied_for(self, origin: Origin) -> ProxiedSender | None:
        known = self._proxied.get(origin)
        if known is None and self._trust_env and (proxy := proxy_for(origin)) is not None:
            known = self._proxied[origin] = ProxiedSender(origin, proxy, self._context())
        return known

    def _open_pool(self, origin: Origin) -> OriginPool:
        if self._closed:
            raise ConnectFailedError("the gateway's transport is closed")
        if origin.scheme not in DEFAULT_PORTS:
            raise ConnectFailedError(f"cannot speak {origin.scheme!r}, only http and https")
        pool = self._pools[origin] = OriginPool(
            origin,
            context=self._context() if origin.scheme == "https" else None,
            limit=self._max_connections,
            idle_seconds=self._idle_seconds,
        )
        return pool

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = httpx.create_ssl_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context


def _forget(connection: Connection) -> None:
    """Nobody counts a connection that serves once."""
    del connection


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: Response) -> None:
        self._response = response

    @override
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.chunks()

    @override
    async def aclose(self) -> None:
        await self._response.aclose()


def _timeouts_of(request: httpx.Request) -> Timeouts:
    limits = request.extensions.get("timeout", {})

    def limit(name: str) -> float:
        value = limits.get(name)
        return math.inf if value is None else float(value)

    return Timeouts(limit("connect"), limit("read"), limit("read"))
