"""Cohere's whole answer to canonical. It names no model, so `model` stays empty and the caller's stands in.

The plan that comes with tool calls is plain text before them, and stays text.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from proxyctl.core import chat
from proxyctl.core.chat import Part, TextPart, ThinkingPart, ToolCallPart, normal_arguments
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.cohere_chat import wire
from proxyctl.dialects.cohere_chat.citations import CITATIONS, WireCitation, read_citations
from proxyctl.dialects.cohere_chat.errors import decode_error
from proxyctl.dialects.surrogates import whole


def decode_answer(body: bytes) -> chat.Answer:
    """Raises `DecodeError` for what is no chat answer, `StatusError` when it is an error under status 200, and
    `GarbageError` when the provider broke the answer off.
    """
    try:
        answer = wire.decode_answer(body)
    except msgspec.DecodeError as exc:
        raise DecodeError(f"not a Cohere answer: {exc}") from exc
    if answer.message is None and answer.finish_reason is None:
        raise DecodeError("neither a message nor a finish reason", path="message")
    message = answer.message or wire.Message()
    if isinstance(message, str):
        raise StatusError(decode_error(200, body), body=body)
    calls = _calls(message, answer.id or "")
    content, uncarried = _cited(_content(message), read_citations(message.citations))
    parts = (*content.values(), *_plan(message), *calls)
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
        uncarried=uncarried,
    )


def _content(message: wire.Message) -> dict[int, Part]:
    """The parts, by the numbers of their content items."""
    if isinstance(message.content, str):
        return {0: TextPart(text=whole(message.content))} if message.content else {}
    parts: dict[int, Part] = {}
    for index, item in enumerate(message.content or ()):
        if item.thinking:
            parts[index] = ThinkingPart(text=whole(item.thinking))
        elif item.text:
            parts[index] = TextPart(text=whole(item.text))
    return parts


def _cited(content: dict[int, Part], citations: Sequence[WireCitation]) -> tuple[dict[int, Part], tuple[str, ...]]:
    """The content with its sources, and where there were some that it cannot carry."""
    texts = {index: part for index, part in content.items() if isinstance(part, TextPart)}
    uncarried: tuple[str, ...] = ()
    for citation in citations:
        index = max(texts, default=None) if citation.content_index is None else citation.content_index
        sources = citation.sources_named()
        if index in texts and sources:
            texts[index] = replace(texts[index], citations=(*texts[index].citations, *sources))
        else:
            uncarried = (CITATIONS,)
    return content | texts, uncarried


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
