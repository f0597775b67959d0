"""Decode a `generateContent` request to the canonical form. What no translation can carry is refused by name.

The model and streaming stand in the request's address, not in its body: both are filled in by whoever read that.
Source: wire notes 2026-11, "Google Gemini" and "translation through one canonical form".
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from proxyctl.core.chat import ChatRequest, Effort, JsonFormat, Message, Reasoning, TextPart, Tool, ToolChoice
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.base import Fields, decode_fields, encode_json, uncarried
from proxyctl.dialects.gemini_generate import asked
from proxyctl.dialects.gemini_generate.schema import json_schema
from proxyctl.dialects.gemini_generate.spelling import REQUEST, camel
from proxyctl.dialects.gemini_generate.turns import ContentReader
from proxyctl.dialects.typed import decode_typed

_UNCOUNTED = frozenset({"model", "store", "labels", "cachedContent", "continuationToken"})
_CONFIG_UNCOUNTED = frozenset({"responseModalities", "candidateCount"})
_EFFORTS: dict[str, Effort | None] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
    "THINKING_LEVEL_UNSPECIFIED": None,
}
_TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
_JSON = "application/json"
_ENUM = "text/x.enum"
_NOTHING = (b"", b"null")


def decode_request(body: bytes) -> ChatRequest:
    """Raises `DecodeError` for what is not as documented, `UnsupportedError` for what no translation can carry."""
    try:
        fields = decode_fields(camel(body, REQUEST))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise DecodeError(f"not valid JSON: {exc}") from exc
    contents = fields.pop("contents", Raw(b"[]"))
    rest = encode_json(fields)  # what is left is small: the contents are read once
    request = decode_typed(asked.request_decoder, rest)
    config_text = bytes(request.generation_config)
    config_text = b"{}" if config_text in _NOTHING else config_text
    config = decode_typed(asked.config_decoder, config_text, under="generationConfig")
    _refuse_untranslatable(request, config)
    reader = ContentReader()
    system = reader.system(request.system_instruction)
    messages = reader.conversation(contents)
    if not messages:
        raise DecodeError("at least one content is required", path="contents")
    leading, messages = _leading_system(messages)
    tools, uncarried_tools = _tools(request.tools)
    form, asked_in_words = _format(config)
    return ChatRequest(
        model="",
        messages=messages,
        system=(*system, *leading, *asked_in_words),
        tools=tools,
        tool_choice=_tool_choice(request.tool_config),
        max_output=_positive(config.max_output_tokens),
        stop=tuple(config.stop_sequences or ()),
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=None if config.top_k is None else int(config.top_k),
        frequency_penalty=config.frequency_penalty,
        presence_penalty=config.presence_penalty,
        seed=config.seed,
        format=form,
        reasoning=_reasoning(config.thinking_config),
        service_tier=_TIERS.get(request.service_tier.lower()) if request.service_tier else None,
        include_usage=True,
        extras=(
            *uncarried(rest, asked.names_of(asked.Request), _UNCOUNTED),
            *_below("generationConfig", config_text, asked.GenerationConfig),
            *(["generationConfig.responseMimeType"] if asked_in_words else []),
            *_tool_config_extras(fields),
            *uncarried_tools,
            *reader.dropped,
        ),
    )


def _refuse_untranslatable(request: asked.Request, config: asked.GenerationConfig) -> None:
    if request.cached_content:
        raise UnsupportedError(
            "cached content is known only to the provider that keeps it", hint="send it whole", param="cachedContent"
        )
    if request.continuation_token:
        raise UnsupportedError("only the provider that paused can continue", param="continuationToken")
    if (config.candidate_count or 1) != 1:
        raise UnsupportedError("only one candidate can be translated", param="generationConfig.candidateCount")
    modalities = {word.upper() for word in config.response_modalities or ()} - {"TEXT", "MODALITY_UNSPECIFIED"}
    if modalities:
        raise UnsupportedError("only text output can be translated", param="generationConfig.responseModalities")


def _leading_system(messages: tuple[Message, ...]) -> tuple[list[TextPart], tuple[Message, ...]]:
    """Split off system contents that come first: some clients write their instruction so."""
    count = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    texts = [part for message in messages[:count] for part in message.parts if isinstance(part, TextPart)]
    return texts, messages[count:]


def _tools(value: Raw) -> tuple[tuple[Tool, ...], list[str]]:
    """The functions, and the paths of what runs at the provider: nobody else has those tools."""
    tools: list[Tool] = []
    others: list[str] = []
    try:
        written = asked.items(value)
    except msgspec.DecodeError as exc:
        raise DecodeError(f"not valid JSON: {exc}", path="tools") from exc
    for index, text in enumerate(written):
        path = f"tools[{index}]"
        tool = decode_typed(asked.tool_decoder, text, under=path)
        others += [f"{path}.{name}" for name in decode_fields(text) if name != "functionDeclarations"]
        for position, declaration in enumerate(tool.function_declarations or ()):
            tools.append(_declared(declaration, f"{path}.functionDeclarations[{position}]"))
    return tuple(tools), others


def _declared(declaration: asked.FunctionDeclaration, path: str) -> Tool:
    if not declaration.name:
        raise DecodeError("a function's name is required", path=f"{path}.name")
    plain, proto = declaration.parameters_json_schema, declaration.parameters
    schema = _schema(plain, f"{path}.parametersJsonSchema") or _schema(proto, f"{path}.parameters")
    return Tool(name=declaration.name, description=declaration.description, schema=schema)


def _schema(value: Raw, path: str) -> dict[str, Any] | None:
    if bytes(value) in _NOTHING:
        return None
    return json_schema(decode_typed(asked.object_decoder, value, under=path))


def _tool_choice(config: asked.ToolConfig | None) -> ToolChoice | None:
    calling = config.function_calling_config if config is not None else None
    if calling is None or calling.mode in (None, "MODE_UNSPECIFIED"):
        return None
    allowed = tuple(calling.allowed_function_names or ())
    match calling.mode:
        case "NONE":
            return ToolChoice("none")
        case "AUTO":
            return ToolChoice("auto")
        case "VALIDATED":
            return ToolChoice("auto", allowed=allowed)
        case "ANY" if len(allowed) == 1:
            return ToolChoice("tool", allowed[0])
        case "ANY":
            return ToolChoice("any", allowed=allowed)
        case _:
            raise DecodeError(
                f"{calling.mode!r} is none of AUTO, ANY, NONE, VALIDATED", path="toolConfig.functionCallingConfig.mode"
            )


def _format(config: asked.GenerationConfig) -> tuple[JsonFormat | None, tuple[TextPart, ...]]:
    """The answer's form, and the words that ask for one of a few texts: an enum is answered bare, without JSON."""
    path = "generationConfig.responseSchema"
    schema = _schema(config.response_json_schema, path) or _schema(config.response_schema, path)
    kind = config.response_mime_type or ""
    if kind == _ENUM:
        words = ", ".join(map(str, (schema or {}).get("enum") or ()))
        return None, (TextPart(text=f"Answer with exactly one of these, and nothing else: {words}"),)
    if schema is not None:
        return JsonFormat(schema), ()
    return (JsonFormat() if kind == _JSON else None), ()


