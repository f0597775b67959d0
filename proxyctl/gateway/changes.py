"""What a reload changed, in words that a person reads after `proxyctl reload`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from proxyctl.config.model import AliasSettings, ProviderSettings
from proxyctl.gateway.live import Live

_NEEDS_RESTART = ("host", "port", "log_level")


def changes_between(before: Live, after: Live) -> tuple[str, ...]:
    """Each difference as one line; empty when the file says what is already in force."""
    changed: list[str] = []
    for name in {**before.targets, **after.targets}:
        old, new = before.targets.get(name), after.targets.get(name)
        if old is None:
            changed.append(f"{name}: added")
        elif new is None:
            changed.append(f"{name}: removed")
        else:
            changed += [f"{name}: {what}" for what in _provider_changes(old.settings, new.settings)]
            if [one.label for one in old.credentials] != [one.label for one in new.credentials]:
                changed.append(f"{name}: credentials")
    changed += _alias_changes(before.settings.aliases, after.settings.aliases)
    for section in ("routing", "tiers", "store"):
        if getattr(before.settings, section) != getattr(after.settings, section):
            changed.append(section)
    for key in (field.name for field in fields(after.settings.server)):
        if getattr(before.settings.server, key) != getattr(after.settings.server, key):
            later = " (from the next start on)" if key in _NEEDS_RESTART else ""
            changed.append(f"server.{key}{later}")
    return tuple(changed)


def _alias_changes(old: Mapping[str, AliasSettings], new: Mapping[str, AliasSettings]) -> list[str]:
    changed = []
    for name in {**old, **new}:
        if name not in old:
            changed.append(f"alias {name}: added")
        elif name not in new:
            changed.append(f"alias {name}: removed")
        else:
            different = (field.name for field in fields(AliasSettings))
            changed += [
                f"alias {name}: {one}" for one in different if getattr(old[name], one) != getattr(new[name], one)
            ]
    if not changed and list(old) != list(new):
        changed.append("aliases: their order")
    return changed


def _provider_changes(old: ProviderSettings, new: ProviderSettings) -> list[str]:
    names = (field.name for field in fields(new) if field.name not in ("name", "previous_mode"))
    different = [name for name in names if getattr(old, name) != getattr(new, name)]
    return [f"mode {old.mode} → {new.mode}" if name == "mode" else name for name in different]
