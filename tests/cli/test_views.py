"""Each view as a whole, on a narrow and on a wide terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console, RenderableType

from proxyctl.admin import schema
from proxyctl.cli.output import drawn
from proxyctl.cli.views import daemon, logs, metrics, models, providers
from proxyctl.cli.views.figures import Look
from proxyctl.cli.views.tables import Column, table
from proxyctl.daemon.ready import Ready

from . import samples
from .expected import check

READY = Ready(
    pid=4242,
    address="http://127.0.0.1:8094",
    version="0.1.0",
    instance="5e3c",
    config_path="/c",
    log_path="/l",
    providers=("Google Gemini: pooled", "Groq: fallback, but no key: set GROQ_API_KEY"),
    notes=("/home/ada/.env cannot be read and is ignored",),
)
FIRST = Ready(
    pid=4242,
    address="http://127.0.0.1:8094",
    version="0.1.0",
    instance="5e3c",
    config_path="/c",
    log_path="/l",
    providers=("Google Gemini: pooled",),
    first=("wrote /c", "Google Gemini: pooled, its key is in GEMINI_API_KEY"),
)

View = Callable[[Any, Look], RenderableType]
VIEWS: dict[str, tuple[Any, View]] = {
    "status": (samples.DAEMON, daemon.render),
    "started": (READY, daemon.started),
    "started-first": (FIRST, daemon.started),
    "providers": (samples.STATUS, providers.render),
    "provider": (samples.GEMINI, providers.details),
    "provider-in-trouble": (samples.GROQ, providers.details),
    "provider-without-key": (samples.COHERE, providers.details),
    "health": (samples.HEALTH, providers.health),
    "models": (samples.MODELS, models.render),
    "explain": (samples.PLAN, models.explain),
    "explain-nobody": (samples.NO_PLAN, models.explain),
    "metrics": (samples.METRICS, metrics.either),
    "metrics-none": (samples.NO_METRICS, metrics.either),
    "metrics-one": (samples.METRICS.providers[0], metrics.either),
    "metrics-line": (samples.METRICS, metrics.summary),
    "costs": (samples.COSTS, metrics.costs),
    "logs": (samples.LOGS, logs.render),
    "record": (samples.MOVED, logs.whole),
    "record-plain": (samples.OK, logs.whole),
    "record-cut": (samples.CUT, logs.whole),
    "record-refused": (samples.REFUSED, logs.whole),
    "record-full": (samples.FULL, logs.whole),
}


def draw(value: Any, view: View, width: int, *, colour: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colour, color_system="standard" if colour else None)
    drawn(console, view(value, Look(samples.NOW, width, UTC)))
    return file.getvalue()


@pytest.mark.parametrize("width", [50, 80, 160])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view(name: str, width: int) -> None:
    check(f"{name}-{width}", draw(*VIEWS[name], width))


@pytest.mark.parametrize("width", [40, 80, 120, 160])
@pytest.mark.parametrize("name", VIEWS)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    assert max(len(line) for line in draw(*VIEWS[name], width).splitlines()) <= width


@pytest.mark.parametrize("name", VIEWS)
def test_colour_carries_nothing(name: str) -> None:
    """Without its colours a view says the same words."""
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", draw(*VIEWS[name], 160, colour=True))

    assert coloured.split() == draw(*VIEWS[name], 160).split()


@pytest.mark.parametrize("name", VIEWS)
def test_no_blanks_at_the_end_of_lines(name: str) -> None:
    assert [line for line in draw(*VIEWS[name], 160).splitlines() if line != line.rstrip()] == []


def test_nothing_configured() -> None:
    assert draw(schema.StatusReport(primary="", providers=()), providers.render, 80) == "No provider is configured.\n"


def test_no_models_yet() -> None:
    assert draw(schema.ModelsReport(models=()), models.render, 80) == "No provider has listed its models yet.\n"


def test_no_record_matches() -> None:
    assert draw(schema.LogPage(records=()), logs.render, 80) == "No request matches.\n"


def test_nothing_spent() -> None:
    report = schema.CostReport(since=samples.NOW - 5, currency="USD", total=Decimal(0), unpriced=0, lines=())

    assert draw(report, metrics.costs, 80) == "Total $0 since 5 s ago.\n"


def test_nobody_can_serve() -> None:
    report = schema.HealthReport(ok=False, providers=(samples.HEALTH.providers[1],))

    assert draw(report, providers.health, 80).endswith("Nobody can serve now.\n")


def test_a_daemon_that_is_stopping() -> None:
    stopping = schema.DaemonStatus(
        **{name: getattr(samples.DAEMON, name) for name in samples.DAEMON.__struct_fields__ if name != "draining"},
        draining=True,
    )

    assert draw(stopping, daemon.render, 80).startswith("daemon    stopping: it finishes what runs")


@pytest.mark.parametrize("name", ["logs", "record", "providers", "provider", "explain", "models", "health", "costs"])
def test_brackets_of_foreign_text_are_no_markup(name: str) -> None:
    """A model called `[bold]x` must be shown as it is called."""
    evil = "[bold]x[/]\x1b[31m"
    values = {
        "logs": schema.LogPage(records=(_with(samples.OK, requested_model=evil, served_model=evil),)),
        "record": _with(samples.MOVED, losses=(schema.Loss(evil, evil),), client=evil, session=evil, error=evil),
        "providers": schema.StatusReport(primary="", providers=(_with(samples.GROQ, note=evil),)),
        "provider": _with(samples.GROQ, last_error=evil),
        "explain": _with(samples.PLAN, rule=evil),
        "models": schema.ModelsReport(models=(_with(samples.MODELS.models[0], id=evil),)),
        "health": schema.HealthReport(ok=True, providers=(_with(samples.HEALTH.providers[1], detail=evil),)),
        "costs": _with(samples.COSTS, lines=(_with(samples.COSTS.lines[0], model=evil),)),
    }

    shown = draw(values[name], VIEWS[name][1], 160)

    assert "[bold]x[/]�[31m" in shown
    assert "\x1b" not in shown


def _with(value: Any, **changes: Any) -> Any:
    return type(value)(**{**{name: getattr(value, name) for name in value.__struct_fields__}, **changes})


def wide_table() -> RenderableType:
    columns = [Column("Name"), Column("Least", right=True, spare=2), Column("Less", spare=1), Column("Sum", right=True)]
    return table(columns, [["a", "1", "2", "12,345"], ["total", "3", "4", "12,347"]])


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (26, "Name   Least  Less     Sum"),
        (25, "Name   Less     Sum"),
        (18, "Name      Sum"),
        (13, "Name      Sum"),
    ],
)
def test_columns_that_have_no_room_are_left_out_whole(width: int, shown: str) -> None:
    drawing = draw(None, lambda _value, _look: wide_table(), width)

    assert drawing.splitlines()[0] == shown
    assert "12,345" in drawing


def test_a_record_is_broken_between_facts_and_goes_on_further_in() -> None:
    drawn_lines = draw(samples.OK, logs.line, 60).splitlines()

    assert drawn_lines[0].startswith("05:59:58  200 ok  gemini:gemini-3.8-flash")
    assert [line for line in drawn_lines[1:] if not line.startswith("      ")] == []
    assert [line for line in drawn_lines if line.rstrip().endswith(("in", "1.23"))] == []


def test_what_was_asked_for_is_shown_where_it_is_no_chat() -> None:
    """A dialect does not say it: embeddings come in the words of chat's."""
    embedded = _with(samples.OK, operation="embeddings")

    assert "embeddings" in draw(embedded, logs.line, 120).split("  ")
    assert re.search(r"^operation +embeddings$", draw(embedded, logs.whole, 80), re.MULTILINE)
    assert "operation" not in draw(samples.OK, logs.whole, 80)


def test_in_a_pipe_a_record_is_one_line() -> None:
    look = Look(samples.NOW, 40, UTC, unbroken=True)

    assert "\n" not in logs.line(samples.OK, look).plain


def test_after_a_start_with_one_kind_nothing_is_said_of_others() -> None:
    said = draw([("mine", "MY_KEY")], daemon.nobody, 80)

    assert "Set MY_KEY in the environment" in said
    assert "Other keys" not in said