def _reasoning(config: asked.ThinkingConfig | None) -> Reasoning | None:
    if config is None:
        return None
    level = config.thinking_level
    if level is not None and level.upper() not in _EFFORTS:
        raise DecodeError(
            f"{level!r} is none of {', '.join(_EFFORTS)}", path="generationConfig.thinkingConfig.thinkingLevel"
        )
    effort = _EFFORTS[level.upper()] if level is not None else None
    budget = config.thinking_budget
    visible = bool(config.include_thoughts)
    if budget == 0:
        return Reasoning("off", None, visible=False)
    if effort is None and budget is None and not visible:
        return None
    return Reasoning(effort, budget if budget is not None and budget > 0 else None, visible)


def _positive(limit: int | None) -> int | None:
    if limit is not None and limit < 0:
        raise DecodeError("it must not be negative", path="generationConfig.maxOutputTokens")
    return limit or None


def _tool_config_extras(fields: Fields) -> list[str]:
    text = bytes(fields.get("toolConfig", b"null"))
    return [] if text == b"null" else _below("toolConfig", text, asked.ToolConfig)


def _below(path: str, text: bytes, carried: type[msgspec.Struct]) -> list[str]:
    return [f"{path}.{name}" for name in uncarried(text, asked.names_of(carried), _CONFIG_UNCOUNTED)]
