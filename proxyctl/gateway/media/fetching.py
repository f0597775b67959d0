"""Fetch one picture or document: at most so many bytes, in so many seconds, from a public host.

No cookies, no credentials, no proxy, no connection that is kept. A redirect is followed a few times, and each of its
addresses is looked at like the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import urljoin

from proxyctl.core.errors import UpstreamError
from proxyctl.gateway.media.addresses import FetchFailedError, Place, Resolve, permitted, place_of
from proxyctl.gateway.targets import USER_AGENT
from proxyctl.gateway.transport import LeanTransport, Timeouts, TransportFault, addresses_of
from proxyctl.gateway.upstream import UpstreamAnswer

MOST_BYTES = 20 * 1024 * 1024
"""Bytes of one picture or document."""
MOST_REDIRECTS = 3

_LONGEST_NUMBER = 20
"""Digits of a length that are read; Python refuses thousands of them, and zeros may lead."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = [
    (b"user-agent", USER_AGENT),
    (b"accept", b"image/*, application/pdf, text/*;q=0.9, */*;q=0.5"),
    (b"accept-encoding", b"identity"),
]


class Fetched(NamedTuple):
    """The bytes, and what their server calls them (lower case, without parameters)."""

    data: bytes
    told: str


class Fetcher:
    """Fetches by the rules of one configuration. `hosts` are names and addresses that need not be public."""

    def __init__(
        self,
        transport: LeanTransport,
        *,
        hosts: Collection[str] = (),
        resolve: Resolve = addresses_of,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._transport = transport
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts)
        self._resolve = resolve
        self._most_bytes = most_bytes

    async def fetch(self, url: str, seconds: float) -> Fetched:
        """Raises `FetchFailedError`."""
        try:
            async with asyncio.timeout(seconds):
                return await self._fetch(url, seconds)
        except TimeoutError:
            raise FetchFailedError("it did not come in time") from None

    async def _fetch(self, url: str, seconds: float) -> Fetched:
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._ask(place_of(url), Timeouts(seconds, seconds, seconds))
            try:
                if answer.status not in _REDIRECTS:
                    return await self._read(answer)
                url = _led_to(url, answer.headers.get(b"location", b""))
            finally:
                await answer.aclose()
        raise FetchFailedError(f"it redirects more than {MOST_REDIRECTS} times")

    async def _ask(self, place: Place, timeouts: Timeouts) -> UpstreamAnswer:
        addresses = await permitted(place.origin, self._hosts, self._resolve)
        try:
            return UpstreamAnswer(
                await self._transport.get_from(addresses, place.origin, place.target, _HEADERS, timeouts)
            )
        except TransportFault:
            raise FetchFailedError("its server does not answer") from None

    async def _read(self, answer: UpstreamAnswer) -> Fetched:
        if answer.status != 200:
            raise FetchFailedError(f"its server answers with status {answer.status}")
        pieces: list[bytes] = []
        size = 0
        announced = answer.headers.get(b"content-length", b"")[:_LONGEST_NUMBER]
        too_large = announced.isdigit() and int(announced) > self._most_bytes
        try:
            while not too_large and (piece := await answer.read_chunk()):
                pieces.append(piece)
                size += len(piece)
                too_large = size > self._most_bytes
        except UpstreamError:
            raise FetchFailedError("its server stopped before the end") from None
        if too_large:
            raise FetchFailedError(f"it is larger than {self._most_bytes} bytes")
        return Fetched(b"".join(pieces), answer.content_type)


def _led_to(url: str, location: bytes) -> str:
    try:
        return urljoin(url, location.decode("latin-1"))
    except ValueError:
        raise FetchFailedError("it redirects to no valid URL") from None
