"""JSON Schemas in the subset that structured output takes here.

Objects are closed, `oneOf` becomes `anyOf`, and a constraint that cannot be stated moves into the description, where
the model still reads it. Source: wire notes 2026-11, "Anthropic", structured output.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxyctl.core.losses import Losses

_KEPT = frozenset({"type", "enum", "const", "title", "description", "required", "$ref", "default"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_DROPPED = frozenset({"$schema", "$id", "$comment", "examples", "strict"})


def closed_schema(schema: dict[str, Any], losses: Losses, path: str) -> dict[str, Any]:
    """Return the schema in the subset; what moved into a description, or was closed, is a loss at `path`."""
    closed: dict[str, Any] = {}
    told: list[str] = []
    for key, value in schema.items():
        _carry(key, value, closed, told, losses, path)
    if _is_object(closed):
        if schema.get("additionalProperties") not in (None, False):
            losses.add(path, "open objects cannot be expressed: closed")
        closed["additionalProperties"] = False
        closed.setdefault("properties", {})
    if told:
        losses.add(path, "constraints that cannot be expressed moved into descriptions")
        closed["description"] = " ".join(filter(None, (closed.get("description"), f"({', '.join(told)})")))
    return closed


def _carry(key: str, value: Any, closed: dict[str, Any], told: list[str], losses: Losses, path: str) -> None:
    if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
        closed[key] = {name: _inner(inner, losses, path) for name, inner in value.items()}
    elif key in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        name = "allOf" if key == "allOf" else "anyOf"
        closed[name] = closed.get(name, []) + [_inner(inner, losses, path) for inner in value]
    elif key == "items":
        closed[key] = _inner(value, losses, path)
    elif key in _KEPT or (key == "format" and value in _FORMATS) or (key == "minItems" and value in (0, 1)):
        closed[key] = value
    elif key not in _DROPPED and key != "additionalProperties":
        told.append(f"{key}: {msgspec.json.encode(value).decode()}")


def _inner(schema: Any, losses: Losses, path: str) -> Any:
    return closed_schema(schema, losses, path) if isinstance(schema, dict) else schema


def _is_object(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema
