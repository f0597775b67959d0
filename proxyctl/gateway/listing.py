"""`GET /v1/models` and `/v1beta/models` in the caller's dialect: every model that a request could name, each once.

The ids are the same in every dialect. A model stands under its own name, by the first provider that takes part and has
it; aliases stand beside them. Providers that are off or have no key are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import NotFoundError
from proxyctl.dialects.base import encode_json
from proxyctl.gateway.state import GatewayState

_MODELS = "models/"
"""Before each name in Gemini's lists, whose model it may be."""


class Listed(Struct, frozen=True, kw_only=True):
    """One entry. `created` is in Unix seconds, 0 where the provider does not say."""

    id: str
    owner: str
    name: str
    created: int = 0
    context: int | None = None
    max_output: int | None = None
    lifecycle: str = "active"


def list_models(state: GatewayState, dialect: DialectName, wanted: str) -> bytes:
    """The list, or the one model `wanted` (which may hold slashes and colons). Raises `NotFoundError` for it."""
    entries = _entries(state)
    if not wanted:
        return encode_json(_LISTS[dialect](list(entries.values())))
    entry = entries.get(wanted) or _prefixed(state, wanted)
    if entry is None and wanted.startswith(_MODELS):
        entry = entries.get(wanted.removeprefix(_MODELS)) or _prefixed(state, wanted.removeprefix(_MODELS))
    if entry is None:
        near = state.catalogue.nearest(wanted, 3, providers=list(state.live.targets), names=entries)
        hint = f"did you mean {', '.join(near)}?" if near else "see GET /v1/models"
        raise NotFoundError(f"no provider here has the model {wanted!r}", hint=hint, code="model_not_found")
    return encode_json(_ENTRIES[dialect](entry))


def _entries(state: GatewayState) -> dict[str, Listed]:
    live = state.live
    entries = {alias: Listed(id=alias, owner="alias", name=alias) for alias in live.snapshot.alias_names()}
    for name, target in live.targets.items():
        if target.settings.mode == "off" or target.missing:
            continue
        for upstream in target.settings.models:
            entries.setdefault(upstream, Listed(id=upstream, owner=name, name=upstream))
        for model in _known(state, name):
            entries.setdefault(model.id, model)
    return entries


def _prefixed(state: GatewayState, wanted: str) -> Listed | None:
    name, colon, model = wanted.partition(":")
    if not colon or name not in state.live.targets:
        return None
    found = next((entry for entry in _known(state, name) if entry.id == model), None)
    return Listed(id=wanted, owner=name, name=found.name, created=found.created) if found else None


def _known(state: GatewayState, name: str) -> list[Listed]:
    return [
        Listed(
            id=model.id,
            owner=name,
            name=model.display_name or model.id,
            created=model.created or 0,
            context=model.context,
            max_output=model.max_output,
            lifecycle=model.lifecycle,
        )
        for model in state.discovery.found.get(name, ())
        if model.chat
    ]


def _openai_entry(entry: Listed) -> dict[str, Any]:
    return {"id": entry.id, "object": "model", "created": entry.created, "owned_by": entry.owner}


def _openai_list(entries: list[Listed]) -> dict[str, Any]:
    return {"object": "list", "data": [_openai_entry(entry) for entry in entries]}


def _anthropic_entry(entry: Listed) -> dict[str, Any]:
    limits = {"max_input_tokens": entry.context, "max_tokens": entry.max_output}
    return {
        "type": "model",
        "id": entry.id,
        "display_name": entry.name,
        "lifecycle": entry.lifecycle,
        "created_at": _moment(entry.created).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{key: value for key, value in limits.items() if value is not None},
    }


def _moment(created: int) -> datetime:
    """A moment that a provider states; the epoch where it is none (milliseconds, or nonsense)."""
    try:
        return datetime.fromtimestamp(created, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _anthropic_list(entries: list[Listed]) -> dict[str, Any]:
    return {
        "data": [_anthropic_entry(entry) for entry in entries],
        "has_more": False,
        "first_id": entries[0].id if entries else None,
        "last_id": entries[-1].id if entries else None,
    }


def _gemini_entry(entry: Listed) -> dict[str, Any]:
    limits = {"inputTokenLimit": entry.context, "outputTokenLimit": entry.max_output}
    return {
        "name": _MODELS + entry.id,
        "displayName": entry.name,
        "description": f"served by {entry.owner}" if entry.owner != "alias" else "an alias of this gateway",
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
        **{key: value for key, value in limits.items() if value is not None},
    }


def _gemini_list(entries: list[Listed]) -> dict[str, Any]:
    return {"models": [_gemini_entry(entry) for entry in entries]}


_LISTS: Mapping[DialectName, Callable[[list[Listed]], dict[str, Any]]] = {
    "openai-chat": _openai_list,
    "openai-responses": _openai_list,
    "anthropic-messages": _anthropic_list,
    "gemini-generate": _gemini_list,
}
_ENTRIES: Mapping[DialectName, Callable[[Listed], dict[str, Any]]] = {
    "openai-chat": _openai_entry,
    "openai-responses": _openai_entry,
    "anthropic-messages": _anthropic_entry,
    "gemini-generate": _gemini_entry,
}
