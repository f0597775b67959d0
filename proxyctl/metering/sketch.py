"""Quantiles of durations in bounded memory: a histogram with logarithmic buckets.

Every bucket spans a fixed ratio, so a quantile is wrong by at most `RELATIVE_ERROR` of itself, whatever the
distribution, and two sketches add up exactly. Memory is at most about 1,300 small integers; an `add` allocates nothing
that stays. After Masson, Rim and Lee, "DDSketch", VLDB 2019.
"""

from __future__ import annotations

import math

RELATIVE_ERROR = 0.01
SMALLEST_MS = 0.001
LARGEST_MS = 1e8

_RATIO = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_SCALE = 1 / math.log(_RATIO)
_MIDDLE = 2 / (_RATIO + 1)


class Sketch:
    """Counts of values in milliseconds. Values below `SMALLEST_MS` count as 0, above `LARGEST_MS` as that."""

    __slots__ = ("_buckets", "_zeros", "count")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._zeros = 0
        self.count = 0

    def add(self, value: float) -> None:
        self.count += 1
        if value < SMALLEST_MS:
            self._zeros += 1
            return
        index = math.ceil(math.log(min(value, LARGEST_MS)) * _SCALE)
        self._buckets[index] = self._buckets.get(index, 0) + 1

    def merge(self, other: Sketch) -> None:
        self.count += other.count
        self._zeros += other._zeros
        for index, count in other._buckets.items():
            self._buckets[index] = self._buckets.get(index, 0) + count

    def quantiles(self, *wanted: float) -> tuple[float | None, ...]:
        """Return the values at these ranks (0 to 1, ascending), each `None` while nothing was added."""
        if not self.count:
            return (None,) * len(wanted)
        found: list[float | None] = []
        ordered = iter(sorted(self._buckets.items()))
        reached, value = self._zeros, 0.0
        for part in wanted:
            rank = max(1, math.ceil(part * self.count))
            while reached < rank:
                index, count = next(ordered)
                reached += count
                value = _MIDDLE * _RATIO**index
            found.append(value)
        return tuple(found)
