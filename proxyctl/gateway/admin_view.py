"""The running gateway as the management API sees it: small facts, read from the parts that hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from proxyctl.admin.schema import (
    CredentialStatus,
    PlanReport,
    PlanSkip,
    PlanStep,
    PlanSuggestion,
    ProviderHealth,
    ReloadResult,
)
from proxyctl.config.model import Settings
from proxyctl.core.chat import DialectName
from proxyctl.core.clock import Clock
from proxyctl.core.exchange import Peek
from proxyctl.gateway.blueprints.state_protocol import KnownModels, Standing
from proxyctl.gateway.guard import Guard
from proxyctl.gateway.state import GatewayState
from proxyctl.metering.meter import Meter
from proxyctl.metering.metrics import Metrics
from proxyctl.metering.prices import PriceBook
from proxyctl.metering.recorder import Recorder
from proxyctl.providers._base import Provider
from proxyctl.routing.modes import state_of


class AdminView:
    """Implements the blueprints' `AdminState`."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self.clock: Clock = state.clock
        self.metrics: Metrics = state.metrics
        self.recorder: Recorder = state.recorder
        self.meter: Meter = state.meter
        self.prices: PriceBook = state.prices
        self.config_path: Path = state.paths.config_file
        self.log_path: Path = state.paths.log_file
        self.instance: str = state.instance
        self.version: str = state.version
        self.started_at: float = state.started_at
        self.draining: asyncio.Event = state.draining

    @property
    def settings(self) -> Settings:
        return self._state.live.settings

    @property
    def providers(self) -> Mapping[str, Provider]:
        return {name: target.provider for name, target in self._state.live.targets.items()}

    @property
    def guard(self) -> Guard:
        return self._state.live.guard

    @property
    def address(self) -> str:
        return self._state.address

    @property
    def active(self) -> int:
        return len(self._state.exchanges)

    def standing(self, name: str) -> Standing:
        state = self._state
        seen = state_of(name, state.live.snapshot, state.availability, state.clock.now())
        return Standing(active=seen.word != "inactive", state=seen.word, note=seen.note)

    def credentials(self, name: str) -> tuple[CredentialStatus, ...]:
        outs = self._state.availability.entries(name, self.clock.now())
        refused = {out.credential: out.reason for out in outs if out.kind == "credential"}
        return tuple(
            CredentialStatus(label=one.label, source=one.source, problem=refused.get(index, ""))
            for index, one in enumerate(self._state.live.targets[name].credentials)
        )

    def known_models(self, name: str) -> KnownModels:
        found = self._state.discovery.found.get(name, ())
        return KnownModels(models=found, updated_at=self._state.catalogue.updated_at(name))

    def health(self, name: str) -> ProviderHealth:
        """The last check, worsened by what requests have met since: a refused key, a cooldown."""
        target = self._state.live.targets[name]
        if target.settings.mode == "off":
            return ProviderHealth(name=name, health="off", detail="takes no part")
        if target.missing:
            return ProviderHealth(name=name, health="inactive", detail=target.missing)
        now = self.clock.now()
        known = self._state.discovery.health(name) or ProviderHealth(name=name, health="unknown")
        outs = [out for out in self._state.availability.entries(name, now) if out.kind != "missing"]
        if not outs:
            return known
        return replace(known, health="failing", detail="; ".join(out.describe(now) for out in outs[:3]))

    async def check_provider(self, name: str) -> ProviderHealth:
        return await self._state.discovery.check(self._state.live, self._state.live.targets[name])

    async def explain(self, model: str, dialect: DialectName) -> PlanReport:
        live = self._state.live
        plan = self._state.explain(Peek(model=model), dialect)
        refusal = plan.refusal
        return PlanReport(
            model=model,
            rule=plan.rule,
            steps=tuple(
                PlanStep(
                    provider=step.provider,
                    model=step.model,
                    reason=step.reason,
                    lane=live.snapshot.providers[step.provider].lane(dialect),
                    credential=step.credential_label,
                    substitute=step.substitute,
                )
                for step in plan.steps
            ),
            skipped=tuple(PlanSkip(provider=skip.provider, reason=skip.reason) for skip in plan.skipped),
            error=refusal.message if refusal else "",
            hint=refusal.hint if refusal else "",
            advice=plan.advice,
            suggestions=tuple(PlanSuggestion(name=one.name, source=one.source) for one in plan.suggestions),
            strict_alias=plan.strict_alias,
        )

    def clear_waits(self, name: str) -> tuple[str, ...]:
        now = self.clock.now()
        dropped = tuple(out.describe(now) for out in self._state.availability.entries(name, now))
        self._state.availability.reset(name)
        return dropped

    async def reload(self) -> ReloadResult:
        return await self._state.reload()

    def request_stop(self) -> None:
        self._state.request_stop()
