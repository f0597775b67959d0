"""What translation dropped or approximated, written down where it happens.

A silent drop is a bug by definition: whoever cannot carry a field calls `Losses.add` with the field's path and the
reason. The count goes to the client in a header, the list to the exchange's record.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

MOST = 1000
UNCARRIED = "translation does not carry it"
LONGEST_PATH = 300


class Loss(Struct, frozen=True):
    """One field that did not survive.

    Where the request passes through, `path` is the body's own. Where it is translated, it counts in the canonical
    conversation that every dialect is read into: `messages[2].parts[0]` is the third turn's first part, without the
    system text, which is no turn there. Some paths name a thing outright (`tool call call_1`).
    """

    path: str
    reason: str


class Losses:
    """The losses of one exchange, in the order in which they happened, each once."""

    def __init__(self) -> None:
        self._seen: dict[Loss, None] = {}

    def add(self, path: str, reason: str) -> None:
        """Note a loss; of a request with thousands of unknown fields, the first `MOST` are kept."""
        if len(self._seen) < MOST:
            self._seen[Loss(path[:LONGEST_PATH], reason)] = None

    def add_all(self, others: Losses) -> None:
        for loss in others.entries():
            self.add(loss.path, loss.reason)

    def add_uncarried(self, names: Iterable[str]) -> None:
        """Note what an answer held that no other dialect is told."""
        for name in names:
            self.add(name, UNCARRIED)

    def __len__(self) -> int:
        return len(self._seen)

    def entries(self) -> tuple[Loss, ...]:
        return tuple(self._seen)
