"""Tools and tool choice as Gemini's function declarations and calling modes.

Parameters always travel as `parametersJsonSchema`, which takes plain JSON Schema; the older `parameters` field refuses
half of it. A function without parameters has no schema at all: an empty object is refused by older models.
"""

from __future__ import annotations

from typing import Any

from proxyctl.core.chat import ChatRequest, Tool, ToolChoice
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.json_schema import tool_schema
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.traits import ModelTraits


def tool_fields(request: ChatRequest, traits: ModelTraits, names: ToolNames, losses: Losses) -> dict[str, Any]:
    """Return `tools` and `toolConfig` as far as there is something to say. Raises `UnsupportedError`."""
    choice = request.tool_choice
    if not request.tools:
        if choice is not None and choice.mode not in {"auto", "none"}:
            losses.add("tool_choice", "there are no tools to choose from")
        return {}
    if not traits.tools:
        raise UnsupportedError("This model takes no tools.", param="tools")
    if request.parallel_tool_calls is False:
        losses.add("parallel_tool_calls", "Gemini cannot be told to call one tool at a time")
    declarations = [_declaration(tool, names, losses, index) for index, tool in enumerate(request.tools)]
    fields: dict[str, Any] = {"tools": [{"functionDeclarations": declarations}]}
    if choice is not None:
        fields["toolConfig"] = {"functionCallingConfig": _calling(choice, names)}
    return fields


def _declaration(tool: Tool, names: ToolNames, losses: Losses, index: int) -> dict[str, Any]:
    if tool.strict:
        losses.add(f"tools[{index}].strict", "Gemini has no strict tools")
    declaration: dict[str, Any] = {"name": names.forward(tool.name)}
    if tool.description:
        declaration["description"] = tool.description
    schema = tool_schema(tool.schema)
    if schema is not None:
        declaration["parametersJsonSchema"] = schema
    return declaration


def _calling(choice: ToolChoice, names: ToolNames) -> dict[str, Any]:
    allowed = [names.forward(name) for name in choice.allowed]
    match choice.mode:
        case "none":
            return {"mode": "NONE"}
        case "tool":
            return {"mode": "ANY", "allowedFunctionNames": [names.forward(choice.name or "")]}
        case "any":
            return {"mode": "ANY", "allowedFunctionNames": allowed} if allowed else {"mode": "ANY"}
        case "auto":
            return {"mode": "VALIDATED", "allowedFunctionNames": allowed} if allowed else {"mode": "AUTO"}
