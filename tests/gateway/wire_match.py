"""What a fixture expects of a JSON value: a small language, described in tests/wire/README.md.

A pattern is JSON. Of an object, the members it names; of a list, every item; else the same value of the same type. A
text `"$=name"` stands for whatever it met first under that name. An object with one member `$…` is a condition.
"""

from __future__ import annotations

import json
import re
from typing import Any

Bound = dict[str, Any]
NAME = "$="


def differences(pattern: Any, actual: Any, bound: Bound, at: str = "") -> list[str]:
    """Why `actual` is not what `pattern` says, nothing if it is. Names met for the first time are kept in `bound`."""
    if isinstance(pattern, str) and pattern.startswith(NAME):
        return _same(bound.setdefault(pattern, actual), actual, f"{at} ({pattern})")
    if isinstance(pattern, dict):
        if len(pattern) == 1 and (name := next(iter(pattern))).startswith("$"):
            return _condition(name, pattern[name], actual, bound, at)
        return _object(pattern, actual, bound, at)
    if isinstance(pattern, list):
        return _list(pattern, actual, bound, at)
    return _same(pattern, actual, at)


def filled(value: Any, bound: Bound) -> Any:
    """A value with the names in it replaced by what they stand for."""
    if isinstance(value, str) and value.startswith(NAME):
        return bound[value]
    if isinstance(value, dict):
        return {name: filled(member, bound) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item, bound) for item in value]
    return value


def _same(expected: Any, actual: Any, at: str) -> list[str]:
    alike = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
    return [] if alike else [f"{at or 'it'}: expected {_short(expected)}, got {_short(actual)}"]


def _object(pattern: dict[str, Any], actual: Any, bound: Bound, at: str) -> list[str]:
    if not isinstance(actual, dict):
        return [f"{at}: expected an object, got {_short(actual)}"]
    wrong: list[str] = []
    for name, expected in pattern.items():
        if expected == {"$absent": True}:
            wrong += [f"{at}.{name}: should not be there, is {_short(actual[name])}"] if name in actual else []
        elif name not in actual:
            wrong.append(f"{at}.{name}: is missing from {_short(actual)}")
        else:
            wrong += differences(expected, actual[name], bound, f"{at}.{name}")
    return wrong


def _list(pattern: list[Any], actual: Any, bound: Bound, at: str) -> list[str]:
    if not isinstance(actual, list) or len(actual) != len(pattern):
        return [f"{at}: expected a list of {len(pattern)}, got {_short(actual)}"]
    pairs = enumerate(zip(pattern, actual, strict=True))
    return [line for index, (one, value) in pairs for line in differences(one, value, bound, f"{at}[{index}]")]


def _condition(name: str, wanted: Any, actual: Any, bound: Bound, at: str) -> list[str]:
    match name:
        case "$exactly":
            return _same(filled(wanted, bound), actual, at)
        case "$all":
            return [line for one in wanted for line in differences(one, actual, bound, at)]
        case "$not":
            met = not differences(wanted, actual, dict(bound), at)
            return [f"{at}: should not be {_short(wanted)}"] if met else []
        case "$text":
            found = isinstance(actual, str) and re.search(wanted, actual)
            return [] if found else [f"{at}: expected a text like {wanted!r}, got {_short(actual)}"]
        case "$json":
            return differences(wanted, json.loads(actual), bound, f"{at} as JSON")
        case "$between":
            return [] if wanted[0] <= actual <= wanted[1] else [f"{at}: {actual} is not in {wanted}"]
        case "$items":
            return [] if _in_order(wanted, actual, bound) else [f"{at}: no such items in order: {_short(wanted)}"]
        case "$no_item":
            return [f"{at}: should hold no {_short(wanted)}" for value in actual if _is(wanted, value, bound)]
        case _:
            raise AssertionError(f"a fixture's condition that does not exist: {name}")


def _in_order(wanted: list[Any], actual: list[Any], bound: Bound) -> bool:
    """Whether the items are met in this order, with others allowed before, between and behind."""
    rest = iter(actual)
    for one in wanted:
        for value in rest:
            trial = dict(bound)
            if not differences(one, value, trial):
                bound.update(trial)
                break
        else:
            return False
    return True


def _is(pattern: Any, value: Any, bound: Bound) -> bool:
    return not differences(pattern, value, dict(bound))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 1500 else text[:1500] + "…"
