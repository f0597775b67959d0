"""Ids of tool calls: distinct in an answer, the same when it is read again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxyctl.dialects.call_ids import CallIds


def test_a_given_id_is_kept() -> None:
    assert CallIds("a").take("toolu_01", "get") == "toolu_01"


def test_a_made_id_depends_on_the_answer_the_place_the_name_and_the_arguments() -> None:
    made = {
        CallIds("a").take(None, "get", "{}"),
        CallIds("b").take(None, "get", "{}"),
        CallIds("a").take(None, "put", "{}"),
        CallIds("a").take(None, "get", "[]"),
    }

    assert len(made) == 4
    assert "get" not in made


@given(st.lists(st.tuples(st.sampled_from([None, "", "x", "y"]), st.sampled_from(["get", "put"])), max_size=8))
def test_ids_of_one_answer_are_distinct_and_repeatable(calls: list[tuple[str | None, str]]) -> None:
    first, again = CallIds("a"), CallIds("a")

    ids = [first.take(given_id, name) for given_id, name in calls]

    assert len(set(ids)) == len(ids)
    assert ids == [again.take(given_id, name) for given_id, name in calls]
