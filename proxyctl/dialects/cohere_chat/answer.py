"""Cohere's whole answer to canonical. It names no model, so `model` stays empty and the caller's stands in.

The plan that comes with tool calls is plain text before them, and stays text.
"""

from __future__ import annotations

import msgspec

from proxyctl.core import chat
from proxyctl.core.chat import Part, TextPart, ThinkingPart, ToolCallPart, normal_arguments
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.cohere_chat import wire
from proxyctl.dialects.cohere_chat.errors import decode_error
from proxyctl.dialects.surrogates import whole


def decode_answer(body: bytes) -> chat.Answer:
    """Raises `DecodeError` for what is no chat answer, `StatusError` when it is an error under status 200, and
    `GarbageError` when the provider broke the answer off.
    """
    try:
        answer = wire.read(body, wire.Answer)
    except msgspec.DecodeError as exc:
        raise DecodeError(f"not a Cohere answer: {exc}") from exc
    if answer.message is None and answer.finish_reason is None:
        raise DecodeError("neither a message nor a finish reason", path="message")
    message = answer.message or wire.Message()
    if isinstance(message, str):
        raise StatusError(decode_error(200, body), body=body)
    calls = _calls(message, answer.id or "")
    parts = (*_content(message), *_plan(message), *calls)
    shown = any(not isinstance(part, ThinkingPart) for part in parts)
    finish = wire.finish_of(answer.finish_reason, called=bool(calls), has_content=shown)
    if finish == "error":
        raise GarbageError(wire.failed_answer(answer.finish_reason))
    return chat.Answer(
        id=answer.id or "",
        model="",
        parts=parts,
        finish=finish,
        usage=wire.usage_of(answer.usage),
        uncarried=wire.CITATIONS if message.citations else (),
    )


def _content(message: wire.Message) -> list[Part]:
    if isinstance(message.content, str):
        return [TextPart(text=whole(message.content))] if message.content else []
    parts: list[Part] = []
    for item in message.content or ():
        if item.thinking:
            parts.append(ThinkingPart(text=whole(item.thinking)))
        elif item.text:
            parts.append(TextPart(text=whole(item.text)))
    return parts


def _plan(message: wire.Message) -> list[Part]:
    return [TextPart(text=whole(message.tool_plan))] if message.tool_plan else []


def _calls(message: wire.Message, answer_id: str) -> list[Part]:
    ids = CallIds(answer_id)
    calls: list[Part] = []
    for call in message.tool_calls or ():
        function = call.function or wire.Function()
        name = function.name or ""
        arguments = normal_arguments(whole(function.arguments or ""))
        calls.append(ToolCallPart(id=ids.take(call.id, name), name=name, arguments=arguments))
    return calls
