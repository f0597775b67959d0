"""What the management API must be able to ask of the running gateway.

Small facts, no reports: the blueprints put the reports together, so that a test can stand in for the gateway with a
few values and real counters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from proxyctl.admin.schema import CredentialStatus, PlanReport, ProviderHealth, ReloadResult
from proxyctl.config.model import Settings
from proxyctl.core.chat import DialectName
from proxyctl.core.clock import Clock
from proxyctl.gateway.guard import Guard
from proxyctl.metering.meter import Meter
from proxyctl.metering.metrics import Metrics
from proxyctl.metering.prices import PriceBook
from proxyctl.metering.recorder import Recorder
from proxyctl.providers._base import ModelInfo, Provider


class Standing(Struct, frozen=True, kw_only=True):
    """How routing sees a provider: `state` and `note` as in `ProviderStatus`; `active` when a credential is usable."""

    active: bool
    state: str
    note: str = ""


class KnownModels(Struct, frozen=True):
    """A provider's model list as it was last read, and when (Unix seconds, `None`: never)."""

    models: tuple[ModelInfo, ...] = ()
    updated_at: float | None = None


class AdminState(Protocol):
    """The gateway as the management API sees it. Names are those of the configured providers."""

    @property
    def settings(self) -> Settings: ...

    @property
    def providers(self) -> Mapping[str, Provider]:
        """In file order."""
        ...

    @property
    def guard(self) -> Guard: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def recorder(self) -> Recorder: ...

    @property
    def meter(self) -> Meter: ...

    @property
    def prices(self) -> PriceBook: ...

    @property
    def config_path(self) -> Path: ...

    @property
    def log_path(self) -> Path: ...

    @property
    def address(self) -> str:
        """The base URL that the daemon listens at."""
        ...

    @property
    def instance(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def started_at(self) -> float:
        """Unix seconds."""
        ...

    @property
    def active(self) -> int:
        """Exchanges under way."""
        ...

    @property
    def draining(self) -> asyncio.Event:
        """Set when the daemon is about to end: streams that would never end by themselves must."""
        ...

    def standing(self, name: str) -> Standing: ...

    def credentials(self, name: str) -> tuple[CredentialStatus, ...]: ...

    def known_models(self, name: str) -> KnownModels: ...

    def health(self, name: str) -> ProviderHealth:
        """What is known without asking anybody."""
        ...

    async def check_provider(self, name: str) -> ProviderHealth:
        """Ask the provider's free list endpoint now. Never raises for what the provider does."""
        ...

    async def explain(self, model: str, dialect: DialectName) -> PlanReport:
        """What the planner of the live path would do with this model."""
        ...

    def clear_waits(self, name: str) -> tuple[str, ...]:
        """Drop a provider's waits and credential failures; say in words what was dropped."""
        ...

    async def reload(self) -> ReloadResult:
        """Read the config file again. Raises `ConfigError`; nothing has changed then."""
        ...

    def request_stop(self) -> None:
        """Begin to drain and then end; returns at once."""
        ...
