"""A caller's tool choice, for targets that cannot say it: narrow the tools, or ask in words."""

from __future__ import annotations

from proxyctl.core.chat import ChatRequest, Tool, ToolChoice
from proxyctl.core.losses import Losses
from proxyctl.dialects.names import ToolNames


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
