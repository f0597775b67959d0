"""Decode a chat-completions request to the canonical form.

Boundary: this reads what a client wrote and refuses what is not as documented; whether a target can serve it is the
encoders' business. A message keeps its place, so that a loss can name it.
"""

from __future__ import annotations

from typing import Literal

from proxyctl.core.chat import (
    ChatRequest,
    Effort,
    JsonFormat,
    Message,
    Reasoning,
    TextPart,
    Tool,
    ToolChoice,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.base import NOTHING, uncarried
from proxyctl.dialects.custom_tools import custom_tool
from proxyctl.dialects.openai_chat import wire
from proxyctl.dialects.openai_chat.turns import decode_message
from proxyctl.dialects.sources import is_cited
from proxyctl.dialects.typed import decode_typed

_MODES: dict[str, Literal["auto", "none", "any"]] = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
_EFFORTS: dict[str, Effort | None] = {
    "none": "off",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
    "default": None,
    "auto": None,
}


def decode_request(body: bytes) -> ChatRequest:
    """Raises `DecodeError` for what is not as documented, `UnsupportedError` for what no translation can carry."""
    request = decode_typed(wire.request_decoder, body)
    if not request.model:
        raise DecodeError("a model name is required", path="model")
    if not request.messages:
        raise DecodeError("at least one message is required", path="messages")
    _refuse_untranslatable(request)
    system, messages, dropped = _conversation(request.messages)
    return ChatRequest(
        model=request.model,
        messages=messages,
        system=system,
        tools=_tools(request),
        tool_choice=_tool_choice(request),
        parallel_tool_calls=request.parallel_tool_calls,
        max_output=_positive(request.max_completion_tokens, "max_completion_tokens")
        or _positive(request.max_tokens, "max_tokens"),
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        seed=request.seed,
        format=_format(request.response_format),
        reasoning=_reasoning(request),
        user=request.user or request.safety_identifier,
        service_tier=request.service_tier,
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        extras=(*uncarried(body, wire.CARRIED, wire.UNCOUNTED), *_grammars(request), *dropped),
    )


def _refuse_untranslatable(request: wire.Request) -> None:
    if request.n is not None and request.n != 1:
        raise UnsupportedError("only one choice can be translated: leave n out, or set it to 1", param="n")
    if request.web_search_options is not None:
        raise UnsupportedError("web search cannot be translated to this model's provider", param="web_search_options")
    if request.modalities and set(request.modalities) - {"text"}:
        raise UnsupportedError("only text output can be translated", param="modalities")


def _conversation(
    messages: list[wire.Message],
) -> tuple[tuple[TextPart, ...], tuple[Message, ...], list[str]]:
    """Split the leading system messages off; return them, the rest, and the paths of what was dropped."""
    system: list[TextPart] = []
    turns: list[Message] = []
    dropped: list[str] = []
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        turn = decode_message(message, path, index, turns)
        if turn.role == "system" and not turns:
            system += [part for part in turn.parts if isinstance(part, TextPart)]
        else:
            turns.append(turn)
        if message.name and message.role not in ("tool", "function"):
            dropped.append(f"{path}.name")
        if message.audio is not None:
            dropped.append(f"{path}.audio")
        if bytes(message.annotations) not in {*NOTHING, b""} and not any(map(is_cited, turn.parts)):
            dropped.append(f"{path}.annotations")
        if isinstance(message.content, list):
            signed = [place for place, part in enumerate(message.content) if part.signature is not None]
            dropped += [f"{path}.content[{place}].signature" for place in signed]
    return tuple(system), tuple(turns), dropped


def _tools(request: wire.Request) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for index, tool in enumerate(request.tools or ()):
        if tool.type == "function" and tool.function is not None:
            tools.append(_function(tool.function, _ttl(tool.cache_control)))
        elif tool.type == "custom" and tool.custom is not None:
            tools.append(custom_tool(tool.custom.name, tool.custom.description))
        elif tool.type in ("function", "custom"):
            raise DecodeError(f"a {tool.type} tool needs its {tool.type!r} object", path=f"tools[{index}]")
        else:
            raise UnsupportedError(f"the tool type {tool.type!r} cannot be translated", param=f"tools[{index}].type")
    tools += [_function(function, None) for function in request.functions or ()]
    return tuple(tools)


def _function(function: wire.FunctionTool, ttl: str | None) -> Tool:
    return Tool(
        name=function.name,
        description=function.description,
        schema=function.parameters,
        strict=function.strict,
        cache_ttl=ttl,
    )


def _tool_choice(request: wire.Request) -> ToolChoice | None:
    choice = request.tool_choice
    if isinstance(choice, wire.ToolChoice):
        return _chosen(choice)
    if choice is not None:
        return ToolChoice(_mode(choice, "tool_choice"))
    if isinstance(request.function_call, wire.NamedTool):
        return ToolChoice("tool", request.function_call.name)
    return None if request.function_call is None else ToolChoice(_mode(request.function_call, "function_call"))


def _chosen(choice: wire.ToolChoice) -> ToolChoice:
    if choice.allowed_tools is not None:
        allowed = choice.allowed_tools
        names = (tool.name or (tool.function or tool.custom or wire.NamedTool("")).name for tool in allowed.tools)
        return ToolChoice(_mode(allowed.mode, "tool_choice.allowed_tools.mode"), None, tuple(filter(None, names)))
    named = choice.function or choice.custom
    name = named.name if named is not None else choice.name
    if not name:
        raise DecodeError("it names no tool", path="tool_choice")
    return ToolChoice("tool", name)


def _mode(word: str, path: str) -> Literal["auto", "none", "any"]:
    if word not in _MODES:
        raise DecodeError(f"{word!r} is none of auto, none, required", path=path)
    return _MODES[word]


def _format(wanted: wire.ResponseFormat | None) -> JsonFormat | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return JsonFormat()
    if wanted.type != "json_schema":
        raise DecodeError(f"unknown format {wanted.type!r}", path="response_format.type")
    schema = wanted.json_schema
    if schema is None:
        raise DecodeError("it needs a json_schema object", path="response_format")
    return JsonFormat(schema.schema or {}, schema.name, schema.strict, schema.description)


def _reasoning(request: wire.Request) -> Reasoning | None:
    options = request.reasoning or wire.ReasoningOptions()
    word = request.reasoning_effort if request.reasoning_effort is not None else options.effort
    visible = request.include_reasoning if options.exclude is None else not options.exclude
    effort: Effort | None = None
    if word is not None:
        if word not in _EFFORTS:
            raise DecodeError(f"{word!r} is none of {', '.join(_EFFORTS)}", path="reasoning_effort")
        effort = _EFFORTS[word]
    if options.enabled is False:
        effort = "off"
    if effort is None and options.max_tokens is None and visible is None:
        return None
    return Reasoning(effort, options.max_tokens if effort is None else None, visible)


def _positive(value: int | None, path: str) -> int | None:
    if value is not None and value < 1:
        raise DecodeError("it must be at least 1", path=path)
    return value


def _grammars(request: wire.Request) -> list[str]:
    return [
        f"tools[{index}].custom.format"
        for index, tool in enumerate(request.tools or ())
        if tool.custom is not None and tool.custom.format and tool.custom.format.get("type") != "text"
    ]


def _ttl(mark: wire.Breakpoint | None) -> str | None:
    return None if mark is None else mark.ttl or "5m"
