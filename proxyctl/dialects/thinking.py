"""How much to think: the caller's effort or budget, fitted to the levels that a target takes.

Thresholds and levels: wire notes 2026-11, "reasoning". A level that the target lacks becomes the nearest lower one;
each approximation is a loss.
"""

from __future__ import annotations

from proxyctl.core.chat import Effort, Reasoning
from proxyctl.core.losses import Losses
from proxyctl.dialects.traits import ModelTraits

LEVELS: tuple[Effort, ...] = ("off", "minimal", "low", "medium", "high", "xhigh", "max")
_BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 4096,
    "high": 8192,
    "xhigh": 16384,
    "max": 32000,
}


def effort_of_budget(budget: int) -> Effort:
    """The level that a budget in tokens stands for."""
    if budget <= 0:
        return "off"
    if budget < 2048:
        return "low"
    if budget < 8192:
        return "medium"
    return "high" if budget < 16384 else "xhigh"


def fitted_effort(reasoning: Reasoning, traits: ModelTraits, losses: Losses) -> Effort | None:
    """The level to ask for, `None` when the caller named none; `off` only when the target can be switched off."""
    effort = reasoning.effort
    if effort is None and reasoning.budget is not None:
        effort = effort_of_budget(reasoning.budget)
        if effort != "off":
            losses.add("thinking.budget_tokens", f"a budget of {reasoning.budget} tokens became effort {effort!r}")
    if effort is None:
        return None
    fitted = _nearest(effort, traits)
    if fitted is not None and fitted != effort:
        losses.add("reasoning effort", f"{effort!r} became {fitted!r}: the target has no such level")
    return fitted


def budget_of(reasoning: Reasoning, traits: ModelTraits) -> int | None:
    """The budget in tokens to ask for, within the target's range; `0` for off, `None` when the caller named nothing."""
    if reasoning.effort == "off" or reasoning.budget == 0:
        return 0
    budget = reasoning.budget
    if budget is None:
        if reasoning.effort is None:
            return None
        budget = _BUDGETS[reasoning.effort]
    return max(traits.thinking_budget_min, min(budget, traits.thinking_budget_max))


def _nearest(effort: Effort, traits: ModelTraits) -> Effort | None:
    if effort == "off" and traits.thinking_off:
        return "off"
    rank = LEVELS.index(effort)
    supported = sorted(LEVELS.index(level) for level in traits.thinking_efforts)
    if not supported:
        return None
    lower = [level for level in supported if level <= rank]
    return LEVELS[lower[-1] if lower else supported[0]]
