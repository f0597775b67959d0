"""Google's `Schema` objects in JSON Schema's words."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.dialects.gemini_generate.schema import json_schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "STRING", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "STRING", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
        (
            {"anyOf": [{"type": "STRING"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        (
            {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2", "maxItems": 4},
            {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
        ),
        (
            {"type": "ARRAY", "any_of": [{"type": "NUMBER"}], "max_items": "3"},
            {"type": "array", "anyOf": [{"type": "number"}], "maxItems": 3},
        ),
        (
            {"type": "OBJECT", "properties": {"b": {"type": "BOOLEAN"}}, "propertyOrdering": ["b"], "required": ["b"]},
            {"type": "object", "properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ),
        ({"type": "STRING", "example": "x"}, {"type": "string", "examples": ["x"]}),
    ],
)
def test_googles_words_become_json_schemas(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json_schema(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"nullable": {"type": "string"}, "example": {"type": "null"}}},
        {"type": ["string", "null"], "enum": ["OBJECT", "STRING"], "default": {"type": "STRING"}},
        {"$defs": {"propertyOrdering": {"type": "integer", "minimum": 1}}, "$ref": "#/$defs/propertyOrdering"},
        {"type": "object", "additionalProperties": False, "oneOf": [{"const": "NULL"}]},
    ],
)
def test_json_schema_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert json_schema(schema) == schema


def test_upper_case_types_stand_for_json_schemas_in_lists_too() -> None:
    """As an agent's router writes them into `responseJsonSchema` (client notes 2026-11)."""
    assert json_schema({"type": ["STRING", "NULL"]}) == {"type": ["string", "null"]}
