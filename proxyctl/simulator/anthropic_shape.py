"""The types of an Anthropic Messages body, checked before its rules: a value of the wrong JSON type ends here.

Only what the rules and the answer look into is named; members that must not be there are the rules' business.
"""

from typing import Any

import msgspec

from proxyctl.simulator.violations import explain


class Source(msgspec.Struct):
    type: str
    media_type: str | None = None
    data: str | None = None


class Inner(msgspec.Struct):
    """A block inside a tool result."""

    type: str
    text: str | None = None
    source: Source | None = None


class Block(msgspec.Struct):
    type: str
    text: str | None = None
    source: Source | str | None = None  # a search result's source is its address
    content: str | list[Inner] | dict[str, Any] | None = None
    tool_use_id: str | None = None
    id: str | None = None
    name: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Block]


class Tool(msgspec.Struct):
    name: str = ""
    type: str = "custom"


class Choice(msgspec.Struct):
    type: str
    name: str | None = None


class Thinking(msgspec.Struct):
    type: str
    display: str | None = None
    budget_tokens: int | None = None


class Output(msgspec.Struct):
    effort: str | None = None
    format: dict[str, Any] | None = None


class Body(msgspec.Struct):
    model: str
    messages: list[Message]
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: Output | None = None
    metadata: dict[str, Any] | None = None
    stop_sequences: list[str] | None = None


def misfit(body: dict[str, Any]) -> str | None:
    """What is wrong with the types of `body`, in words; None when all fit."""
    try:
        msgspec.convert(body, Body)
    except msgspec.ValidationError as exc:
        violation = explain(exc)
        said = "Field required" if violation.kind == "missing" else violation.message
        return f"{violation.dotted}: {said}"
    return None
