"""Fit a messages body that passes through to what its model takes of sampling and thinking.

Clients write for the models that they know, and routing may send what they wrote to another one. What fits stays as it
came, everything else about the body too; each change is a loss. A body that was translated fits already: its encoder
obeys the same traits. Source: wire notes 2026-11, "Anthropic" and "reasoning".
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxyctl.core.chat import Reasoning
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages import wire
from proxyctl.dialects.base import Fields
from proxyctl.dialects.thinking import fitted_effort
from proxyctl.dialects.traits import ModelTraits

_SAMPLING = ("temperature", "top_p", "top_k")
_BUDGET, _OFF = "enabled", ("disabled", "between_tools")
_thinking = msgspec.json.Decoder(wire.Thinking)
_config = msgspec.json.Decoder(dict[str, Raw] | None)


def fit_sampling(fields: Fields, traits: ModelTraits, losses: Losses) -> None:
    """Take off what the model refuses: all of it, or one of two that exclude each other."""
    if not traits.sampling:
        for name in _SAMPLING:
            if fields.pop(name, None) is not None:
                losses.add(name, "this model does not take it")
    elif not traits.temperature_with_top_p and "temperature" in fields and fields.pop("top_p", None) is not None:
        losses.add("top_p", "this model takes it only without a temperature")


def fit_thinking(fields: Fields, traits: ModelTraits, losses: Losses, *, by_budget: bool) -> None:
    """Ask for thinking in the form that the model knows.

    `by_budget`: it takes a budget in tokens, alone or beside the adaptive form. What is unreadable is left to the
    provider, who says what is wrong with it.
    """
    written = fields.get("thinking")
    if not isinstance(written, Raw):
        return
    try:
        asked = _thinking.decode(written)
        config = _config.decode(fields.get("output_config", Raw(b"null"))) or {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if traits.thinking != "adaptive":
        _without_adaptive(fields, asked, losses, by_budget=by_budget)
    elif asked.type == _BUDGET and not by_budget:
        _adaptive(fields, config, Reasoning(None, asked.budget_tokens), asked.display, traits, losses)
    elif asked.type in _OFF and not traits.thinking_off:
        _adaptive(fields, config, Reasoning("off"), asked.display, traits, losses)
    elif asked.type in _OFF and asked.type != traits.thinking_off_type:
        fields["thinking"] = {"type": traits.thinking_off_type}


def _without_adaptive(fields: Fields, asked: wire.Thinking, losses: Losses, *, by_budget: bool) -> None:
    if asked.type == "between_tools" and by_budget:
        fields["thinking"] = {"type": "disabled"}
    elif asked.type == "adaptive" or not by_budget:
        del fields["thinking"]
        if asked.type not in _OFF:
            losses.add("thinking", "this model does not take it in this form: not asked for")


def _adaptive(
    fields: Fields,
    config: dict[str, Raw],
    reasoning: Reasoning,
    display: str | None,
    traits: ModelTraits,
    losses: Losses,
) -> None:
    """The model decides how long to think; an effort that the caller named himself stands."""
    fields["thinking"] = {"type": "adaptive"} if display is None else {"type": "adaptive", "display": display}
    if "effort" in config:
        losses.add("thinking", "this model decides itself how long to think: asked for by effort alone")
        return
    effort = fitted_effort(reasoning, traits, losses)
    if effort is not None:
        fields["output_config"] = {**config, "effort": effort}
