"""The smooth weighted draw: who goes first among equals, so that shares follow weights without bursts.

nginx's smooth weighted round robin, one memory for each set of candidates, so that a provider that is out for a while
does not owe or gain turns. Weights shrink with recent failures and recover by themselves. No randomness: the same
history gives the same draw.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Mapping

FAILURE_HALF_LIFE = 30.0
"""Seconds in which a failure's weight halves."""

_MAX_SETS = 512


class Draw:
    """Holds the turns of each candidate set and the recent failures of each candidate."""

    def __init__(self) -> None:
        self._turns: OrderedDict[tuple[Hashable, ...], dict[Hashable, float]] = OrderedDict()
        self._failures: dict[Hashable, tuple[float, float]] = {}

    def order(self, weights: Mapping[Hashable, float], now: float, *, take: bool) -> list[Hashable]:
        """The candidates, the one whose turn it is first, then by how near their turns are.

        `take` uses the turn up; without it the draw is only looked at. Ties fall to the mapping's order.
        """
        if len(weights) < 2:
            return list(weights)
        key = tuple(weights)
        turns = self._turns.get(key) or dict.fromkeys(weights, 0.0)
        shares = weights
        if self._failures:
            shares = {one: weight * self.health(one, now) for one, weight in weights.items()}
        after = {one: turns[one] + share for one, share in shares.items()}
        ordered = sorted(after, key=after.__getitem__, reverse=True)
        if take:
            after[ordered[0]] -= sum(shares.values())
            self._turns[key] = after
            self._turns.move_to_end(key)
            if len(self._turns) > _MAX_SETS:
                self._turns.popitem(last=False)
        return ordered

    def health(self, one: Hashable, now: float) -> float:
        """The factor, above 0 and at most 1, by which recent failures shrink a weight."""
        failure = self._failures.get(one)
        return 1.0 if failure is None else 1.0 / (1.0 + _decayed(failure, now))

    def failed(self, one: Hashable, now: float) -> None:
        score = _decayed(self._failures.get(one, (0.0, now)), now)
        self._failures[one] = (score + 1.0, now)

    def forget(self, one: Hashable) -> None:
        """Believe a candidate fully again."""
        self._failures.pop(one, None)


def _decayed(failure: tuple[float, float], now: float) -> float:
    score, at = failure
    return score * math.pow(0.5, max(0.0, now - at) / FAILURE_HALF_LIFE)
