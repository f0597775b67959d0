"""Decode a messages request to the canonical form. What no translation can carry is refused by name."""

from __future__ import annotations

from proxyctl.core.chat import ChatRequest, Effort, JsonFormat, Message, Reasoning, Role, Tool, ToolCallPart, ToolChoice
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.anthropic_messages import wire
from proxyctl.dialects.anthropic_messages.blocks import BlockReader
from proxyctl.dialects.base import uncarried
from proxyctl.dialects.typed import decode_typed

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
THREAD_CODE = "thread_unsupported_request"


def decode_request(body: bytes) -> ChatRequest:
    """Raises `DecodeError` for what is not as documented, `UnsupportedError` for what no translation can carry.

    `max_tokens` may be missing, because the counting endpoint takes the same body without it.
    """
    request = decode_typed(wire.request_decoder, body)
    if not request.model:
        raise DecodeError("a model name is required", path="model")
    if not request.messages:
        raise DecodeError("at least one message is required", path="messages")
    _refuse_untranslatable(request)
    reader = BlockReader(body)
    system = reader.system(request.system)
    messages = tuple(_message(message, index, reader) for index, message in enumerate(request.messages))
    choice = request.tool_choice
    parallel = choice.disable_parallel_tool_use if choice is not None else None
    return ChatRequest(
        model=request.model,
        messages=messages,
        system=system,
        tools=tuple(_tool(tool, index) for index, tool in enumerate(request.tools or ())),
        tool_choice=_tool_choice(choice),
        parallel_tool_calls=None if parallel is None else not parallel,
        max_output=_limit(request.max_tokens),
        stop=tuple(request.stop_sequences or ()),
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        format=_format(request),
        reasoning=_reasoning(request),
        user=request.metadata.user_id if request.metadata is not None else None,
        service_tier=request.service_tier,
        stream=bool(request.stream),
        include_usage=True,
        extras=(*uncarried(body, wire.CARRIED, wire.UNCOUNTED), *reader.dropped, *_own_configs(request)),
    )


def _refuse_untranslatable(request: wire.Request) -> None:
    if bytes(request.thread) not in (b"", b"null"):
        raise UnsupportedError(
            "a translated conversation has no thread on a server: send its whole history",
            param="thread",
            code=THREAD_CODE,
        )
    if request.mcp_servers:
        raise UnsupportedError("MCP servers cannot be called by this model's provider", param="mcp_servers")


def _message(message: wire.Message, index: int, reader: BlockReader) -> Message:
    if message.role not in _ROLES:
        raise DecodeError(f"unknown role {message.role!r}", path=f"messages[{index}].role")
    parts = tuple(reader.message(message.content, index))
    if message.role != "assistant" and any(isinstance(part, ToolCallPart) for part in parts):
        raise DecodeError("a tool_use block belongs to the assistant", path=f"messages[{index}].content")
    return Message(_ROLES[message.role], parts)


def _tool(tool: wire.Tool, index: int) -> Tool:
    if tool.type not in (None, "custom"):
        raise UnsupportedError(
            f"the tool {tool.name!r} runs at its provider ({tool.type}) and cannot be translated",
            param=f"tools[{index}].type",
        )
    if tool.input_schema is None:
        raise DecodeError("a tool needs a schema", path=f"tools[{index}].input_schema")
    return Tool(
        name=tool.name,
        description=tool.description,
        schema=tool.input_schema,
        strict=tool.strict,
        cache_ttl=None if tool.cache_control is None else tool.cache_control.ttl or "5m",
    )


def _tool_choice(choice: wire.ToolChoice | None) -> ToolChoice | None:
    if choice is None:
        return None
    match choice.type:
        case "auto" | "any" | "none":
            return ToolChoice(choice.type)
        case "tool" if choice.name:
            return ToolChoice("tool", choice.name)
        case "tool":
            raise DecodeError("it names no tool", path="tool_choice.name")
        case _:
            raise DecodeError(f"{choice.type!r} is none of auto, any, tool, none", path="tool_choice.type")


def _limit(max_tokens: int | None) -> int | None:
    if max_tokens is None:
        return None
    if max_tokens < 0:
        raise DecodeError("it must not be negative", path="max_tokens")
    return max(1, max_tokens)  # 0 warms a cache; elsewhere the least is one token


def _format(request: wire.Request) -> JsonFormat | None:
    config = request.output_config
    wanted = config.format if config is not None and config.format is not None else request.output_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type != "json_schema" or wanted.schema is None:
        raise DecodeError("it must be a json_schema with its schema", path="output_config.format")
    return JsonFormat(wanted.schema, "output", strict=True)


def _reasoning(request: wire.Request) -> Reasoning | None:
    thinking = request.thinking
    word = request.output_config.effort if request.output_config is not None else None
    if word is not None and word not in _EFFORTS:
        raise DecodeError(f"{word!r} is none of {', '.join(_EFFORTS)}", path="output_config.effort")
    effort = _EFFORTS[word] if word is not None else None
    if thinking is None:
        return None if effort is None else Reasoning(effort)
    visible = thinking.display != "omitted"
    match thinking.type:
        case "adaptive":
            return Reasoning(effort, None, visible)
        case "enabled":
            return Reasoning(effort, thinking.budget_tokens, visible)
        case "disabled" | "between_tools":
            return Reasoning("off", None, visible=False)
        case _:
            raise DecodeError(f"unknown type {thinking.type!r}", path="thinking.type")


def _own_configs(request: wire.Request) -> list[str]:
    return [
        f"messages[{index}].output_config"
        for index, message in enumerate(request.messages)
        if bytes(message.output_config) not in (b"", b"null")
    ]
