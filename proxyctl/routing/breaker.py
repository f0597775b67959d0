"""The circuit breaker: a deployment that keeps failing is left alone for a while, then tried with one request.

    closed      requests go; failures and answers are counted
    open        after `ROW` failures in a row, or half failing of at least `ENOUGH` within a minute: nobody asks it
    half-open   the time is over: one request at a time tries, the others go elsewhere

A trial that begins to answer closes the breaker, and everybody is let in; one that fails opens it again, for twice as
long. Until an answer was complete, one more failure is enough to open it. A trial that ends in another way (the caller
left, the request was at fault) says nothing, and the next request tries.

Nothing here can get stuck: a wait has an absolute end, a clock that went back behind its beginning closes the breaker,
and a trial that takes long holds the next one up for `TRIAL_SECONDS` only. Only a trial decides over a breaker that is
not closed: what began before the opening and ends behind it tells nothing new. A healthy deployment costs planning one
look at an empty dictionary (`opened`), and an answer one addition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

ROW = 5
"""So many failures in a row open."""
ENOUGH = 10
"""Of so many answers and failures within the window, half failing opens."""
OPEN_FIRST = 5.0
OPEN_LAST = 60.0
"""Seconds: each opening in a row lasts twice as long as the one before, from the first to the last of these."""
TRIAL_SECONDS = 10.0
"""A trial that is undecided for so long no longer holds the next one up."""

_SLOT = 5.0
_SLOTS = 12
_FORGOTTEN = 300.0
"""Seconds after which failures are no longer in a row with what follows, nor an unused opening worth keeping."""
_SWEEP = 60.0
_MOST = 2048
"""Deployments that are counted, and that are open: callers invent model names."""

Key = tuple[str, str, int]
"""Provider, upstream model and the credential's index."""


class Wait(NamedTuple):
    """Why a deployment is not to be asked, from when until when, in Unix seconds."""

    since: float
    until: float
    reason: str


@dataclass(slots=True, eq=False)
class _Opening:
    """`times` counts the openings in a row, this one included."""

    since: float
    until: float
    times: int
    reason: str
    trial: Trial | None = None

    def is_open(self, now: float) -> bool:
        return _is_within(self.since, now, self.until)


@dataclass(slots=True, eq=False, frozen=True)
class Trial:
    """The right to ask a half-open deployment; whoever has it must give it back (`Breaker.leave`)."""

    key: Key
    taken_at: float
    opening: _Opening


