"""Turns that a test scripts: which tools the next answers call, and with which arguments.

Left alone, the simulator calls the first tool that it is offered with arguments that fit the schema. An agent offers a
dozen tools of its own and runs them: a test has to say which one, and on which file. A turn waits for a request that
offers all of its tools, so that a side request (a title, a summary) does not use it up. From the first script until
the simulator is reset nothing else is called, or an agent would start sub-agents without end: answers are text.
"""

from collections.abc import Collection
from typing import Any

import msgspec


class PlannedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tool: str
    arguments: dict[str, Any] = {}


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer that does nothing but call, at once, whatever stands in `calls`."""

    calls: tuple[PlannedCall, ...]
    provider: str = "*"


class TurnBook:
    """The turns to come, in the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: list[Turn] = []
        self.in_force = False

    def plan(self, *turns: Turn) -> None:
        """No turns at all is a script too: nothing is called."""
        self.in_force = True
        self._planned.extend(turns)

    def planned(self) -> list[Turn]:
        return list(self._planned)

    def clear(self) -> None:
        self._planned.clear()
        self.in_force = False

    def take(self, provider: str, tools: Collection[str]) -> Turn | None:
        """The first turn that `provider` may answer with these tools; it is used up."""
        for turn in self._planned:
            if turn.provider in {"*", provider} and all(call.tool in tools for call in turn.calls):
                self._planned.remove(turn)
                return turn
        return None
