"""Parts that overlap, put one after the other, for dialects in which only one may be open at a time.

Providers interleave parallel tool calls. A part that begins while another is open waits until that one ends: its events
are kept, and come due in the order of the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from proxyctl.core.events import CitationAdded, Delta, PartEnd, SignatureDelta

PartEvent: TypeAlias = Delta | SignatureDelta | CitationAdded | PartEnd


class InTurn:
    """The open parts of one stream, in the order in which they began, with what waits of each."""

    __slots__ = ("_turn", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[int, list[PartEvent]] = {}
        self._turn: int | None = None

    def begin(self, index: int) -> None:
        self._waiting[index] = []
        if self._turn is None:
            self._turn = index

    def due(self, event: PartEvent) -> Sequence[PartEvent]:
        """What may be written now that `event` has come: nothing, itself, or behind an end what waited for it."""
        if event.index != self._turn:
            self._waiting[event.index].append(event)
            return ()
        return self._after(event) if isinstance(event, PartEnd) else (event,)

    def _after(self, end: PartEnd) -> list[PartEvent]:
        """The end, and what the next parts have waited with, up to the first that is still open."""
        del self._waiting[end.index]
        self._turn = None
        due: list[PartEvent] = [end]
        while self._waiting:
            index, waiting = next(iter(self._waiting.items()))
            due += waiting
            if not (waiting and isinstance(waiting[-1], PartEnd)):
                self._turn = index
                waiting.clear()
                break
            del self._waiting[index]
        return due
