"""The matrix: every dialect that callers speak, every provider, every feature; and what came of trying one cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

from tests.clients.home import Home
from tests.clients.simulated import Simulated
from tests.clients.targets import TARGETS, Target

from .chat import ChatCaller
from .features import FEATURES, Bench
from .gemini import GeminiCaller
from .heard import Caller, Json
from .messages import MessagesCaller
from .responses import ResponsesCaller
from .wire import Answered

CALLERS: dict[str, Callable[[str], Caller]] = {
    "openai-chat": ChatCaller,
    "openai-responses": ResponsesCaller,
    "anthropic-messages": MessagesCaller,
    "gemini-generate": GeminiCaller,
}
"""By dialect; each is made from the daemon's address."""


@dataclass(frozen=True)
class Cell:
    dialect: str
    target: Target
    feature: str

    @override
    def __str__(self) -> str:
        return f"{self.dialect}-{self.target}-{self.feature}"


@dataclass(frozen=True)
class Outcome:
    """`mark` is `yes` or `refused`; `note` says what was lost, not shown, or why it was refused."""

    mark: str
    note: str = ""


CELLS = [Cell(dialect, target, feature) for dialect in CALLERS for target in TARGETS for feature in FEATURES]


def outcome_of(cell: Cell, caller: Caller, home: Home, simulated: Simulated) -> Outcome:
    """Try a cell. Raises `AssertionError`, or what the SDK raises, where it neither works nor is refused properly."""
    simulated.reset()
    home.post(f"/providers/{cell.target.provider}/reset")
    began = len(caller.recorder.answers)
    try:
        notes = FEATURES[cell.feature](Bench(home, simulated, caller, cell.target))
    except caller.failures[400]:
        if caller.recorder.answers[-1].status != 400:
            raise
        # What the gateway refuses itself is an answer; what a provider refused is a request that we made wrong.
        assert all(seen.status == 200 for seen in simulated.seen()), [seen.raw for seen in simulated.seen()]
        return Outcome("refused", _message(caller.recorder.answers[-1]))
    seen = simulated.seen()
    assert {one.provider for one in seen} == {cell.target.provider}
    if cell.feature != "error":
        assert {one.status for one in seen} == {200}
    losses = _losses(home, caller.recorder.answers[began:])
    return Outcome("yes", "; ".join([*notes, *losses]))


def _losses(home: Home, answered: list[Answered]) -> list[str]:
    """What translation lost, each once, as the records have it; the header must have said the number before."""
    records = home.get(f"/providers/logs?limit={len(answered)}")["records"]
    by_id: dict[str, Json] = {record["id"]: record for record in records}
    told: dict[str, None] = {}
    for answer in answered:
        losses = by_id[answer.exchange].get("losses", [])
        said = int(answer.headers.get("x-proxyctl-losses", "0"))
        assert said == len(losses) or (answer.streamed and said < len(losses)), (said, losses)
        told |= {f"`{loss['path']}` ({loss['reason']})": None for loss in losses}
    return list(told)


def _message(answered: Answered) -> str:
    """In the place where every dialect has it."""
    message: str = json.loads(answered.body)["error"]["message"]
    return message
