"""Find the names that somebody may have meant.

Two passes: pairs of letters, folded into one integer a name, sort out the few that share most of them; difflib ranks
these. So the cost is one `&` a name, where difflib alone would take tens of milliseconds at 2,000 names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher
from typing import NamedTuple

_BITS = 1021
_SHORTLIST = 24
_NEAR = 0.55
"""Below this likeness (0 to 1) a suggestion would only puzzle."""
_LONGEST = 200
"""Longer names are compared by their beginnings: a caller may send anything."""


class _Entry(NamedTuple):
    provider: str
    name: str
    letters: int
    size: int


class NameIndex:
    """Names of models with their providers, prepared for comparison."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._entries = [_entry(provider, name) for provider, name in names]

    def nearest(
        self, wanted: str, limit: int, *, providers: Collection[str], names: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Up to `limit` names like `wanted`, best first: `provider:model` of these providers, and `names` as they are.

        A prefix that `wanted` has, right or wrong, does not hide the model behind it: both forms are compared.
        """
        wanted = wanted[:_LONGEST].lower()
        forms = dict.fromkeys((wanted, wanted.partition(":")[2] or wanted, wanted.rpartition("/")[2] or wanted))
        wanted_letters = [_letters(form) for form in forms]
        entries = [entry for entry in self._entries if entry.provider in providers]
        entries += [_entry("", name) for name in names]
        shortlist = sorted(
            entries,
            key=lambda entry: -max(_overlap(letters, entry) for letters in wanted_letters),
        )[:_SHORTLIST]
        ranked = [(max(_likeness(form, entry) for form in forms), entry) for entry in shortlist]
        ranked.sort(key=lambda pair: -pair[0])
        near = (f"{one.provider}:{one.name}" if one.provider else one.name for score, one in ranked if score >= _NEAR)
        return tuple(dict.fromkeys(near))[:limit]


def _entry(provider: str, name: str) -> _Entry:
    letters = _letters(name[:_LONGEST].lower())
    return _Entry(provider, name, letters, letters.bit_count())


def _letters(text: str) -> int:
    """The pairs of neighbouring letters in a text, one bit each."""
    found = 0
    for first, second in zip(f" {text}", f"{text} ", strict=True):
        found |= 1 << ((ord(first) * 31 + ord(second) * 7919) % _BITS)
    return found


def _overlap(letters: int, entry: _Entry) -> float:
    return 2 * (letters & entry.letters).bit_count() / (letters.bit_count() + entry.size)


def _likeness(wanted: str, entry: _Entry) -> float:
    """How alike, 0 to 1; the model's name counts with and without its organisation."""
    name = entry.name[:_LONGEST].lower()
    forms = {name, name.rpartition("/")[2]}
    return max(SequenceMatcher(a=wanted, b=form, autojunk=False).ratio() for form in forms)
