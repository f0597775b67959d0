"""What the gateway holds while it runs: the configuration in force, and the few parts that keep state.

One instance a daemon, handed to whoever needs it. The request path reads it; a reload swaps `live` in one assignment.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxyctl import __version__
from proxyctl.admin.schema import ReloadResult
from proxyctl.config.checks import check_reach
from proxyctl.config.load import load
from proxyctl.config.model import Settings
from proxyctl.config.paths import Paths
from proxyctl.config.problems import ConfigError, ConfigProblem, Refusal
from proxyctl.config.secrets import KeySources
from proxyctl.core.chat import DialectName
from proxyctl.core.clock import Clock, SystemClock
from proxyctl.core.exchange import Exchange, Peek
from proxyctl.gateway.changes import changes_between
from proxyctl.gateway.discovery import Discovery
from proxyctl.gateway.inbound import Inbound, session_of
from proxyctl.gateway.kept_responses import KeptResponses
from proxyctl.gateway.kept_signatures import KeptSignatures
from proxyctl.gateway.live import Live, build_live
from proxyctl.gateway.transport import LeanTransport
from proxyctl.gateway.upstream import Upstream
from proxyctl.metering.calibration import Calibration
from proxyctl.metering.meter import Meter
from proxyctl.metering.metrics import Metrics
from proxyctl.metering.prices import PriceBook
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.memory import MemoryStore
from proxyctl.providers._registry import KIND_FACTS
from proxyctl.routing.affinity import Affinity, session_name
from proxyctl.routing.availability import Availability
from proxyctl.routing.breaker import Trial
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.plan import Plan, PlanQuery, explain, plan

METERING_PAUSE = 0.1
"""Seconds for which finished exchanges are gathered before they are counted in one go."""


class GatewayState:
    """`instance` identifies this run, `token` opens its management API."""

    def __init__(
        self,
        settings: Settings,
        *,
        paths: Paths,
        instance: str,
        token: str,
        clock: Clock | None = None,
        environ: Callable[[], dict[str, str]] = lambda: dict(os.environ),
        folder: Path | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.paths = paths
        self.instance = instance
        self.token = token
        self.version = __version__
        self.started_at = self.clock.now()
        self.address = ""
        self._environ = environ
        self._folder = folder or Path.cwd()
        self._host = settings.server.host
        self.live = build_live(settings, self._sources(), host=self._host, token=token)
        self.transport = LeanTransport()
        self.upstream = Upstream(self.transport)
        self.catalogue = Catalogue()
        self.availability = Availability()
        self.affinity = Affinity()
        self.kept = KeptResponses(self.clock)
        self.signatures = KeptSignatures(self.clock)
        self.prices = PriceBook()
        self.metrics = Metrics(self.clock)
        self.calibration = Calibration(self.clock)
        self.recorder = Recorder(MemoryStore(settings.store.records_kept))
        self.meter = Meter(
            metrics=self.metrics,
            recorder=self.recorder,
            prices=self.prices,
            price_id=self._price_id,
            pause=METERING_PAUSE,
            calibration=self.calibration,
        )
        self.discovery = Discovery(self.upstream, self.catalogue, self.clock)
        self.draining = asyncio.Event()
        self.stopping = asyncio.Event()
        self.exchanges: set[asyncio.Task[Any]] = set()
        self._background: list[asyncio.Task[None]] = []

    # Life.

    async def start(self) -> None:
        """Begin the background work, with everything loaded that a first request would wait for."""
        self.transport.warm()
        self.recorder.start()
        self._background = [
            asyncio.create_task(self._load_prices(), name="prices"),
            asyncio.create_task(self.discovery.keep_fresh(self), name="discovery"),
        ]

    async def drain(self, seconds: float) -> None:
        """Refuse new exchanges, let the running ones finish for so long, then end them."""
        self.draining.set()
        if self.exchanges:
            await asyncio.wait(self.exchanges, timeout=seconds)
        for task in tuple(self.exchanges):
            task.cancel()
        if self.exchanges:
            await asyncio.wait(self.exchanges, timeout=2.0)

    async def close(self) -> None:
        """End the background work, write what is left, close every connection."""
        self.draining.set()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self.meter.settle()
        await self.recorder.stop()
        await self.upstream.aclose()

    def request_stop(self) -> None:
        """Ask whoever serves this gateway to end it."""
        self.stopping.set()

    async def reload(self) -> ReloadResult:
        """Put the config file in force again. Raises `ConfigError` or `SecretsFileError`: then nothing has changed."""
        settings = await asyncio.to_thread(load, self.paths.config_file, KIND_FACTS)
        self._stay_shut(settings)
        before, self.live = self.live, build_live(settings, self._sources(), host=self._host, token=self.token)
        changed = changes_between(before, self.live)
        self.availability.config_changed(self.live.targets)
        self.discovery.forget_missing(self.live)
        self._feed_priced_names()
        self._background = [task for task in self._background if not task.done()]
        self._background.append(asyncio.create_task(self.discovery.refresh(self.live), name="refresh"))
        return ReloadResult(changed=changed)

    def _stay_shut(self, settings: Settings) -> None:
        """The socket stays where it is, whatever the new file says: it may not be opened to others by a reload."""
        try:
            check_reach(self._host, has_keys=bool(settings.server.keys))
        except Refusal as exc:
            problem = ConfigProblem(0, None, "server.keys", f"the daemon listens on {self._host}: {exc}", exc.hint)
            raise ConfigError(self.paths.config_file, (problem,)) from exc

    # Routing.

    def plan(self, live: Live, query: PlanQuery) -> Plan:
        """Plan an exchange. Raises the `GatewayError` that the caller is told."""
        return plan(query, live.snapshot, self.catalogue, self.availability, self.affinity, self.clock.now())

    def explain(self, peek: Peek, dialect: DialectName) -> Plan:
        """The plan that a request would get now, refusals included; uses nothing up."""
        query = PlanQuery(peek=peek, dialect=dialect)
        now = self.clock.now()
        return explain(query, self.live.snapshot, self.catalogue, self.availability, self.affinity, now)

    def succeeded(self, session: str, deployment: Deployment, trial: Trial | None = None) -> None:
        """The deployment answered, on trial or not; `session` is the plan's."""
        now = self.clock.now()
        self.availability.succeeded(deployment, now, trial)
        self.affinity.succeeded(session, deployment, now)

    def is_out(self, deployment: Deployment) -> bool:
        """Whether a deployment is out of use now."""
        one, now = deployment, self.clock.now()
        return self.availability.find(one.provider, one.model, one.credential, now) is not None

    def failed(self, session: str, deployment: Deployment) -> None:
        """The deployment failed in a way that weighs against it."""
        self.affinity.failed(session, deployment, self.clock.now())

    # Looking things up.

    def _sources(self) -> KeySources:
        return KeySources.read(self.paths, self._environ(), self._folder)

    def _price_id(self, provider: str) -> str | None:
        target = self.live.targets.get(provider)
        return target.provider.price_id if target is not None else None

    async def _load_prices(self) -> None:
        await self.meter.load()
        gc.freeze()  # prices live as long as the process, and a collection over all of them takes some 80 ms
        self._feed_priced_names()

    def _feed_priced_names(self) -> None:
        if self.prices.loaded:
            for name, target in self.live.targets.items():
                self.catalogue.set_priced(name, self.prices.models(target.provider.price_id))


def plan_query(inbound: Inbound, exchange: Exchange) -> PlanQuery:
    """What routing is asked for a request: its peek, its session, and what its headers allow."""
    headers = inbound.headers

    def session() -> str:
        exchange.session = session_name(session_of(inbound))
        return exchange.session

    return PlanQuery(
        peek=inbound.peek,
        dialect=inbound.dialect.name,
        session=session,
        allow_prefix_fallback=True if headers.get(b"x-proxyctl-fallback") == b"allow" else None,
        substitute=False if headers.get(b"x-proxyctl-substitute") == b"never" else None,
    )
