"""How much a Gemini model should think: a named level on newer models, a token budget on older ones, never both.

Source: wire notes 2026-11, "reasoning". A budget outside the model's range is clamped: a loss.
"""

from __future__ import annotations

from typing import Any

from proxyctl.core.chat import Effort, Reasoning
from proxyctl.core.losses import Losses
from proxyctl.dialects.thinking import fitted_effort
from proxyctl.dialects.traits import ModelTraits

_BUDGETS: dict[Effort, int] = {"low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 32768}
_DYNAMIC = -1


def thinking_config(reasoning: Reasoning | None, traits: ModelTraits, losses: Losses) -> dict[str, Any]:
    """Return `thinkingConfig`, empty when there is nothing to say."""
    if reasoning is None:
        return {}
    off = reasoning.effort == "off" or reasoning.budget == 0
    if traits.thinking == "none":
        if not off and (reasoning.effort or reasoning.budget):
            losses.add("reasoning", "the model cannot be asked to think")
        return {}
    config = _budget(reasoning, traits, losses) if traits.thinking == "budget" else _level(reasoning, traits, losses)
    if reasoning.visible and not off:
        config["includeThoughts"] = True
    return config


def _budget(reasoning: Reasoning, traits: ModelTraits, losses: Losses) -> dict[str, Any]:
    low, high = traits.thinking_budget_min, traits.thinking_budget_max
    if reasoning.effort == "off" or reasoning.budget == 0:
        if not traits.thinking_off:
            losses.add("reasoning", f"the model always thinks: its least, {low} tokens, was asked for")
        return {"thinkingBudget": 0 if traits.thinking_off else low}
    if reasoning.budget is not None:
        wanted = reasoning.budget
        if wanted < 0:
            return {"thinkingBudget": _DYNAMIC}
        given = min(max(wanted, low), high)
        if given != wanted:
            losses.add("reasoning.budget", f"{wanted} tokens are outside {low} to {high}: {given} were asked for")
        return {"thinkingBudget": given}
    if reasoning.effort is None:
        return {}
    least = max(low, 512) if traits.thinking_off else low
    return {"thinkingBudget": min(_BUDGETS.get(reasoning.effort, least), high)}


def _level(reasoning: Reasoning, traits: ModelTraits, losses: Losses) -> dict[str, Any]:
    if reasoning.budget is not None and reasoning.budget < 0:
        return {}
    level = fitted_effort(reasoning, traits, losses)
    if level is None:
        return {}
    return {"thinkingLevel": (traits.thinking_efforts[0] if level == "off" else level).upper()}
