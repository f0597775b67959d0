"""Measure, and print one table of ratios with the targets beside them. `--quick` for a look that proves little."""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Figure, Scenario, measure
from tests.bench.proxies import Process, help_seconds, module, nginx, proxyctl
from tests.bench.upstream import FRAMES

SMALL = "small answer"
STREAM = "stream"


def scenarios(scale: float) -> list[Scenario]:
    """Pass-through goes to an OpenAI-style provider, translation to Anthropic's messages."""
    whole, streams = int(6000 * scale), int(800 * scale)
    return [
        Scenario(SMALL, "bench", 16, whole),
        Scenario(STREAM, "bench", 8, streams, FRAMES),
        Scenario(f"{SMALL}, translated", "anthropic:bench", 16, whole),
        Scenario(f"{STREAM}, translated", "anthropic:bench", 8, streams, FRAMES),
    ]


def run(scale: float, *, rounds: int = 3) -> tuple[dict[tuple[str, str], Figure], dict[str, float]]:
    """The figures by (proxy, scenario), and the single ones."""
    figures: dict[tuple[str, str], Figure] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            module("upstream") as upstream,
            nginx(folder, upstream.port) as engine,
            module("plain_proxy", f"http://127.0.0.1:{upstream.port}") as plain,
            proxyctl(folder, upstream.port) as (daemon, seconds),
        ):
            single = {"ready_s": seconds, "idle_mib": daemon.resident_mib(), "help_s": help_seconds()}
            proxies: dict[str, Process | None] = {"nginx": engine, "plain": plain, "proxyctl": daemon}
            for scenario in scenarios(scale):
                for label, proxy in proxies.items():
                    is_translated = scenario.model != "bench"
                    if proxy is not None and not (is_translated and label != "proxyctl"):
                        figures[label, scenario.name] = measure(proxy, scenario, rounds=rounds)
                direct = Scenario(scenario.name, "bench", scenario.connections, scenario.count, scenario.frames)
                figures["direct", scenario.name] = measure(upstream, direct, rounds=rounds)
    return figures, single


def show(figures: dict[tuple[str, str], Figure], single: dict[str, float], console: Console) -> None:
    console.print(_raw(figures))
    console.print(_ratios(figures, single))


def _raw(figures: dict[tuple[str, str], Figure]) -> Table:
    table = Table("scenario", "through", "CPU a request", "CPU a frame", "added latency (median)")
    for (label, name), figure in figures.items():
        if label == "direct":
            continue
        frame = f"{figure.cpu_us / FRAMES:.2f} µs" if name.startswith(STREAM) else "-"
        added = figure.median_ms - figures["direct", name].median_ms
        table.add_row(name, label, f"{figure.cpu_us:.0f} µs", frame, f"{added:.2f} ms")
    return table


def _ratios(figures: dict[tuple[str, str], Figure], single: dict[str, float]) -> Table:
    def ratio(one: tuple[str, str], other: tuple[str, str]) -> float | None:
        if one not in figures or other not in figures:
            return None
        # The clock of CPU time ticks every 10 ms: a very short run may cost nothing.
        return figures[one].cpu_us / figures[other].cpu_us if figures[other].cpu_us else math.inf

    ours = ("proxyctl", SMALL)
    rows: list[tuple[str, float | None, str, str]] = [
        ("CPU of a small pass-through request, in nginx's", ratio(ours, ("nginx", SMALL)), "×", "at most 20"),
        ("the naive way's CPU, in ours", ratio(("plain", SMALL), ours), "×", "at least 8"),
        ("CPU of a passed frame, in nginx's", ratio(("proxyctl", STREAM), ("nginx", STREAM)), "×", "at most 3"),
        ("a translated request, in passed ones", ratio(("proxyctl", f"{SMALL}, translated"), ours), "×", "at most 1.5"),
        (
            "a translated frame, in passed ones",
            ratio(("proxyctl", f"{STREAM}, translated"), ("proxyctl", STREAM)),
            "×",
            "",
        ),
        ("`proxyctl start` until ready", single["ready_s"], "s", "at most 1"),
        ("`proxyctl --help`", single["help_s"], "s", "at most 0.25"),
        ("idle memory", single["idle_mib"], "MiB", "at most 120"),
    ]
    table = Table("measured", "value", "target")
    for what, value, unit, target in rows:
        table.add_row(what, "no nginx here" if value is None else f"{value:.2f} {unit}", target)
    return table


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    show(*run(0.1 if quick else 1.0, rounds=1 if quick else 3), Console(width=120))


if __name__ == "__main__":
    main()
