"""What every encoder does alike to a tool call of the history that its target cannot be told as it is."""

from __future__ import annotations

from proxyctl.core.chat import ToolCallPart, normal_arguments
from proxyctl.core.losses import Losses


def object_arguments(call: ToolCallPart, losses: Losses) -> str:
    """A call's arguments as the text of a JSON object: all that targets take. What was none is a loss."""
    arguments = normal_arguments(call.arguments)
    if arguments != call.arguments and call.arguments.strip():
        losses.add(f"tool call {call.id}", "arguments that are no JSON object were wrapped in one")
    return arguments


def miss_signature(call: ToolCallPart, losses: Losses) -> None:
    """Note that a call's proof, if it has one, is not sent: only its maker can read it."""
    if call.signature is not None:
        losses.add(f"tool call {call.id}", "another provider's signature was left out")