@dataclass(slots=True)
class _Tally:
    """What a closed deployment did lately. `times` is the row of openings that the next one goes on with."""

    row: int = 0
    times: int = 0
    changed_at: float = 0.0
    slots: deque[list[int]] = field(default_factory=deque)

    def add(self, now: float, *, failed: int) -> None:
        """Count an end in its slot: five seconds, the answers and failures in it, the failures alone."""
        slot, slots = int(now // _SLOT), self.slots
        if not slots or slots[-1][0] != slot:
            if slots and slots[-1][0] > slot:
                slots.clear()  # the clock went back: nobody knows what was within the last minute
            slots.append([slot, 0, 0])
            while slots[0][0] <= slot - _SLOTS:
                slots.popleft()
        slots[-1][1] += 1
        slots[-1][2] += failed
        self.changed_at = now

    def verdict(self) -> str:
        """Why it must open, `""` if it need not."""
        if self.row >= ROW:
            return f"{self.row} failures in a row"
        total, failed = sum(slot[1] for slot in self.slots), sum(slot[2] for slot in self.slots)
        return f"{failed} of {total} requests within a minute failed" if total >= ENOUGH and failed * 2 >= total else ""


class Breaker:
    """The breakers of all deployments. `opened` holds those that are open or half-open; to others it is to be read."""

    __slots__ = ("_swept_at", "_tallies", "opened")

    def __init__(self) -> None:
        self.opened: dict[Key, _Opening] = {}
        self._tallies: dict[Key, _Tally] = {}
        self._swept_at = 0.0

    def find(self, key: Key, now: float) -> Wait | None:
        """Why this deployment is not to be asked now: it is open, or being tried by another request."""
        if not 0 <= now - self._swept_at < _SWEEP:
            self._sweep(now)
        opening = self.opened.get(key)
        if opening is None:
            return None
        if opening.is_open(now):
            return Wait(opening.since, opening.until, opening.reason)
        trial = opening.trial
        if trial is None or not _is_within(trial.taken_at, now, trial.taken_at + TRIAL_SECONDS):
            return None
        return Wait(trial.taken_at, trial.taken_at + TRIAL_SECONDS, f"one request is trying it, after {opening.reason}")

    def enter(self, key: Key, now: float) -> Trial | Wait | None:
        """Ask for leave right before an attempt: `None` is leave, and so is a trial, which must be given back."""
        wait = self.find(key, now)
        opening = self.opened.get(key)
        if wait is not None or opening is None:
            return wait
        opening.trial = Trial(key, now, opening)
        return opening.trial

    def leave(self, trial: Trial) -> None:
        """Give a trial back, however it ended. What it showed may be told before or after."""
        if trial.opening.trial is trial:
            trial.opening.trial = None

    def answering(self, trial: Trial, now: float) -> None:
        """The trial's answer has begun: let everybody in. A failure before an answer is complete opens again."""
        opening = self.opened.pop(trial.key, None)
        if opening is not None:
            self._tallies[trial.key] = _Tally(row=ROW - 1, times=opening.times, changed_at=now)

    def succeeded(self, key: Key, now: float, trial: Trial | None = None) -> None:
        """An answer is complete."""
        if key in self.opened:
            if trial is None:
                return
            del self.opened[key]
            self._tallies.pop(key, None)
        tally = self._tally(key, now)
        tally.row = tally.times = 0
        tally.add(now, failed=0)

    def failed(self, key: Key, reason: str, now: float, trial: Trial | None = None) -> None:
        """An attempt failed in a way that is the deployment's fault."""
        opening = self.opened.get(key)
        if opening is not None:
            if trial is not None and trial.opening is opening:
                self._open(key, f"a trial failed: {reason}", now, opening.times)
            return
        tally = self._tally(key, now)
        tally.row += 1
        tally.add(now, failed=1)
        verdict = tally.verdict()
        if verdict:
            del self._tallies[key]
            self._open(key, f"{verdict}, the last one: {reason}", now, tally.times)

    def hasten(self, key: Key, now: float) -> None:
        """Let the next request try, although the time is not over: nothing else is left to be asked."""
        opening = self.opened.get(key)
        if opening is not None:
            opening.until = min(opening.until, now)

    def forget(self, belongs: Callable[[Key], bool]) -> None:
        """Close what belongs, as if nothing had ever failed."""
        self.opened = {key: opening for key, opening in self.opened.items() if not belongs(key)}
        self._tallies = {key: tally for key, tally in self._tallies.items() if not belongs(key)}

    def entries(self, provider: str, now: float) -> Iterator[tuple[Key, Wait]]:
        """Every deployment of a provider that is not to be asked now."""
        for key in tuple(self.opened):
            wait = self.find(key, now) if key[0] == provider else None
            if wait is not None:
                yield key, wait

    def _tally(self, key: Key, now: float) -> _Tally:
        tally = self._tallies.get(key)
        if tally is None:
            if len(self._tallies) >= _MOST:
                latest = sorted(self._tallies.items(), key=lambda pair: pair[1].changed_at)
                self._tallies = dict(latest[-_MOST // 2 :])
            tally = self._tallies[key] = _Tally(changed_at=now)
        elif not _is_within(tally.changed_at, now, tally.changed_at + _FORGOTTEN):
            tally.row = tally.times = 0
        return tally

    def _open(self, key: Key, reason: str, now: float, times: int) -> None:
        seconds = min(OPEN_LAST, OPEN_FIRST * 2.0 ** min(times, 10))
        self.opened[key] = _Opening(since=now, until=now + seconds, times=times + 1, reason=reason)
        if len(self.opened) > _MOST:
            latest = sorted(self.opened.items(), key=lambda pair: pair[1].since)
            self.opened = dict(latest[-_MOST // 2 :])

    def _sweep(self, now: float) -> None:
        """Drop what nobody asks for any more, since no plan is remembered as long as anything is open.

        And what is of a time that has not come: the clock went back, and nobody knows how long it has been open.
        """
        self._swept_at = now
        self.opened = {
            key: opening
            for key, opening in self.opened.items()
            if _is_within(opening.since, now, opening.until + _FORGOTTEN)
        }


def _is_within(since: float, now: float, until: float) -> bool:
    """Whether a time is running; a clock that went back behind its beginning ends it."""
    return since - 1 <= now < until
