"""One scenario through some proxies: how much CPU a request costs each, and how long the caller waits.

A shared machine has fast and slow minutes. So the proxies take turns, round by round, and two of them are compared
within a round: what slows one down slows down its neighbour too.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.proxies import ROOT, Process
from tests.bench.upstream import PACED


@dataclass(frozen=True)
class Scenario:
    """`count` requests over `connections`; `frames` in an answer (0: it is not streamed), `paced` if one at a time."""

    name: str
    model: str
    connections: int
    count: int
    frames: int = 0
    paced: bool = False

    @property
    def body(self) -> str:
        words = PACED if self.paced else "Hello"
        value = {"model": self.model, "messages": [{"role": "user", "content": words}]}
        return json.dumps({**value, "stream": True} if self.frames else value)

    @property
    def ending(self) -> str:
        return "data: [DONE]" if self.frames else "}"


@dataclass(frozen=True)
class Figures:
    """One value a round: `cpu` in microseconds a request, `wait` in milliseconds, from the request to the answer's end.

    A wait is the median of its round.
    """

    cpu: tuple[float, ...]
    wait: tuple[float, ...]

    @property
    def cpu_us(self) -> float:
        return statistics.median(self.cpu)

    def cpu_in(self, other: Figures) -> float:
        """The CPU time as a multiple of another's, round by round."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.cpu, other.cpu, strict=True))

    def waits_longer_than(self, other: Figures) -> float:
        """In milliseconds."""
        return statistics.median(mine - theirs for mine, theirs in zip(self.wait, other.wait, strict=True))


def measure(work: Mapping[str, tuple[Process, Scenario]], *, rounds: int) -> dict[str, Figures]:
    """What each of the contestants needs for its scenario. Raises `RuntimeError` if any answer was not right."""
    for process, scenario in work.values():
        _run(process.port, scenario, max(scenario.connections, scenario.count // 10))
    cpu: dict[str, list[float]] = {label: [] for label in work}
    wait: dict[str, list[float]] = {label: [] for label in work}
    for _ in range(rounds):
        for label, (process, scenario) in work.items():
            before = process.cpu_seconds()
            wait[label].append(_run(process.port, scenario, scenario.count))
            cpu[label].append((process.cpu_seconds() - before) / scenario.count * 1e6)
    return {label: Figures(tuple(cpu[label]), tuple(wait[label])) for label in work}


def _run(port: int, scenario: Scenario, count: int) -> float:
    """The median wait in milliseconds."""
    arguments = [str(port), str(scenario.connections), str(count), "/v1/chat/completions"]
    command = [sys.executable, "-m", "tests.bench.load", *arguments, scenario.body, scenario.ending]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    if result["answered"] != count:
        raise RuntimeError(f"{scenario.name}: {result['answered']} of {count} answered: {result['faults']}")
    return float(result["median_ms"])
