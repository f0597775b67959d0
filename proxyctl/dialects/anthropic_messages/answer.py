"""Whole answers of the messages dialect, both ways."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import (
    Answer,
    FinishReason,
    OpaquePart,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    normal_arguments,
)
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.anthropic_messages.citations import CITATIONS, read_all, told_again
from proxyctl.dialects.anthropic_messages.stream import StopDetails, WireBlock, canonical_finish
from proxyctl.dialects.anthropic_messages.usage import WireUsage, decode_usage, encode_usage
from proxyctl.dialects.base import AnswerContext, AnswerFacts, Fields, encode_json
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.envelope import seal
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import FAILED_FINISHES, failed_answer
from proxyctl.dialects.names import fitted_id
from proxyctl.dialects.typed import decode_typed, understood

ID_LIMIT = 128
STOP_WORDS: dict[FinishReason, str] = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool": "tool_use",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context_window": "model_context_window_exceeded",
}
_PLAIN = re.compile(r"[^A-Za-z0-9_-]")


class WireAnswer(Struct):
    type: str = ""
    id: str = ""
    model: str = ""
    content: list[Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Raw = Raw()
    error: Any = None


_decoder = msgspec.json.Decoder(WireAnswer)
_block_decoder = msgspec.json.Decoder(WireBlock)


def decode_answer(body: bytes) -> Answer:
    """Raises `DecodeError` when the body is no answer, `StatusError` when it is an error under status 200."""
    wire = decode_typed(_decoder, body)
    if wire.type == "error" or wire.error:
        raise StatusError(decode_error(200, body), body=body)
    if wire.content is None:
        raise DecodeError("it has no content", path="content")
    ids = CallIds()
    uncarried: dict[str, None] = {}
    parts = tuple(_part(raw, index, ids, uncarried) for index, raw in enumerate(wire.content))
    has_calls = any(isinstance(part, ToolCallPart) for part in parts)
    return Answer(
        id=wire.id,
        model=wire.model,
        parts=tuple(part for part in parts if not (isinstance(part, TextPart) and not part.text)),
        finish=canonical_finish(wire.stop_reason or "end_turn", has_calls=has_calls),
        usage=_usage(wire),
        stop_sequence=wire.stop_sequence,
        refusal=wire.stop_details.explanation if wire.stop_details is not None else None,
        uncarried=tuple(uncarried),
    )


def answer_facts(body: bytes) -> AnswerFacts:
    """Raises `DecodeError` when the body is no answer."""
    wire = decode_typed(_decoder, body)
    if wire.type == "error" or wire.error:
        return AnswerFacts(model=wire.model, problem=decode_error(200, body))
    if wire.content is None:
        raise DecodeError("it has no content", path="content")
    has_calls = any(b'"tool_use"' in bytes(raw) for raw in wire.content)
    return AnswerFacts(
        model=wire.model,
        finish=canonical_finish(wire.stop_reason, has_calls=has_calls) if wire.stop_reason else None,
        usage=_usage(wire),
        empty=not wire.content and not wire.stop_reason,
    )


def encode_answer(answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
    """Raises `GarbageError` for an answer that failed: it must not look complete."""
    if answer.finish in FAILED_FINISHES:
        raise GarbageError(failed_answer(answer.finish))
    usage = encode_usage(answer.usage) if answer.usage is not None else estimated_usage(context, answer)
    document = message_document(answer.id, answer.model or context.model, usage)
    document["content"] = _content(answer, context, losses)
    document |= stop_document(answer.finish, answer.stop_sequence, answer.refusal)
    document["usage"] = document.pop("usage")
    return encode_json(document)


def message_document(message_id: str, model: str, usage: Fields) -> Fields:
    """An empty message, as a stream begins with it."""
    return {
        "id": wire_id(message_id),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def stop_document(finish: FinishReason, stop_sequence: str | None, refusal: str | None) -> Fields:
    document: Fields = {"stop_reason": STOP_WORDS.get(finish, "end_turn"), "stop_sequence": stop_sequence}
    if finish == "refusal":
        document["stop_details"] = {"type": "refusal", "category": None, "explanation": refusal}
    return document


def wire_id(given: str) -> str:
    """An id in this dialect's form; one that has it already is kept."""
    return given if given.startswith("msg_") else "msg_" + _PLAIN.sub("", given)


