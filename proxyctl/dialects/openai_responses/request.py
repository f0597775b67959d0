"""Decode a responses request to the canonical form.

Boundary: this reads what a client wrote and refuses what is not as documented; whether a target can serve it is the
encoders' business. What a provider keeps for its callers (earlier responses, conversations, prompts, files) exists for
nobody else: a request that builds on it is refused here, because without it the model would answer something else.
"""

from __future__ import annotations

from proxyctl.core.chat import ChatRequest, Effort, JsonFormat, Message, Reasoning, TextPart
from proxyctl.core.errors import BadRequestError, DecodeError, UnsupportedError
from proxyctl.dialects.base import uncarried
from proxyctl.dialects.openai_responses import wire
from proxyctl.dialects.openai_responses.items import ItemReader
from proxyctl.dialects.openai_responses.tools import decode_tool_choice, decode_tools
from proxyctl.dialects.typed import decode_typed

_EFFORTS: dict[str, Effort] = {
    "none": "off",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
_ENCRYPTED = "reasoning.encrypted_content"


def decode_request(body: bytes) -> ChatRequest:
    """Raises `DecodeError` for what is not as documented, `UnsupportedError` for what no translation can carry."""
    request = decode_typed(wire.request_decoder, body)
    if not request.model:
        raise DecodeError("a model name is required", path="model")
    _refuse_kept(request)
    reader = ItemReader(bytes(request.input))
    system, messages = _conversation(request, reader)
    tools, dropped_tools = decode_tools([("tools", request.tools or []), *reader.tools])
    return ChatRequest(
        model=request.model,
        messages=messages,
        system=system,
        tools=tools,
        tool_choice=decode_tool_choice(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        max_output=_positive(request.max_output_tokens),
        temperature=request.temperature,
        top_p=request.top_p,
        format=_format(request.text),
        reasoning=_reasoning(request.reasoning),
        user=request.user or request.safety_identifier,
        service_tier=request.service_tier,
        stream=bool(request.stream),
        include_usage=True,
        extras=(*uncarried(body, wire.CARRIED, wire.UNCOUNTED), *_unheard(request), *dropped_tools, *reader.dropped),
    )


def _refuse_kept(request: wire.Request) -> None:
    if request.previous_response_id is not None:
        raise BadRequestError(
            f"the response {request.previous_response_id!r} is not known here",
            param="previous_response_id",
            code="previous_response_not_found",
            hint="send the whole conversation in input",
        )
    for name in ("conversation", "prompt"):
        if bytes(getattr(request, name)) not in (b"", b"null"):
            raise UnsupportedError(f"a {name} is known only to the provider that keeps it", param=name)
    if request.background:
        raise UnsupportedError("a response in the background cannot be translated", param="background")


def _conversation(request: wire.Request, reader: ItemReader) -> tuple[tuple[TextPart, ...], tuple[Message, ...]]:
    """The leading system texts, and the rest."""
    system = [TextPart(text=request.instructions)] if request.instructions else []
    body = bytes(request.input)
    if body in (b"", b"null"):
        if system:
            return tuple(system), ()
        raise DecodeError("an input is required", path="input")
    items = decode_typed(wire.input_decoder, body, under="input")
    if isinstance(items, str):
        return tuple(system), (Message("user", (TextPart(text=items),)),) if items else ()
    messages = reader.read(items)
    system += reader.system
    if not messages and not system:
        raise DecodeError("at least one item is required", path="input")
    return tuple(system), messages


def _format(text: wire.TextOptions | None) -> JsonFormat | None:
    wanted = text.format if text is not None else None
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return JsonFormat()
    if wanted.type != "json_schema":
        raise DecodeError(f"unknown format {wanted.type!r}", path="text.format.type")
    if wanted.schema is None:
        raise DecodeError("it needs a schema", path="text.format.schema")
    return JsonFormat(wanted.schema, wanted.name, wanted.strict, wanted.description)


def _reasoning(options: wire.ReasoningOptions | None) -> Reasoning | None:
    """Thinking is shown to callers who ask for a summary of it: this dialect has no other text of it."""
    if options is None:
        return None
    effort: Effort | None = None
    if options.effort is not None:
        if options.effort not in _EFFORTS:
            raise DecodeError(f"{options.effort!r} is none of {', '.join(_EFFORTS)}", path="reasoning.effort")
        effort = _EFFORTS[options.effort]
    return Reasoning(effort, None, visible=bool(options.summary or options.generate_summary))


def _positive(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise DecodeError("it must be at least 1", path="max_output_tokens")
    return value


def _unheard(request: wire.Request) -> list[str]:
    """The paths of what was asked for, beside the answer itself, and cannot be had from another provider."""
    paths = [f"include[{place}]" for place, name in enumerate(request.include or ()) if name != _ENCRYPTED]
    if request.truncation not in (None, "disabled"):
        paths.append("truncation")
    if request.reasoning is not None and request.reasoning.mode not in (None, "standard"):
        paths.append("reasoning.mode")
    return paths
