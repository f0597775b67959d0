"""A small world to plan in: six providers with the families they are known for, one list each, a clock by hand."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from proxyctl.config.model import AliasSettings, RoutingSettings
from proxyctl.core.clock import ManualClock
from proxyctl.core.exchange import Peek
from proxyctl.routing.affinity import Affinity
from proxyctl.routing.availability import Availability
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.needs import ModelFacts
from proxyctl.routing.plan import Plan, PlanQuery, explain, plan
from proxyctl.routing.snapshot import ProviderView, Snapshot

FAMILIES = {
    "gemini": ("gemini-*",),
    "anthropic": ("claude-*",),
    "groq": (),
    "together": (),
    "cohere": ("command-*",),
    "mistral": ("mistral-*", "codestral-*"),
}
LISTS: Mapping[str, Mapping[str, ModelFacts]] = {
    "gemini": {"gemini-3.8-flash": ModelFacts(context=1_048_576, max_output=65_536)},
    "anthropic": {"claude-opus-5-5": ModelFacts(), "claude-haiku-5-5": ModelFacts()},
    "groq": {
        "llama-3.3-70b-versatile": ModelFacts(context=131_072, max_output=32_768),
        "openai/gpt-oss-120b": ModelFacts(),
    },
    "together": {"openai/gpt-oss-120b": ModelFacts(), "moonshotai/Kimi-K3": ModelFacts()},
    "cohere": {"command-a-03-2025": ModelFacts()},
    "mistral": {"mistral-large-4": ModelFacts()},
}
STAND_INS = {
    "gemini": {"large": "gemini-4-argon", "medium": "gemini-3.8-flash", "small": "gemini-3.5-flash-lite"},
    "anthropic": {"large": "claude-opus-5-5", "medium": "claude-sonnet-5-5", "small": "claude-haiku-5-5"},
    "groq": {"large": "moonshotai/kimi-k2-instruct", "medium": "llama-3.3-70b-versatile"},
    "mistral": {"large": "mistral-large-4"},
}


class World:
    """Providers by mode, as in `World(gemini="pooled", groq={"mode": "fallback", "weight": 2.0})`."""

    def __init__(
        self,
        *,
        routing: Mapping[str, Any] | None = None,
        aliases: Mapping[str, tuple[str, ...] | AliasSettings] | None = None,
        tiers: Mapping[Any, Mapping[str, str]] | None = None,
        lists: Mapping[str, Mapping[str, ModelFacts]] | None = None,
        **providers: str | Mapping[str, Any],
    ) -> None:
        self.clock = ManualClock()
        self.catalogue = Catalogue()
        self.availability = Availability()
        self.affinity = Affinity()
        self.routing = {"primary": "gemini", **(routing or {})}
        self.aliases = {
            name: one if isinstance(one, AliasSettings) else AliasSettings(targets=one)
            for name, one in (aliases or {}).items()
        }
        self.tiers = tiers or {}
        self.providers = dict(providers)
        for name in providers:
            listed = (lists or {}).get(name, LISTS.get(name, {}))
            self.catalogue.replace(name, listed, updated_at=self.clock.now())
        self.snapshot = self._snapshot()

    def _snapshot(self) -> Snapshot:
        views = []
        for position, (name, given) in enumerate(self.providers.items()):
            fields = {"mode": given} if isinstance(given, str) else dict(given)
            families = FAMILIES.get(name, ())
            base: dict[str, Any] = {
                "name": name,
                "label": name.title(),
                "credentials": ("key",),
                "tier_models": STAND_INS.get(name, {}),
                "position": position,
                "serves_family": lambda model, families=families: any(
                    fnmatch.fnmatchcase(model, one) for one in families
                ),
            }
            views.append(ProviderView(**{**base, **fields}))
        return Snapshot(views, RoutingSettings(**self.routing), aliases=self.aliases, tiers=self.tiers)

    def change(self, **providers: str | Mapping[str, Any]) -> None:
        """Reload with other modes or settings; state stays."""
        self.providers.update(providers)
        self.snapshot = self._snapshot()

    def query(self, model: str, *, session: str = "", **given: Any) -> PlanQuery:
        headers = {key: given.pop(key) for key in ("allow_prefix_fallback", "substitute") if key in given}
        return PlanQuery(peek=Peek(model=model, **given), dialect="openai-chat", session=lambda: session, **headers)

    def plan(self, model: str, **given: Any) -> Plan:
        query = self.query(model, **given)
        return plan(query, self.snapshot, self.catalogue, self.availability, self.affinity, self.clock.now())

    def explain(self, model: str, **given: Any) -> Plan:
        query = self.query(model, **given)
        return explain(query, self.snapshot, self.catalogue, self.availability, self.affinity, self.clock.now())

    def targets(self, model: str, **given: Any) -> list[str]:
        """The plan as `provider:model`, keys folded."""
        steps = self.plan(model, **given).steps
        return list(dict.fromkeys(f"{step.provider}:{step.model}" for step in steps))

    def left_out(self, model: str, **given: Any) -> dict[str, str]:
        """Who is not in the plan, and why."""
        return {skip.provider: skip.reason for skip in self.explain(model, **given).skipped}

    def first(self, model: str, **given: Any) -> Deployment:
        return self.plan(model, **given).steps[0]

    def serve(self, model: str, **given: Any) -> Deployment:
        """Plan, and let the first deployment answer."""
        made = self.plan(model, **given)
        self.availability.succeeded(made.steps[0], self.clock.now())
        self.affinity.succeeded(made.session, made.steps[0], self.clock.now())
        return made.steps[0]


class MakeWorld(Protocol):
    def __call__(self, **given: Any) -> World: ...


@pytest.fixture(scope="session")
def world() -> MakeWorld:
    return World


@pytest.fixture(scope="session")
def deployment() -> Any:
    """Make a deployment from provider and model; the other fields have defaults."""

    def make(provider: str = "groq", model: str = "llama", credential: int = 0, **fields: Any) -> Deployment:
        base = {"credential_label": "key", "reason": "test", "mode": "pooled"}
        return Deployment(provider=provider, model=model, credential=credential, **{**base, **fields})

    return make
