"""What JSON Schema keeps on its way to a provider: everything but annotations that only name the document.

Schemas are walked by keyword, because a property may well be *called* `$id`: below `properties` the keys are names,
and below `enum` or `const` everything is data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from proxyctl.core.chat import JsonFormat

Schema = dict[str, Any]

_ANNOTATIONS = frozenset({"$schema", "$id", "$comment"})
_MAPS_OF_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA = frozenset({"enum", "const", "default", "examples", "example", "required"})


def without_annotations(schema: Schema) -> Schema:
    """Return the schema without `$schema`, `$id` and `$comment` at any depth."""
    return {key: _kept(key, value) for key, value in schema.items() if key not in _ANNOTATIONS}


def _kept(key: str, value: Any) -> Any:
    if key in _DATA:
        return value
    if key in _MAPS_OF_NAMES and isinstance(value, dict):
        return {name: without_annotations(inner) if isinstance(inner, dict) else inner for name, inner in value.items()}
    if isinstance(value, dict):
        return without_annotations(value)
    if isinstance(value, list):
        return [without_annotations(inner) if isinstance(inner, dict) else inner for inner in value]
    return value


def tool_schema(schema: Schema | None) -> Schema | None:
    """Return a function's parameters as an object schema, `None` when the function takes none.

    A root without `type`, or of another type, is called an object: arguments always are one.
    """
    if schema is None:
        return None
    cleaned = without_annotations(schema)
    if takes_nothing(cleaned):
        return None
    return cleaned if cleaned.get("type") == "object" else {**cleaned, "type": "object"}


def takes_nothing(schema: Schema) -> bool:
    """Whether an object of this schema has no member that could be given."""
    says = {key for key, value in schema.items() if value not in (None, [], {}, False)}
    if isinstance(schema.get("additionalProperties"), dict):
        return False
    return says <= {"type", "title", "description", "strict"}


def objects_require_something(schema: Any) -> bool:
    """Whether every object in the schema has at least one required property."""
    if not isinstance(schema, dict):
        return True
    is_object = schema.get("type") == "object" or "properties" in schema
    if is_object and not schema.get("required"):
        return False
    return all(objects_require_something(inner) for inner in _inner(schema))


def _inner(schema: Schema) -> Iterator[Any]:
    """The schemas directly inside one."""
    for key, value in schema.items():
        if key in _DATA:
            continue
        if isinstance(value, dict):
            yield from value.values() if key in _MAPS_OF_NAMES else (value,)
        elif isinstance(value, list):
            yield from value


def asked_in_words(wanted: JsonFormat) -> str:
    """A sentence for the system prompt, where the target has no other way to be asked for JSON."""
    sentence = "Give your final answer as JSON only, without any other text or code fence"
    if wanted.schema is None:
        return f"{sentence}."
    schema = msgspec.json.encode(without_annotations(wanted.schema)).decode()
    return f"{sentence}, valid against this JSON Schema: {schema}"
