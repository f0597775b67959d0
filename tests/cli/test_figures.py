"""Numbers as people read them: no digit that lies, no unknown that looks like nothing."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

import pytest

from proxyctl.cli.views.figures import (
    Look,
    age,
    clean,
    count,
    duration,
    moment,
    money,
    one_line,
    price,
    several,
    share,
    span,
    sum_of_money,
)

from .samples import NOW

LOOK = Look(NOW, zone=UTC)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        (Decimal(0), "$0"),
        (Decimal("1234567.891"), "$1,234,567.89"),
        (Decimal(1), "$1.00"),
        (Decimal("0.5"), "$0.50"),
        (Decimal("0.01234"), "$0.0123"),
        (Decimal("0.009"), "$0.0090"),
        (Decimal("0.00123"), "$0.0012"),
        (Decimal("0.0000456"), "$0.000046"),
        (Decimal("0.0000001"), "$0.00000010"),
        (Decimal("0.00000001"), "<$0.0000001"),
    ],
)
def test_money(amount: Decimal | None, shown: str) -> None:
    assert money(amount) == shown


@pytest.mark.parametrize(
    ("amount", "unpriced", "shown"),
    [
        (Decimal(0), 0, "$0"),
        (Decimal(0), 3, "unknown"),
        (Decimal("0.5"), 0, "$0.50"),
        (Decimal("0.5"), 3, "$0.50 + 3 unknown"),
    ],
)
def test_a_sum_says_what_it_leaves_out(amount: Decimal, unpriced: int, shown: str) -> None:
    assert sum_of_money(amount, unpriced) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        (Decimal(0), "$0"),
        (Decimal("10.00"), "$10"),
        (Decimal("2.5"), "$2.50"),
        (Decimal("0.075"), "$0.075"),
        (Decimal("0.0375"), "$0.0375"),
    ],
)
def test_prices(amount: Decimal | None, shown: str) -> None:
    assert price(amount) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (1_049, "1.0k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_234_567, "1.2M"),
        (999_499_999, "999M"),
        (999_500_000, "1.0G"),
        (5_000_000_000_000, "5.0T"),
    ],
)
def test_counts(number: int, shown: str) -> None:
    assert count(number) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (None, "-"),
        (0.04, "0.0 ms"),
        (9.94, "9.9 ms"),
        (10.4, "10 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (59_990.0, "59.99 s"),
        (59_996.0, "1 min 0 s"),
        (3_661_000.0, "61 min 1 s"),
    ],
)
def test_durations(milliseconds: float | None, shown: str) -> None:
    assert duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_spans(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


@pytest.mark.parametrize(
    ("then", "shown"), [(None, "never"), (NOW, "just now"), (NOW + 5, "just now"), (NOW - 61, "1 min ago")]
)
def test_ages(then: float | None, shown: str) -> None:
    assert age(then, LOOK) == shown


@pytest.mark.parametrize(
    ("then", "shown"), [(NOW - 60, "05:59:00"), (NOW - 86_400, "2026-11-23 06:00:00"), (NOW + 1, "06:00:01")]
)
def test_moments(then: float, shown: str) -> None:
    assert moment(then, LOOK) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 0, "-"), (0, 3, "0%"), (3, 3, "100%"), (1, 3, "33.3%"), (99_999, 100_000, "99.9%"), (1, 100_000, "0.1%")],
)
def test_shares_never_round_to_all_or_nothing(part: int, whole: int, shown: str) -> None:
    assert share(part, whole) == shown


def test_several() -> None:
    assert [several(number, "request") for number in (0, 1, 1_000)] == ["0 requests", "1 request", "1,000 requests"]


def test_a_terminal_obeys_no_foreign_text() -> None:
    """Escape sequences, carriage returns and direction marks could forge what the user reads."""
    assert clean("a\x1b[2Jb\rc\x07d\x9be\u202ef\tg\nh") == "a�[2Jb�c�d�e�f\tg\nh"


def test_one_line_is_one_line() -> None:
    assert one_line(" a\n\n b\x1b[0m\t c ") == "a b�[0m c"
