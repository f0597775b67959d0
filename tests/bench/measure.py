"""One scenario through one proxy: how much CPU a request costs it, and how long the caller waits."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from tests.bench.proxies import ROOT, Process


@dataclass(frozen=True)
class Scenario:
    """`count` requests over `connections`; `frames` a streamed answer (0: whole answers)."""

    name: str
    model: str
    connections: int
    count: int
    frames: int = 0

    @property
    def body(self) -> str:
        value = {"model": self.model, "messages": [{"role": "user", "content": "Hello"}]}
        return json.dumps({**value, "stream": True} if self.frames else value)

    @property
    def ending(self) -> str:
        return "data: [DONE]" if self.frames else "}"


@dataclass(frozen=True)
class Figure:
    """`cpu_us` a request in microseconds; `median_ms` from the request's first byte to the answer's last one."""

    cpu_us: float
    median_ms: float


def measure(proxy: Process, scenario: Scenario, *, rounds: int = 3) -> Figure:
    """The best of some rounds, since a busy machine only ever adds. Raises if any answer was not right."""
    _run(proxy.port, scenario, max(scenario.connections, scenario.count // 10))
    figures = []
    for _ in range(rounds):
        before = proxy.cpu_seconds()
        median = _run(proxy.port, scenario, scenario.count)
        figures.append(Figure((proxy.cpu_seconds() - before) / scenario.count * 1e6, median))
    return min(figures, key=lambda figure: figure.cpu_us)


def _run(port: int, scenario: Scenario, count: int) -> float:
    arguments = [str(port), str(scenario.connections), str(count), "/v1/chat/completions"]
    command = [sys.executable, "-m", "tests.bench.load", *arguments, scenario.body, scenario.ending]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    if result["answered"] != count:
        raise RuntimeError(f"{scenario.name}: {result['answered']} of {count} answered: {result['faults']}")
    return float(result["median_ms"])
