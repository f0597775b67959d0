"""Learns which models each provider has, from its own free list endpoint, and whether it can be reached.

Asked in the background at start and every six hours, and when somebody wants to know now. Never a paid call. What a
provider answers replaces what was known of it; a failure leaves the old list in force and is shown in `health`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from msgspec.structs import replace

from proxyctl.admin.schema import ProviderHealth
from proxyctl.core.clock import Clock
from proxyctl.core.errors import DecodeError, UpstreamError
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.gateway.live import Live
from proxyctl.gateway.problems import refusal, seen_from_here
from proxyctl.gateway.targets import Target
from proxyctl.gateway.transport import Timeouts
from proxyctl.gateway.upstream import Upstream, UpstreamCall
from proxyctl.providers._base import ModelInfo
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.needs import ModelFacts


class HasLive(Protocol):
    """Whoever holds the configuration in force."""

    live: Live


REFRESH_SECONDS = 6 * 3600
_ACCEPT = (b"accept", b"application/json")
_LIST_TIMEOUT = 10.0
_WHOLE_LIST = 30.0
"""Seconds for all pages: a server that drips never falls silent."""
_MAX_PAGES = 20
_LONGEST_DETAIL = 500


class Discovery:
    """The lists' one asker. `found` are the models by provider, as last told."""

    def __init__(self, upstream: Upstream, catalogue: Catalogue, clock: Clock) -> None:
        self._upstream = upstream
        self._catalogue = catalogue
        self._clock = clock
        self.found: dict[str, tuple[ModelInfo, ...]] = {}
        self._health: dict[str, ProviderHealth] = {}

    def health(self, name: str) -> ProviderHealth | None:
        """The last check's result, `None` before the first."""
        return self._health.get(name)

    def forget_missing(self, live: Live) -> None:
        """Drop what is known of providers that the configuration no longer names."""
        for name in [name for name in self.found if name not in live.targets]:
            del self.found[name]
            self._health.pop(name, None)
            self._catalogue.forget(name)

    async def keep_fresh(self, current: HasLive) -> None:
        """Refresh now and again, until cancelled."""
        while True:
            await self.refresh(current.live)
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self, live: Live) -> None:
        """Ask every provider that takes part, at once."""
        wanted = [target for target in live.targets.values() if target.settings.mode != "off" and not target.missing]
        await asyncio.gather(*(self.check(live, target) for target in wanted))

    async def check(self, live: Live, target: Target) -> ProviderHealth:
        """Ask one provider for its models now; never raises what the provider did wrong."""
        begun = self._clock.monotonic()
        health = ProviderHealth(name=target.name, health="ok", checked_at=self._clock.now())
        try:
            async with asyncio.timeout(_WHOLE_LIST):
                models = await self._list(target)
        except TimeoutError:
            health = replace(health, health="failing", detail=f"the list was not complete within {_WHOLE_LIST:g} s")
        except (UpstreamError, DecodeError, UnicodeDecodeError, RecursionError) as exc:
            detail = live.redact(str(exc))[:_LONGEST_DETAIL]
            health = replace(health, health="failing", detail=detail)
        else:
            self.found[target.name] = models
            facts = {model.id: ModelFacts(context=model.context, max_output=model.max_output) for model in models}
            self._catalogue.replace(target.name, facts, updated_at=self._clock.now())
            health = replace(health, detail=f"{len(models)} models")
        health = replace(health, latency_ms=(self._clock.monotonic() - begun) * 1000)
        self._health[target.name] = health
        return health

    async def _list(self, target: Target) -> tuple[ModelInfo, ...]:
        models: list[ModelInfo] = []
        following: str | None = target.provider.models_target
        for _ in range(_MAX_PAGES):
            if following is None:
                break
            page = target.provider.read_models(await self._get(target, following))
            models += page.models
            following = page.next_target
        return tuple(models)

    async def _get(self, target: Target, path: str) -> bytes:
        provider = target.provider
        spoken = next(iter(provider.endpoints))
        call = UpstreamCall(
            origin=target.origin,
            method=b"GET",
            target=(target.path + path).encode(),
            headers=target.call_headers(_ACCEPT, dialect=spoken, model="", credential=0, client={}),
            body=b"",
            timeouts=Timeouts(target.settings.connect_timeout, _LIST_TIMEOUT, _LIST_TIMEOUT),
        )
        status, headers, body = await self._upstream.whole(call)
        if status != 200:
            now = self._clock.now()
            problem = refusal(target, UPSTREAM[spoken], status=status, headers=headers, body=body, now=now)
            raise UpstreamError(seen_from_here(problem, label=target.name, credential=target.label(0)))
        return body
