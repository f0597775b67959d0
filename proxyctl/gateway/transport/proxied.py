"""The same seam through an HTTP(S)_PROXY, by httpx's own transport.

The lean transport speaks to origins directly; where the environment demands a proxy, tunnelling, proxy credentials and
SOCKS are httpx's work. Slower, and only where it must be. Addresses of this machine never go through a proxy, whatever
`NO_PROXY` forgets: a local model server is not reachable from there.
"""

import asyncio
import contextlib
import ipaddress
import math
import ssl
import urllib.request
from collections.abc import AsyncIterator

import httpx

from proxyctl.gateway.transport.faults import (
    AnswerTooLargeError,
    ConnectFailedError,
    ConnectTimeoutError,
    CutBodyError,
    DisconnectedError,
    FirstByteTimeoutError,
    IdleTimeoutError,
    InvalidResponseError,
    PoolTimeoutError,
    ProxyFailedError,
    TransportFault,
)
from proxyctl.gateway.transport.head import FRAMING, Origin, Timeouts


def proxy_for(origin: Origin) -> str | None:
    """The proxy URL that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name for an origin."""
    if _is_this_machine(origin.host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(origin.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ProxiedResponse:
    """Has `LeanResponse`'s reading side over an httpx response."""

    def __init__(self, response: httpx.Response, idle: float) -> None:
        self.status = response.status_code
        self.headers = [(name.lower(), value) for name, value in response.headers.raw]
        self.reused = False
        self._response = response
        self._idle = None if idle == math.inf else idle
        self._pieces = response.aiter_raw()

    async def read_chunk(self) -> bytes:
        """See `LeanResponse.read_chunk`."""
        try:
            async with asyncio.timeout(self._idle):
                async for piece in self._pieces:
                    if piece:
                        return piece
        except TimeoutError:
            await self.aclose()
            raise IdleTimeoutError(
                "the upstream fell silent in the middle of its answer", sent=True, response_started=True
            ) from None
        except httpx.TransportError as exc:
            raise CutBodyError(
                f"the upstream closed before the end of its answer ({exc})", sent=True, response_started=True
            ) from exc
        return b""

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `LeanResponse.chunks`."""
        while chunk := await self.read_chunk():
            yield chunk

    async def read(self, limit: int) -> bytes:
        """See `LeanResponse.read`."""
        pieces: list[bytes] = []
        size = 0
        while chunk := await self.read_chunk():
            size += len(chunk)
            if size > limit:
                await self.aclose()
                raise AnswerTooLargeError(f"the answer is longer than {limit} bytes", sent=True, response_started=True)
            pieces.append(chunk)
        return b"".join(pieces)

    async def aclose(self) -> None:
        """See `LeanResponse.aclose`."""
        await self._response.aclose()


class ProxiedSender:
    """Sends the requests of one origin through one proxy."""

    def __init__(self, origin: Origin, proxy: str, context: ssl.SSLContext) -> None:
        self._base = origin.url()
        self._limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=60)
        try:
            self._transport = httpx.AsyncHTTPTransport(
                verify=context, proxy=httpx.Proxy(proxy), limits=self._limits, trust_env=False
            )
        except (ImportError, ValueError, httpx.InvalidURL) as exc:
            # The text of a proxy URL may hold a password: only the reason is told.
            raise ProxyFailedError(f"the proxy for {self._base} cannot be used: {type(exc).__name__}") from None

    async def send(
        self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes, timeouts: Timeouts
    ) -> ProxiedResponse:
        """See `LeanTransport.send`."""
        request = httpx.Request(
            method.decode("ascii"),
            httpx.URL(self._base, raw_path=target),
            headers=[(name, value) for name, value in headers if name.lower() not in FRAMING],
            content=body,
            extensions={"timeout": {"connect": _limit(timeouts.connect), "pool": _limit(timeouts.connect)}},
        )
        try:
            async with asyncio.timeout(_limit(timeouts.connect + timeouts.first_byte)):
                response = await self._transport.handle_async_request(request)
        except TimeoutError:
            raise FirstByteTimeoutError("the upstream did not begin to answer in time", sent=True) from None
        except httpx.TransportError as exc:
            raise _as_fault(exc) from exc
        response.request = request
        return ProxiedResponse(response, timeouts.idle)

    async def aclose(self) -> None:
        with contextlib.suppress(httpx.TransportError):
            await self._transport.aclose()


def _limit(seconds: float) -> float | None:
    return None if seconds == math.inf else seconds


_NOT_SENT: tuple[tuple[type[httpx.TransportError], type[TransportFault]], ...] = (
    (httpx.ProxyError, ProxyFailedError),
    (httpx.ConnectTimeout, ConnectTimeoutError),
    (httpx.PoolTimeout, PoolTimeoutError),
    (httpx.ConnectError, ConnectFailedError),
)


def _as_fault(exc: httpx.TransportError) -> TransportFault:
    """How far an answer came, httpx cannot tell; what it does not exclude counts as sent."""
    for theirs, ours in _NOT_SENT:
        if isinstance(exc, theirs):
            return ours(str(exc))
    if isinstance(exc, httpx.TimeoutException):
        return FirstByteTimeoutError(str(exc), sent=True)
    if isinstance(exc, httpx.NetworkError) or "disconnected" in str(exc):
        return DisconnectedError(str(exc), sent=True)
    return InvalidResponseError(str(exc), sent=True, response_started=True)
