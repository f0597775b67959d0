"""Efforts and budgets are fitted to what the target takes (wire notes 2026-11, "reasoning")."""

import pytest

from proxyctl.core.chat import Effort, Reasoning
from proxyctl.core.losses import Losses
from proxyctl.dialects.thinking import budget_of, effort_of_budget, fitted_effort
from proxyctl.dialects.traits import ModelTraits


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(0, "off"), (1, "low"), (2047, "low"), (2048, "medium"), (8191, "medium"), (8192, "high"), (16384, "xhigh")],
)
def test_a_budget_stands_for_a_level(budget: int, effort: Effort) -> None:
    assert effort_of_budget(budget) == effort


@pytest.mark.parametrize(
    ("wanted", "levels", "fitted"),
    [
        ("high", ("low", "medium", "high"), "high"),
        ("max", ("low", "medium", "high"), "high"),
        ("minimal", ("low", "high"), "low"),
        ("medium", ("low", "high"), "low"),
        ("low", ("high",), "high"),
        ("high", (), None),
    ],
)
def test_a_level_that_is_missing_becomes_the_nearest_lower_one(
    wanted: Effort, levels: tuple[Effort, ...], fitted: Effort | None
) -> None:
    losses = Losses()

    assert fitted_effort(Reasoning(wanted), ModelTraits(thinking_efforts=levels), losses) == fitted
    assert len(losses) == (1 if fitted not in (wanted, None) else 0)


def test_off_is_kept_only_where_it_exists() -> None:
    can, cannot = ModelTraits(thinking_off=True), ModelTraits(thinking_off=False)

    assert fitted_effort(Reasoning("off"), can, Losses()) == "off"
    assert fitted_effort(Reasoning("off"), cannot, Losses()) == "low"


def test_saying_nothing_stays_nothing() -> None:
    assert fitted_effort(Reasoning(), ModelTraits(), Losses()) is None
    assert budget_of(Reasoning(), ModelTraits()) is None


def test_a_budget_that_becomes_a_level_is_a_loss() -> None:
    losses = Losses()

    assert fitted_effort(Reasoning(budget=31_999), ModelTraits(thinking_efforts=("low", "xhigh")), losses) == "xhigh"
    assert "31999" in losses.entries()[0].reason


@pytest.mark.parametrize(
    ("reasoning", "budget"),
    [
        (Reasoning("off"), 0),
        (Reasoning(budget=0), 0),
        (Reasoning("low"), 1024),
        (Reasoning("high"), 8192),
        (Reasoning("max"), 32_000),
        (Reasoning(budget=100), 1024),
        (Reasoning(budget=99_999), 32_768),
    ],
)
def test_budgets_stay_inside_the_range(reasoning: Reasoning, budget: int) -> None:
    assert budget_of(reasoning, ModelTraits()) == budget
