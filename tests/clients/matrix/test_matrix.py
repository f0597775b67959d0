"""Every cell of docs/compatibility.md is tried, and must come out as the page says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.clients.home import Home
from tests.clients.simulated import Simulated
from tests.clients.targets import TARGETS

from .cells import CALLERS, CELLS, Cell, Outcome, outcome_of
from .heard import Caller
from .page import COMMAND, PAGE, read, render

GROQ = next(target for target in TARGETS if target.provider == "groq")


@pytest.fixture(scope="session")
def callers(daemon_of_worker: Home) -> Iterator[dict[str, Caller]]:
    made = {dialect: make(daemon_of_worker.url) for dialect, make in CALLERS.items()}
    yield made
    for caller in made.values():
        caller.recorder.close()


@pytest.fixture(scope="session")
def documented() -> dict[Cell, Outcome]:
    return read(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_cell_comes_out_as_documented(
    cell: Cell,
    callers: dict[str, Caller],
    daemon_of_worker: Home,
    simulator_of_worker: Simulated,
    documented: dict[Cell, Outcome],
) -> None:
    outcome = outcome_of(cell, callers[cell.dialect], daemon_of_worker, simulator_of_worker)

    assert outcome == documented.get(cell), f"write the page again, if this is how it should be: {COMMAND}"


@pytest.mark.parametrize("dialect", CALLERS)
def test_refusal_is_an_outcome_with_its_reason(
    dialect: str, callers: dict[str, Caller], daemon_of_worker: Home, simulator_of_worker: Simulated
) -> None:
    """No cell is refused today: a model that sees nothing is asked what is in a picture."""
    blind = replace(GROQ, sees=GROQ.plain)

    outcome = outcome_of(Cell(dialect, blind, "image"), callers[dialect], daemon_of_worker, simulator_of_worker)

    assert outcome.mark == "refused"
    assert "takes no images" in outcome.note


@pytest.mark.parametrize("dialect", CALLERS)
def test_what_fails_otherwise_is_no_outcome(
    dialect: str, callers: dict[str, Caller], daemon_of_worker: Home, simulator_of_worker: Simulated
) -> None:
    unknown = replace(GROQ, plain="nonsense")

    with pytest.raises(callers[dialect].failures[404]):
        outcome_of(Cell(dialect, unknown, "plain"), callers[dialect], daemon_of_worker, simulator_of_worker)


def test_page_is_what_its_outcomes_render_to(documented: dict[Cell, Outcome]) -> None:
    assert set(documented) == set(CELLS)
    assert render(documented) == PAGE.read_text("utf-8")
