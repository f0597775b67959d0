"""The page is written and read without a loss, so it can be its own source; and a cell that fails is told as failed."""

from __future__ import annotations

import itertools

import pytest

from .cells import CELLS, Outcome
from .features import raised
from .page import read, render

OUTCOMES = (
    Outcome("yes"),
    Outcome("yes", "`tools[0].strict` (it has no strict tools); `user` (it does not take it)"),
    Outcome("refused", "images: this model reads none (try another)"),
    Outcome("yes", "thinking is not shown"),
)


def test_what_is_written_is_read() -> None:
    outcomes = dict(zip(CELLS, itertools.cycle(OUTCOMES[:3] * 3 + OUTCOMES), strict=False))

    assert read(render(outcomes)) == outcomes


def test_equal_notes_of_a_table_have_one_number() -> None:
    page = render(dict.fromkeys(CELLS, OUTCOMES[1]))

    assert page.count(OUTCOMES[1].note) == len({cell.dialect for cell in CELLS})
    assert "yes (2)" not in page


@pytest.mark.parametrize(
    ("right", "wrong"), [("| yes ", "| no  "), ("| `groq` ", "| `gorq` "), ("| yes   | yes    |", "| yes   |")]
)
def test_a_page_that_was_written_by_hand_is_refused(right: str, wrong: str) -> None:
    page = render(dict.fromkeys(CELLS, OUTCOMES[0]))
    assert right in page

    with pytest.raises((AssertionError, ValueError)):
        read(page.replace(right, wrong, 1))


def test_only_the_right_exception_is_a_success() -> None:
    assert isinstance(raised(ZeroDivisionError, lambda: 1 / 0), ZeroDivisionError)
    with pytest.raises(AssertionError, match="no KeyError"):
        raised(KeyError, lambda: None)
    with pytest.raises(ZeroDivisionError):
        raised(KeyError, lambda: 1 / 0)
