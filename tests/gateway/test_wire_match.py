"""The little language of the wire cases says no where it should: a pattern that fits everything proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.wire_match import Bound, differences, filled

FITS: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "c": 3}]}),
    ({"a": {"$absent": True}}, {"b": 1}),
    ({"$exactly": {"a": 1}}, {"a": 1}),
    ({"$all": [{"a": 1}, {"b": 2}]}, {"a": 1, "b": 2}),
    ({"$not": {"a": 1}}, {"a": 2}),
    ({"$text": "^b.d$"}, "bad"),
    ({"$json": {"a": 1}}, '{"a":1,"b":2}'),
    ({"$between": [1, 2]}, 2),
    ({"$items": [1, 3]}, [1, 2, 3]),
    ({"$no_item": {"a": 1}}, [{"a": 2}]),
    (["$=x", "$=x"], [7, 7]),
    (["$=x", {"$not": "$=x"}], [7, 8]),
]
FAILS: list[tuple[Any, Any]] = [
    (1, 2),
    (1, True),
    (0, False),
    (None, 0),
    ({"a": 1}, {}),
    ({"a": 1}, [1]),
    ([1], [1, 2]),
    ([1, 2], [2, 1]),
    ({"a": {"$absent": True}}, {"a": None}),
    ({"$exactly": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$all": [{"a": 1}, {"b": 2}]}, {"a": 1}),
    ({"$not": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$text": "x"}, "bad"),
    ({"$text": "."}, 5),
    ({"$json": {"a": 1}}, '{"a":2}'),
    ({"$between": [1, 2]}, 3),
    ({"$items": [3, 1]}, [1, 2, 3]),
    ({"$items": [1, 1]}, [1, 2]),
    ({"$no_item": {"a": 1}}, [{"a": 2}, {"a": 1, "b": 2}]),
    (["$=x", "$=x"], [7, 8]),
    (["$=x", {"$not": "$=x"}], [7, 7]),
]


@pytest.mark.parametrize(("pattern", "value"), FITS)
def test_what_fits(pattern: Any, value: Any) -> None:
    assert differences(pattern, value, {}) == []


@pytest.mark.parametrize(("pattern", "value"), FAILS)
def test_what_does_not_fit(pattern: Any, value: Any) -> None:
    assert differences(pattern, value, {}) != []


def test_a_condition_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="does not exist"):
        differences({"$equals": 1}, 1, {})


def test_a_name_that_was_met_stands_in_later_requests() -> None:
    bound: Bound = {}
    assert differences({"id": "$=call"}, {"id": "c7"}, bound) == []

    assert filled({"ids": ["$=call", "other"]}, bound) == {"ids": ["c7", "other"]}


def test_a_name_is_not_kept_from_an_item_that_did_not_fit() -> None:
    bound: Bound = {}

    assert (
        differences(
            {"$items": [{"kind": "call", "id": "$=id"}]}, [{"id": 1, "kind": "x"}, {"id": 2, "kind": "call"}], bound
        )
        == []
    )
    assert bound == {"$=id": 2}
