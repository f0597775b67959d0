"""Measure, and print one table of ratios with the targets beside them. `--quick` for a look that proves little."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.conversation import milliseconds
from tests.bench.measure import Figures, Scenario, measure
from tests.bench.proxies import Process, help_seconds, module, nginx, proxyctl
from tests.bench.upstream import FRAMES, PACED_FRAMES

PASSED = "bench"
TRANSLATED = "anthropic:bench"
"""The upstream speaks OpenAI's chat and Anthropic's messages; the callers speak the former."""

ALONE = "small answer, nobody else"
SMALL = "small answer"
STREAM = "stream"
PACED_STREAM = "stream, frame by frame"
SMALL_TRANSLATED = "small answer, translated"
STREAM_TRANSLATED = "stream, translated"


def scenarios(scale: float) -> list[Scenario]:
    """What is passed through goes through every proxy; only the gateway translates."""
    whole, streams, paced = int(4000 * scale), int(160 * scale), 32 * max(1, int(2 * scale))
    return [
        Scenario(ALONE, PASSED, 1, whole // 4),
        Scenario(SMALL, PASSED, 16, whole),
        Scenario(STREAM, PASSED, 8, streams, FRAMES),
        Scenario(PACED_STREAM, PASSED, 32, paced, PACED_FRAMES, paced=True),
        Scenario(SMALL_TRANSLATED, TRANSLATED, 16, whole),
        Scenario(STREAM_TRANSLATED, TRANSLATED, 8, streams, FRAMES),
    ]


Measured = dict[tuple[str, str], Figures]
"""By proxy and scenario. `direct` is the upstream with nothing in between."""


def run(scale: float, *, rounds: int) -> tuple[Measured, dict[str, float]]:
    """The figures, and the single ones: seconds until ready and of `--help`, idle memory, the slowest translation."""
    measured: Measured = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            module("upstream") as upstream,
            nginx(folder, upstream.port) as engine,
            module("plain_proxy", f"http://127.0.0.1:{upstream.port}") as plain,
            proxyctl(folder, upstream.port) as (daemon, seconds),
        ):
            single = {"ready_s": seconds, "idle_mib": daemon.resident_mib(), "help_s": help_seconds()}
            single["conversation_ms"] = max(milliseconds(5).values())
            rivals = {"plain": plain} if engine is None else {"nginx": engine, "plain": plain}
            for scenario in scenarios(scale):
                figures = measure(_work(scenario, upstream, rivals, daemon), rounds=rounds)
                measured |= {(label, scenario.name): figure for label, figure in figures.items()}
    return measured, single


def _work(
    scenario: Scenario, upstream: Process, rivals: dict[str, Process], daemon: Process
) -> dict[str, tuple[Process, Scenario]]:
    """Who does what in a scenario; a translation is compared with the gateway's own passing through."""
    passed = replace(scenario, model=PASSED)
    work = {"direct": (upstream, passed)}
    if scenario.model == PASSED:
        work |= {label: (rival, passed) for label, rival in rivals.items()}
    else:
        work["passed"] = (daemon, passed)
    return {**work, "proxyctl": (daemon, scenario)}


def show(measured: Measured, single: dict[str, float], console: Console) -> None:
    console.print(_figures(measured))
    console.print(_ratios(measured, single))


def _figures(measured: Measured) -> Table:
    table = Table("scenario", "through", "CPU a request", "CPU a frame", "added latency")
    frames = {scenario.name: scenario.frames for scenario in scenarios(1)}
    for (label, name), figures in measured.items():
        if label in ("direct", "passed"):
            continue
        frame = f"{figures.cpu_us / frames[name]:.2f} µs" if frames[name] else "-"
        added = figures.waits_longer_than(measured["direct", name])
        table.add_row(name, label, f"{figures.cpu_us:.0f} µs", frame, f"{added:.2f} ms")
    return table


def _ratios(measured: Measured, single: dict[str, float]) -> Table:
    def ratio(scenario: str, one: str, other: str) -> str:
        if (other, scenario) not in measured or (one, scenario) not in measured:
            return "no nginx here"
        return f"{measured[one, scenario].cpu_in(measured[other, scenario]):.2f} ×"

    table = Table("measured", "value", "target")
    for row in (
        ("CPU of a small pass-through request, in nginx's", ratio(SMALL, "proxyctl", "nginx"), "at most 20"),
        ("the naive way's CPU, in ours", ratio(SMALL, "plain", "proxyctl"), "at least 8"),
        ("CPU of a passed stream, in nginx's", ratio(STREAM, "proxyctl", "nginx"), "at most 3"),
        ("the same when frames come one by one", ratio(PACED_STREAM, "proxyctl", "nginx"), "at most 3"),
        ("a translated request, in passed ones", ratio(SMALL_TRANSLATED, "proxyctl", "passed"), "at most 1.5"),
        ("a translated stream, in passed ones", ratio(STREAM_TRANSLATED, "proxyctl", "passed"), "at most 2.5"),
        ("a tool conversation of 200 kB, translated", f"{single['conversation_ms']:.1f} ms", "at most 4"),
        ("`proxyctl start` until ready", f"{single['ready_s']:.2f} s", "at most 1"),
        ("`proxyctl --help`", f"{single['help_s']:.2f} s", "at most 0.25"),
        ("idle memory", f"{single['idle_mib']:.0f} MiB", "at most 120"),
    ):
        table.add_row(*row)
    return table


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    show(*run(0.1 if quick else 1.0, rounds=3 if quick else 5), Console(width=120))


if __name__ == "__main__":
    main()
