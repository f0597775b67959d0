"""A caller's tool choice, for targets that cannot say it: narrow the tools, or ask in words."""

from __future__ import annotations

from collections.abc import Callable

from proxyctl.core.chat import ChatRequest, Tool, ToolChoice
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.traits import ModelTraits

OPENAI_MODES = {"auto": "auto", "none": "none", "any": "required"}


def allowed_tools(request: ChatRequest, losses: Losses) -> tuple[Tool, ...]:
    """The tools that the choice leaves. Narrowing is a loss: it changes the prompt that providers cache."""
    choice = request.tool_choice
    if choice is None or not choice.allowed:
        return request.tools
    losses.add("tool_choice.allowed_tools", "only the allowed tools were sent")
    return tuple(tool for tool in request.tools if tool.name in choice.allowed)


def offered_tools(request: ChatRequest, traits: ModelTraits, losses: Losses) -> tuple[Tool, ...]:
    """The tools to send where a choice can be said by nothing else: none, the named one, or the allowed ones."""
    choice = request.tool_choice
    if choice is None or not request.tools:
        return request.tools
    if choice.mode == "none" and not traits.tool_choice:
        losses.add("tools", "the tools were left out: the target cannot be told not to call them")
        return ()
    if choice.mode == "tool" and not (traits.tool_choice and traits.named_tool_choice):
        losses.add("tool_choice", "only the chosen tool was sent: the target passes over a choice by name")
        return tuple(tool for tool in request.tools if tool.name == choice.name)
    return allowed_tools(request, losses)


def forced_tool_sentence(choice: ToolChoice, names: ToolNames) -> str:
    """What to say to a model that refuses a forced choice."""
    if choice.mode == "tool" and choice.name:
        return f"Call the tool {names.forward(choice.name)} now."
    return "Call one of the tools now."


def put_openai_choice(
    body: Fields,
    request: ChatRequest,
    traits: ModelTraits,
    names: ToolNames,
    losses: Losses,
    said: Callable[[ToolChoice], Fields | str],
) -> list[str]:
    """Write the choice as OpenAI's dialects have it, in the words of `said`, and whether calls may be parallel.

    Returns the sentences that stand in for a choice that the model refuses.
    """
    if request.parallel_tool_calls is not None:
        if traits.parallel_switch:
            body["parallel_tool_calls"] = request.parallel_tool_calls
        elif not request.parallel_tool_calls:
            losses.add("parallel_tool_calls", "the target cannot be told to call one tool at a time")
    choice = request.tool_choice
    if choice is None:
        return []
    if choice.mode in ("any", "tool") and not (traits.forced_tool_choice and traits.tool_choice):
        losses.add("tool_choice", "the target takes no forced choice: asked for in words")
        return [forced_tool_sentence(choice, names)]
    if traits.tool_choice:
        by_name = choice.mode != "tool" or traits.named_tool_choice
        body["tool_choice"] = said(choice if by_name else ToolChoice("any"))
    return []
