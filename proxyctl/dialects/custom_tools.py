"""Free-text tools of OpenAI's dialects as functions with one argument, and back: elsewhere tools take objects."""

from __future__ import annotations

import msgspec

from proxyctl.core.chat import Tool

_SCHEMA = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def custom_tool(name: str, description: str | None) -> Tool:
    return Tool(name=name, kind="custom", description=description, schema=_SCHEMA)


def custom_arguments(text: str) -> str:
    """A free text as the arguments of the function that stands for its tool."""
    return msgspec.json.encode({"input": text}).decode()


def custom_input(arguments: str) -> str:
    """The free text in `{"input": …}`, or the arguments themselves when the model wrote something else."""
    value = msgspec.json.decode(arguments)
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments
