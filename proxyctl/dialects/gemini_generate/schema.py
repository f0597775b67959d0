"""Gemini's `Schema` objects as plain JSON Schema.

Types are upper case there (and clients write them so in JSON Schema fields too), null is a flag, whole numbers may be
text. Below `properties` keys are the caller's own. Source: wire notes 2026-11, "Google Gemini" and "structured output".
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_SPELLINGS = {
    "any_of": "anyOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
    "defs": "$defs",
    "ref": "$ref",
}
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_DATA = frozenset({"enum", "const", "default", "examples", "required"})


def json_schema(schema: Schema) -> Schema:
    """Return the schema in JSON Schema's words; what is in them already stays as it is."""
    written: Schema = {}
    nullable = False
    for key, value in schema.items():
        name = _SPELLINGS.get(key, key)
        if name == "nullable":
            nullable = value is True
        elif name == "example":
            written["examples"] = [value]
        elif name != "propertyOrdering":
            written[name] = _value(name, value)
    return _with_null(written) if nullable else written


def _value(name: str, value: Any) -> Any:
    if name == "type":
        return [_type(entry) for entry in value] if isinstance(value, list) else _type(value)
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)
    if name in _DATA:
        return value
    if isinstance(value, dict):
        return {key: _inner(inner) for key, inner in value.items()} if name in _MAPS else json_schema(value)
    return [_inner(inner) for inner in value] if isinstance(value, list) else value


def _inner(value: Any) -> Any:
    return json_schema(value) if isinstance(value, dict) else value


def _type(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and value in _TYPES else value


def _with_null(schema: Schema) -> Schema:
    kind = schema.get("type")
    if isinstance(kind, str):
        enum = {"enum": [*schema["enum"], None]} if isinstance(schema.get("enum"), list) else {}
        return {**schema, "type": [kind, "null"], **enum}
    if isinstance(schema.get("anyOf"), list):
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return schema