def call_block(call_id: str, name: str) -> Fields:
    return {"type": "tool_use", "id": fitted_id(call_id, limit=ID_LIMIT), "name": name, "input": {}}


def thinking_block(text: str, signature: Signature | None) -> Fields:
    return {"type": "thinking", "thinking": text, "signature": signature_text(signature)}


def signature_text(signature: Signature | None) -> str:
    """What stands in the signature slot: the dialect's own proof as it is, everything else in an envelope."""
    if signature is not None and signature.origin == "anthropic-messages":
        return signature.value
    return seal(signature)


def estimated_usage(context: AnswerContext, answer: Answer) -> Fields:
    """Counts for a provider that reported none; this dialect's clients insist on some."""
    texts = (getattr(part, "text", "") or getattr(part, "arguments", "") for part in answer.parts)
    return {"input_tokens": context.input_estimate, "output_tokens": -(-sum(map(len, texts)) // 4)}


def _usage(wire: WireAnswer) -> Usage | None:
    counts = understood(wire.usage, WireUsage)
    return None if counts is None else decode_usage(counts)


def _content(answer: Answer, context: AnswerContext, losses: Losses) -> list[Fields]:
    blocks: list[Fields] = []
    proofs_matter = any(isinstance(part, ToolCallPart) for part in answer.parts)
    for part in answer.parts:
        match part:
            case TextPart() | RefusalPart():
                if proofs_matter and isinstance(part, TextPart) and part.signature is not None:
                    losses.add("content", "a signature on text has no place in this dialect")
                if part.text:
                    blocks.append({"type": "text", "text": part.text})
                if isinstance(part, TextPart) and (citations := told_again(part.citations, losses)) and part.text:
                    blocks[-1]["citations"] = citations
            case ThinkingPart():
                blocks += _thinking(part, context)
            case ToolCallPart():
                blocks += _call(part, blocks)
            case OpaquePart() if part.dialect == "anthropic-messages":
                block: Fields = msgspec.json.decode(part.raw)
                blocks.append(block)
            case _:
                losses.add("content", f"a part of kind {type(part).__name__} was left out")
    return blocks


def _thinking(part: ThinkingPart, context: AnswerContext) -> list[Fields]:
    if part.redacted is not None:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    text = part.text if context.show_thinking else ""
    return [thinking_block(text, part.signature)] if text or part.signature is not None else []


def _call(part: ToolCallPart, before: list[Fields]) -> list[Fields]:
    """A call, behind the thinking block that carries its signature: an unsigned one just before it, or a new one."""
    block = call_block(part.id, part.name)
    block["input"] = Raw(normal_arguments(part.arguments).encode("utf-8", "replace"))
    if part.signature is None:
        return [block]
    if before and before[-1]["type"] == "thinking" and before[-1]["signature"] == seal(None):
        before[-1]["signature"] = signature_text(part.signature)
        return [block]
    return [thinking_block("", part.signature), block]


def _text(block: WireBlock, uncarried: dict[str, None]) -> TextPart:
    citations = read_all(block.citations, len(block.text))
    if None in citations:
        uncarried[CITATIONS] = None
    return TextPart(text=block.text, citations=tuple(filter(None, citations)))


def _part(raw: Raw, index: int, ids: CallIds, uncarried: dict[str, None]) -> Part:
    block = decode_typed(_block_decoder, bytes(raw), under=f"content[{index}]")
    match block.type:
        case "text":
            return _text(block, uncarried)
        case "thinking":
            signature = Signature(block.signature, "anthropic-messages") if block.signature else None
            return ThinkingPart(text=block.thinking, signature=signature)
        case "redacted_thinking":
            return ThinkingPart(redacted=block.data)
        case "tool_use":
            arguments = bytes(block.input).decode("utf-8", "replace")
            return ToolCallPart(
                id=ids.take(block.id, block.name), name=block.name, arguments=normal_arguments(arguments)
            )
        case _:
            return OpaquePart(dialect="anthropic-messages", label=block.type, raw=bytes(raw))
