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
    if choice.mode in ("any", "tool") and not traits.forced_tool_choice:
        losses.add("tool_choice", "the model refuses a forced choice: asked for in words")
        return [forced_tool_sentence(choice, names)]
    body["tool_choice"] = said(choice)
    return []
