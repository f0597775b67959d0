"""One configuration in force: settings, callable targets, routing snapshot and guard, built and swapped together.

A reload builds a new one beside the old; running exchanges keep theirs. Nothing in it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxyctl.config.model import ProviderSettings, Settings
from proxyctl.config.secret import Secret
from proxyctl.config.secrets import (
    KeySources,
    gateway_keys,
    known_secrets,
    missing_reason,
    redact,
    resolve,
    resolve_headers,
)
from proxyctl.gateway.guard import Guard
from proxyctl.gateway.targets import Target, make_target
from proxyctl.providers._registry import KIND_FACTS
from proxyctl.routing.needs import ModelFacts
from proxyctl.routing.snapshot import ProviderView, Snapshot


@dataclass(frozen=True, slots=True)
class Live:
    """`notes` say what people should know of this configuration: keys that are missing, files that are ignored."""

    settings: Settings
    targets: Mapping[str, Target]
    snapshot: Snapshot
    guard: Guard
    secrets: tuple[Secret, ...]
    notes: tuple[str, ...]

    def redact(self, text: str) -> str:
        """A text without any key that this configuration knows."""
        return redact(text, self.secrets)


def build_live(settings: Settings, sources: KeySources, *, host: str, token: str) -> Live:
    """Put a configuration in force. `host` is where this run listens, `token` opens its management API."""
    targets = {name: _target(provider, sources) for name, provider in settings.providers.items()}
    keys, missing = gateway_keys(settings.server, sources)
    return Live(
        settings=settings,
        targets=targets,
        snapshot=Snapshot(
            [_view(target, position) for position, target in enumerate(targets.values())],
            routing=settings.routing,
            aliases=settings.aliases,
            tiers=settings.tiers,
        ),
        guard=Guard(
            host=host,
            allowed_hosts=settings.server.allowed_hosts,
            allowed_origins=settings.server.allowed_origins,
            keys=[key.secret.reveal() for key in keys],
            locked=bool(settings.server.keys),
            token=token,
        ),
        secrets=known_secrets(settings.server, settings.providers.values(), KIND_FACTS, sources),
        notes=(*sources.notes, *missing),
    )


def _target(provider: ProviderSettings, sources: KeySources) -> Target:
    return make_target(
        provider,
        credentials=resolve(provider, KIND_FACTS, sources),
        missing=missing_reason(provider, KIND_FACTS, sources) or "",
        extra_headers={name: secret.reveal() for name, secret in resolve_headers(provider, sources).items()},
    )


def _view(target: Target, position: int) -> ProviderView:
    settings, provider = target.settings, target.provider

    def facts(model: str) -> ModelFacts:
        traits = provider.traits(model)
        return ModelFacts(
            max_output=traits.max_output,
            tools=traits.tools,
            images=traits.images,
            documents=traits.documents,
            thinking=traits.thinking != "none",
            json_schema=traits.json_schema,
        )

    return ProviderView(
        name=settings.name,
        label=provider.label,
        mode=settings.mode,
        previous_mode=settings.previous_mode,
        inactive=target.missing,
        weight=settings.weight,
        priority=settings.priority,
        models=settings.models,
        substitute=settings.substitute,
        serves_family=provider.serves_family,
        facts=facts,
        dialects=tuple(provider.endpoints),
        credentials=tuple(credential.label for credential in target.credentials),
        tier_models=provider.tier_models,
        position=position,
    )
