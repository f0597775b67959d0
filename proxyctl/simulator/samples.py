"""Build a JSON value that satisfies a simple JSON Schema, the same one every time.

Used for tool arguments and for structured answers. It follows `$ref`, `anyOf`, `enum`, `const`, required properties,
array and number bounds and common string formats; it does not solve patterns or contradictions.
"""

import re
from collections.abc import Mapping
from typing import Any

_FORMATS = {
    "date-time": "2026-11-24T10:00:00Z",
    "date": "2026-11-24",
    "time": "10:00:00Z",
    "duration": "PT5M",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_DEEPEST = 12
_LARGEST = 1000
Schema = Mapping[str, Any]


def topic(text: str) -> str:
    """A word that the text is about: the last capitalised word that does not open it, or nothing."""
    words = re.findall(r"[^\W\d_]+", text)
    named = [word for word in words[1:] if word[0].isupper() and len(word) > 1]
    return named[-1] if named else ""


def sample(schema: Schema, text: str = "") -> Any:
    """A value for `schema`; strings are taken from what `text` is about."""
    return _sample(schema, schema, topic(text), "value", 0)


def _sample(root: Schema, schema: object, word: str, name: str, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    schema = _resolve(root, schema)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    for branch in ("anyOf", "oneOf"):
        if isinstance(schema.get(branch), list) and schema[branch]:
            return _sample(root, schema[branch][0], word, name, depth + 1)
    if isinstance(schema.get("allOf"), list):
        return _sample(root, _merged(root, schema), word, name, depth + 1)
    return _typed(root, schema, word, name, depth)


def _merged(root: Schema, schema: Schema) -> Schema:
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        merged.update(_resolve(root, part) if isinstance(part, Mapping) else {})
    return merged


def _typed(root: Schema, schema: Schema, word: str, name: str, depth: int) -> Any:
    match _type_of(schema):
        case "object":
            return _object(root, schema, word, depth)
        case "array":
            few = max(_bound(schema, "minItems"), 1 if "items" in schema else 0)
            return [_sample(root, schema.get("items", {}), word, name, depth + 1) for _ in range(few)]
        case "integer":
            return int(_number(schema))
        case "number":
            return float(_number(schema))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, word or name)


def _object(root: Schema, schema: Schema, word: str, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    required = schema.get("required")
    known = properties if isinstance(properties, Mapping) else {}
    wanted = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: _sample(root, known.get(name, {}), word, name, depth + 1) for name in wanted}


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((entry for entry in kind if entry != "null"), "null")
    if isinstance(kind, str):
        return kind.lower()
    return "object" if "properties" in schema else "string"


def _number(schema: Schema) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(low, int | float):
        return low + (1 if "exclusiveMinimum" in schema else 0)
    if isinstance(high, int | float):
        return min(1, high - (1 if "exclusiveMaximum" in schema else 0))
    step = schema.get("multipleOf")
    return step if isinstance(step, int | float) else 1


def _string(schema: Schema, word: str) -> str:
    fixed = _FORMATS.get(str(schema.get("format", "")))
    text = fixed if fixed is not None else word
    text = text.ljust(_bound(schema, "minLength"), "x")
    longest = schema.get("maxLength")
    return text[:longest] if isinstance(longest, int) else text


def _bound(schema: Schema, name: str) -> int:
    """A lower bound of the schema, kept within reason."""
    value = schema.get(name)
    return min(value, _LARGEST) if isinstance(value, int) else 0


def _resolve(root: Schema, schema: Schema) -> Schema:
    """Follow local references, a few steps at most."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        node: Any = root
        for step in reference.lstrip("#/").split("/"):
            node = node.get(step, {}) if isinstance(node, Mapping) and step else node
        schema = node if isinstance(node, Mapping) else {}
    return {}
