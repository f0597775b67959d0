"""Put the bytes in place of the addresses in a request, for a target that takes no addresses.

A step between planning and preparing, and only for a request that names pictures or documents by address, on its way
to a target that would refuse them. What was fetched is kept for the rest of the exchange, so that another attempt asks
nobody again, and not longer: the next request may see another picture at the same address.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

from msgspec.structs import replace

from proxyctl.core.chat import ChatRequest, DocumentPart, ImagePart, Message, Part, TextPart, ToolResultPart
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.exchange import Exchange
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.media.addresses import FetchFailedError
from proxyctl.gateway.media.fetching import Fetched, Fetcher
from proxyctl.gateway.media.kinds import kind_of
from proxyctl.gateway.prepare import lane_of
from proxyctl.gateway.targets import Target

MOST_ADDRESSES = 20
"""Addresses in one request."""
MOST_IN_ALL = 50 * 1024 * 1024
"""Bytes of all of them: they grow by a third when they are written as base64."""
MOST_AT_ONCE = 4
LONGEST_WAIT = 20.0
"""Seconds for all of a request's addresses."""

_FETCHED = ("http://", "https://")
_LONGEST_SHOWN = 100

Media = ImagePart | DocumentPart


class ExchangeMedia:
    """What one exchange has fetched, errors included. The time is waited on others' account."""

    def __init__(self, exchange: Exchange, fetcher: Fetcher) -> None:
        self._exchange = exchange
        self._fetcher = fetcher
        self._known: dict[str, Fetched | FetchFailedError] = {}
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def request_for(self, inbound: Inbound, target: Target, model: str, *, deadline: float) -> ChatRequest | None:
        """The request as this target can be told it; `None` when it can be told the one that came.

        `deadline` is on the exchange's monotonic time. Raises `GatewayError`.
        """
        lane, name = lane_of(inbound, target, model)
        if lane == "passthrough":
            return None
        traits = target.provider.traits(model)
        images, documents = traits.images and not traits.image_urls, not UPSTREAM[name].document_urls
        if not (images or documents):
            return None
        clock = self._exchange.clock
        return await self.inlined(
            inbound.canonical(), images=images, documents=documents, seconds=deadline - clock.monotonic()
        )

    async def inlined(self, request: ChatRequest, *, images: bool, documents: bool, seconds: float) -> ChatRequest:
        """The request with bytes for the addresses of its images, its documents, or both, within `seconds`.

        Returns it as it is when there are none. Raises `UnsupportedError` with the path of what cannot be fetched.
        """
        wanted = tuple(
            (path, part)
            for path, part in addressed(request)
            if (images and isinstance(part, ImagePart)) or (documents and isinstance(part, DocumentPart))
        )
        if not wanted:
            return request
        begun = self._exchange.clock.monotonic()
        try:
            await self._fetch(wanted, min(seconds, LONGEST_WAIT))
        finally:
            self._exchange.upstream_seconds += self._exchange.clock.monotonic() - begun
        found = {id(part): self._filled(part, path) for path, part in wanted}
        return replace(request, messages=tuple(_with(message, found) for message in request.messages))

    async def _fetch(self, wanted: tuple[tuple[str, Media], ...], seconds: float) -> None:
        urls = [url for url in dict.fromkeys(part.url or "" for _, part in wanted) if url not in self._known]
        if len(urls) > MOST_ADDRESSES:
            raise UnsupportedError(
                f"more than {MOST_ADDRESSES} images and documents by address are not fetched for one request",
                hint="send them as base64 data",
                param=wanted[-1][0],
            )
        ends = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(self._fetch_one(url, ends))

    async def _fetch_one(self, url: str, ends: float) -> None:
        async with self._turns:
            try:
                fetched = await self._fetcher.fetch(url, ends - asyncio.get_running_loop().time())
            except FetchFailedError as exc:
                self._known[url] = exc
                return
        if self._size() + len(fetched.data) > MOST_IN_ALL:
            self._known[url] = FetchFailedError(f"with the others it is larger than {MOST_IN_ALL} bytes")
        else:
            self._known[url] = fetched

    def _size(self) -> int:
        return sum(len(fetched.data) for fetched in self._known.values() if isinstance(fetched, Fetched))

    def _filled(self, part: Media, path: str) -> Media:
        url = part.url or ""
        fetched = self._known[url]
        if isinstance(fetched, FetchFailedError):
            raise _unfetched(url, str(fetched), path)
        kind = kind_of(fetched.data, fetched.told)
        if isinstance(part, ImagePart):
            if not kind.startswith("image/"):
                raise _unfetched(url, "it is no image", path)
            return replace(part, url=None, media_type=kind, data=base64.b64encode(fetched.data).decode())
        if kind.startswith("text/"):
            return replace(part, url=None, media_type=kind, text=fetched.data.decode())
        if kind != "application/pdf":
            raise _unfetched(url, "it is neither PDF nor text", path)
        return replace(part, url=None, media_type=kind, data=base64.b64encode(fetched.data).decode())


def addressed(request: ChatRequest) -> Iterator[tuple[str, Media]]:
    """The images and documents that stand in a request as web addresses, each with its path."""
    for index, message in enumerate(request.messages):
        for position, part in enumerate(message.parts):
            path = f"messages[{index}].parts[{position}]"
            inner = part.parts if isinstance(part, ToolResultPart) else (part,)
            for one in inner:
                if isinstance(one, Media) and one.url is not None and one.url.lower().startswith(_FETCHED):
                    yield path, one


def _with(message: Message, found: dict[int, Media]) -> Message:
    return replace(message, parts=tuple(_part_with(part, found) for part in message.parts))


def _part_with(part: Part, found: dict[int, Media]) -> Part:
    if not isinstance(part, ToolResultPart):
        return found.get(id(part), part)
    inner: list[TextPart | ImagePart | DocumentPart] = [found.get(id(one), one) for one in part.parts]
    return replace(part, parts=tuple(inner))


def _unfetched(url: str, reason: str, path: str) -> UnsupportedError:
    return UnsupportedError(
        f"{_shown(url)} cannot be fetched: {reason}",
        hint="send it as base64 data",
        param=path,
        code="media_not_fetched",
    )


def _shown(url: str) -> str:
    """An address without what may be secret in it: its credentials and its query."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
