"""Numbers, times and foreign text as people read them. Unknown is said, never shown as 0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal

UNKNOWN = "unknown"
NONE = "-"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WIDE = 150


@dataclass(frozen=True, slots=True)
class Look:
    """How a value is looked at: the time in Unix seconds, the width in columns, the zone (`None`: this machine's).

    `unbroken` in a pipe, where the width says how much is shown, and no line is broken.
    """

    now: float
    width: int = 80
    zone: tzinfo | None = None
    unbroken: bool = False

    @property
    def wide(self) -> bool:
        """Whether there is room for the columns that only some people need."""
        return self.width >= _WIDE


def clean(text: str) -> str:
    """Foreign text without what a terminal would obey: a model or provider is not trusted to move the cursor."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    return clean(" ".join(text.split()))


def money(amount: Decimal | None) -> str:
    """USD with as many digits as say something: `$12.30`, `$0.0123`, `$0.000045`."""
    if amount is None:
        return UNKNOWN
    if not amount:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount >= Decimal("0.01"):
        return f"${_at_least_two(f'{amount:.4f}')}"
    if amount < Decimal("0.0000001"):
        return "<$0.0000001"
    digits = -amount.adjusted() + 1
    return f"${amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP):f}"


def _at_least_two(decimals: str) -> str:
    """Zeros at the end say nothing, but for cents."""
    whole, _, rest = decimals.rstrip("0").partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def sum_of_money(amount: Decimal, unpriced: int) -> str:
    """A sum that may leave answers out: `$0.12 + 3 unknown`."""
    if not unpriced:
        return money(amount)
    return f"{money(amount)} + {unpriced} unknown" if amount else UNKNOWN


def sum_in_column(amount: Decimal, unpriced: int) -> str:
    """The same where there is no room; who uses it says below what the question mark means."""
    return f"{money(amount)} + ?" if unpriced and amount else sum_of_money(amount, unpriced)


def price(amount: Decimal | None) -> str:
    """USD per million tokens; trailing zeros say nothing."""
    if amount is None:
        return UNKNOWN
    return f"${_at_least_two(f'{amount:.4f}').removesuffix('.00')}"


def count(number: int) -> str:
    """`999`, `1.2k`, `12.3k`, `1.23M`: short enough for a column, exact enough to compare."""
    if number < 1000:
        return str(number)
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        short = number / size
        if short < 999.5:
            return f"{short:.0f}{unit}" if short >= 99.95 else f"{short:.1f}{unit}"
    return f"{number / 1e12:.1f}T"


def duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return NONE
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_995:
        return f"{milliseconds / 1000:.2f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def span(seconds: float) -> str:
    """A length of time in its largest fitting unit and the next: `12 s`, `3 min`, `2 h 5 min`, `4 d 1 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    for size, unit, small, small_unit in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole // 60} min"


def age(then: float | None, look: Look) -> str:
    if then is None:
        return "never"
    passed = look.now - then
    return "just now" if passed < 1 else f"{span(passed)} ago"


def moment(then: float, look: Look) -> str:
    """The time of day, with the date when it was not today."""
    at = datetime.fromtimestamp(then, look.zone)
    today = datetime.fromtimestamp(look.now, look.zone).date()
    return at.strftime("%H:%M:%S" if at.date() == today else "%Y-%m-%d %H:%M:%S")


def share(part: int, whole: int) -> str:
    if not whole:
        return NONE
    percent = 100 * part / whole
    # 999 of 1,000 is not all of them.
    return f"{percent:.0f}%" if part in {0, whole} else f"{min(max(percent, 0.1), 99.9):.1f}%"


def several(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
