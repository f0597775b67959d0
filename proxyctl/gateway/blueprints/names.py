"""Provider names in paths and parameters: known, or a 404 that says which is near."""

from __future__ import annotations

from difflib import get_close_matches

from proxyctl.core.errors import NotFoundError
from proxyctl.gateway.blueprints.state_protocol import AdminState


def configured(state: AdminState, name: str) -> str:
    """The name of a configured provider. Raises `NotFoundError`."""
    return _known(name, list(state.providers))


def seen(state: AdminState, name: str) -> str:
    """The name of a provider that is configured, or was while it was counted. Raises `NotFoundError`."""
    return _known(name, list(dict.fromkeys([*state.providers, *state.metrics.names()])))


def _known(name: str, names: list[str]) -> str:
    if name in names:
        return name
    near = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    shown = ", ".join(near or names)
    hint = f"did you mean {shown}?" if near else f"the providers are: {shown}" if names else "no provider is configured"
    raise NotFoundError(f"there is no provider {name!r}", hint=hint, code="unknown_provider")
