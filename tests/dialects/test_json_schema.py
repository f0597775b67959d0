"""Schemas on their way to a provider."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import JsonFormat
from proxyctl.dialects.json_schema import (
    asked_in_words,
    objects_require_something,
    takes_nothing,
    tool_schema,
    without_annotations,
)


def test_annotations_go_at_every_depth_and_names_stay() -> None:
    schema = {
        "$schema": "s",
        "$id": "i",
        "properties": {"$id": {"$comment": "c", "type": "string"}, "flag": True},
        "$defs": {"$schema": {"$id": "x", "type": "integer"}},
        "anyOf": [{"$comment": "c", "type": "null"}, True],
        "items": {"$comment": "c"},
    }

    assert without_annotations(schema) == {
        "properties": {"$id": {"type": "string"}, "flag": True},
        "$defs": {"$schema": {"type": "integer"}},
        "anyOf": [{"type": "null"}, True],
        "items": {},
    }


def test_data_inside_a_schema_is_not_a_schema() -> None:
    schema = {"const": {"$id": 1}, "enum": [{"$schema": 2}], "default": {"$comment": 3}, "examples": [{"$id": 4}]}

    assert without_annotations(schema) == schema


@pytest.mark.parametrize(
    ("schema", "nothing"),
    [
        ({}, True),
        ({"type": "object", "properties": {}, "required": [], "title": "T", "additionalProperties": False}, True),
        ({"type": "object", "additionalProperties": True}, False),
        ({"type": "object", "additionalProperties": {}}, False),
        ({"type": "object", "properties": {"a": {}}}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}, False),
    ],
)
def test_whether_there_is_anything_to_give(schema: dict[str, Any], *, nothing: bool) -> None:
    assert takes_nothing(schema) is nothing
    assert (tool_schema(schema) is None) is nothing


@pytest.mark.parametrize("root", [{}, {"type": "array"}, {"type": ["object", "null"]}])
def test_arguments_are_an_object_at_the_root(root: dict[str, Any]) -> None:
    assert tool_schema({**root, "properties": {"a": {}}}) == {"properties": {"a": {}}, "type": "object"}


def test_no_schema_is_no_schema() -> None:
    assert tool_schema(None) is None


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}, True),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, False),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "object"}}}, False),
        ({"type": "array", "items": {"type": "object", "required": []}}, False),
        ({"anyOf": [{"type": "object", "required": ["a"]}, {"type": "null"}]}, True),
        ({"properties": {"a": {"type": "string"}}}, False),
        ({"required": ["type"], "properties": {"type": {"const": "object"}, "properties": {"type": "string"}}}, True),
        ({"type": "object", "required": ["a"], "default": {"type": "object"}}, True),
    ],
)
def test_whether_every_object_requires_something(schema: dict[str, Any], *, required: bool) -> None:
    assert objects_require_something(schema) is required


def test_asking_in_words_holds_the_schema() -> None:
    assert '{"type":"object"}' in asked_in_words(JsonFormat(schema={"$id": "x", "type": "object"}))
    assert "Schema" not in asked_in_words(JsonFormat())
