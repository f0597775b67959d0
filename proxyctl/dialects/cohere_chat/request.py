"""A canonical request as the body of Cohere's `POST /v2/chat`.

Cohere refuses what it does not know and much that others take: no named tool, one of two penalties, a schema only
without tools and only with something required. Each of these is met here or told as a loss.
Source: wire notes 2026-11, "Cohere v2".
"""

from __future__ import annotations

from typing import Any

from proxyctl.core.chat import ChatRequest, Reasoning, Tool, ToolChoice
from proxyctl.core.errors import BadRequestError, UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.cohere_chat.messages import MessageWriter
from proxyctl.dialects.emptied import system_as_user
from proxyctl.dialects.history import repaired, without_mid_system
from proxyctl.dialects.json_schema import asked_in_words, objects_require_something, tool_schema, without_annotations
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.traits import ModelTraits

STOP_LIMIT = 5
_TOP_P = (0.01, 0.99)
_TOP_K = (0, 500)
_PENALTY = (0.0, 1.0)
_TEMPERATURE_MAX = 1.0


def encode_request(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    """Raises `UnsupportedError` for what Cohere or we must refuse, `BadRequestError` for a choice of no tool."""
    names = ToolNames.of(request.tools, traits, losses)
    history = without_mid_system(repaired(request.messages, losses), losses)
    messages = MessageWriter(traits, names, losses).write(history)
    tools = _tools(request, traits, names, losses)
    format_fields, instruction = _format(request, traits, losses)
    system = "\n\n".join([*(part.text for part in request.system if part.text), *instruction])
    if not messages:
        system_as_user(request, losses)
        messages, system = [{"role": "user", "content": system}], ""
    if messages[-1]["role"] == "assistant" and not traits.prefill:
        raise UnsupportedError(
            f"{request.model} does not continue an assistant message.",
            hint="End the conversation with a user message.",
            param="messages",
        )
    if system:
        messages.insert(0, {"role": "system", "content": system})
    fields: Fields = {"model": request.model, "messages": messages, "stream": request.stream}
    fields.update(tools)
    fields.update(format_fields)
    fields.update(_limits(request, traits, losses))
    fields.update(_sampling(request, traits, losses))
    fields.update(_thinking(request.reasoning, traits, losses))
    if request.service_tier not in {None, "auto", "default"}:
        losses.add("service_tier", "Cohere has no such tiers")
    return fields


def _tools(request: ChatRequest, traits: ModelTraits, names: ToolNames, losses: Losses) -> Fields:
    choice = request.tool_choice
    if not request.tools:
        if choice is not None and choice.mode not in {"auto", "none"}:
            losses.add("tool_choice", "there are no tools to choose from")
        return {}
    if not traits.tools:
        raise UnsupportedError("This model takes no tools.", param="tools")
    if request.parallel_tool_calls is False:
        losses.add("parallel_tool_calls", "Cohere cannot be told to call one tool at a time")
    offered = _offered(request.tools, choice, losses)
    fields: Fields = {"tools": [_tool(tool, names) for tool in offered]}
    if choice is not None and choice.mode != "auto":
        fields["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"
    if all(tool.strict and (tool.schema or {}).get("required") for tool in offered):
        fields["strict_tools"] = True
    elif any(tool.strict for tool in offered):
        losses.add("tools.strict", "Cohere takes all tools strict, each with a required parameter, or none")
    return fields


def _offered(tools: tuple[Tool, ...], choice: ToolChoice | None, losses: Losses) -> list[Tool]:
    """Only the tools that may be called: Cohere cannot name one."""
    if choice is None:
        return list(tools)
    wanted = choice.allowed
    if choice.mode == "tool":
        wanted = (choice.name or "",)
        losses.add("tool_choice", "Cohere takes no named tool: only that one was offered, and some call required")
    if not wanted:
        return list(tools)
    offered = [tool for tool in tools if tool.name in wanted]
    if not offered:
        raise BadRequestError(f"tool_choice names no tool of the request: {', '.join(wanted)}", param="tool_choice")
    return offered


def _tool(tool: Tool, names: ToolNames) -> dict[str, Any]:
    function: dict[str, Any] = {"name": names.forward(tool.name)}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool_schema(tool.schema) or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _format(request: ChatRequest, traits: ModelTraits, losses: Losses) -> tuple[Fields, list[str]]:
    """Return `response_format`, or the sentence that must stand in for it."""
    wanted = request.format
    if wanted is None:
        return {}, []
    if request.tools or not traits.json_schema:
        losses.add("format", "Cohere takes no response format beside tools: it was asked for in words")
        return {}, [asked_in_words(wanted)]
    if wanted.schema is None:
        return {"response_format": {"type": "json_object"}}, []
    if not objects_require_something(wanted.schema):
        losses.add("format.schema", "Cohere refuses objects without a required property: it was asked for in words")
        return {"response_format": {"type": "json_object"}}, [asked_in_words(wanted)]
    schema = without_annotations(wanted.schema)
    return {"response_format": {"type": "json_object", "json_schema": schema}}, []


def _limits(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    fields: Fields = {}
    if request.max_output is not None:
        fields["max_tokens"] = request.max_output
        if traits.max_output is not None and request.max_output > traits.max_output:
            fields["max_tokens"] = traits.max_output
            losses.add("max_output", f"the model writes at most {traits.max_output} tokens")
    limit = traits.stop_limit or STOP_LIMIT
    if len(request.stop) > limit:
        raise UnsupportedError(f"Cohere takes at most {limit} stop sequences, not {len(request.stop)}.", param="stop")
    if request.stop:
        fields["stop_sequences"] = list(request.stop)
    return fields


def _sampling(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    fields: Fields = {}
    highest = min(traits.temperature_max, _TEMPERATURE_MAX)
    if request.temperature is not None:
        fields["temperature"] = _clamped("temperature", request.temperature, (0.0, highest), losses)
    if request.top_p is not None:
        fields["p"] = _clamped("top_p", request.top_p, _TOP_P, losses)
    if request.top_k is not None:
        fields["k"] = int(_clamped("top_k", request.top_k, _TOP_K, losses))
    if request.seed is not None:
        fields["seed"] = request.seed
    if request.frequency_penalty:
        fields["frequency_penalty"] = _clamped("frequency_penalty", request.frequency_penalty, _PENALTY, losses)
    if request.presence_penalty and "frequency_penalty" in fields:
        losses.add("presence_penalty", "Cohere takes one of two penalties: the frequency penalty was kept")
    elif request.presence_penalty:
        fields["presence_penalty"] = _clamped("presence_penalty", request.presence_penalty, _PENALTY, losses)
    return fields


def _clamped(field: str, value: float, bounds: tuple[float, float], losses: Losses) -> float:
    low, high = bounds
    if low <= value <= high:
        return value
    losses.add(field, f"{value} is outside Cohere's {low} to {high}")
    return min(max(value, low), high)


def _thinking(reasoning: Reasoning | None, traits: ModelTraits, losses: Losses) -> Fields:
    """Thinking is on or off, with a budget at most; a named effort only says on."""
    if reasoning is None or (reasoning.effort is None and reasoning.budget is None):
        return {}
    off = reasoning.effort == "off" or reasoning.budget == 0
    if traits.thinking == "none":
        if not off:
            losses.add("reasoning", "the model cannot be asked to think")
        return {}
    if off:
        return {"thinking": {"type": "disabled"}}
    if reasoning.budget is not None and reasoning.budget > 0:
        return {"thinking": {"type": "enabled", "token_budget": reasoning.budget}}
    if reasoning.effort is not None:
        losses.add("reasoning.effort", f"Cohere knows no effort {reasoning.effort!r}: thinking was switched on")
    return {"thinking": {"type": "enabled"}}
