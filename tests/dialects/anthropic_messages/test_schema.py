"""Schemas in the subset that structured output takes (wire notes 2026-11, "Anthropic")."""

from typing import Any

import pytest

from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages.schema import closed_schema


def close(schema: dict[str, Any]) -> tuple[dict[str, Any], int]:
    losses = Losses()
    return closed_schema(schema, losses, "p"), len(losses)


def test_every_object_is_closed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}}}

    closed, losses = close(schema)

    assert closed["additionalProperties"] is False
    assert closed["properties"]["a"]["items"]["additionalProperties"] is False
    assert losses == 0


def test_an_open_object_is_closed_and_told() -> None:
    closed, losses = close({"type": "object", "additionalProperties": {"type": "string"}})

    assert closed == {"type": "object", "additionalProperties": False, "properties": {}}
    assert losses == 1


def test_one_of_becomes_any_of() -> None:
    closed, losses = close({"oneOf": [{"type": "string"}, {"type": "null"}], "anyOf": [{"type": "integer"}]})

    assert closed == {"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]}
    assert losses == 0


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "format": "phone"}, {"type": "string", "description": '(format: "phone")'}),
        ({"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}),
        ({"type": "array", "minItems": 2}, {"type": "array", "description": "(minItems: 2)"}),
        (
            {"type": "integer", "description": "n", "minimum": 1, "maximum": 3},
            {"type": "integer", "description": "n (minimum: 1, maximum: 3)"},
        ),
        ({"$schema": "x", "$comment": "c", "const": 1}, {"const": 1}),
    ],
)
def test_what_cannot_be_stated_moves_into_the_description(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert close(schema)[0] == expected


def test_a_property_called_like_a_keyword_is_a_property() -> None:
    closed, losses = close(
        {"type": "object", "properties": {"minimum": {"type": "string"}, "oneOf": {"type": "string"}}}
    )

    assert set(closed["properties"]) == {"minimum", "oneOf"}
    assert losses == 0


def test_definitions_are_closed_too() -> None:
    closed, _ = close({"$defs": {"A": {"type": "object", "properties": {}}}, "$ref": "#/$defs/A"})

    assert closed["$defs"]["A"]["additionalProperties"] is False
    assert closed["$ref"] == "#/$defs/A"
