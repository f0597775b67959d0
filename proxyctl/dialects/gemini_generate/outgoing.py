"""Whole answers for Gemini's clients, and the pieces that streams share with them.

`STOP` also ends an answer that calls tools. A thought that the caller may not see keeps its proof, on an empty part.
Source: wire notes 2026-11, "stop reasons", "usage conversion" and "signatures".
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

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
from proxyctl.core.errors import GarbageError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext, Fields, encode_json
from proxyctl.dialects.failure import FAILED_FINISHES
from proxyctl.dialects.gemini_generate.grounding import GroundingWriter
from proxyctl.dialects.gemini_generate.signatures import UNPROVEN, written_redaction, written_signature
from proxyctl.dialects.gemini_generate.stream import unusable

FINISH_WORDS: dict[FinishReason, str] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tool": "STOP",
    "pause": "STOP",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "refusal": "SAFETY",
}
EMPTY_TEXT: Fields = {"text": ""}


def encode_answer(answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
    """Raises `GarbageError` for an answer that failed: it must not look complete."""
    if answer.finish in FAILED_FINISHES:
        raise GarbageError(unusable("", malformed=answer.finish == "malformed_tool"))
    first = next((part for part in answer.parts if isinstance(part, ToolCallPart)), None)
    parts: list[Any] = []
    grounding = GroundingWriter(losses)
    for part in answer.parts:
        if isinstance(part, TextPart):
            grounding.add(part.citations, part.text, part=len(parts))
        parts += _part(part, context, losses, begins=part is first)
    usage = answer.usage or _estimate(answer, context)
    document: Fields = {
        "candidates": [candidate(parts or [EMPTY_TEXT], answer.finish, answer.refusal) | grounding.document()],
        "usageMetadata": encode_usage(usage),
        "modelVersion": answer.model or context.model,
        "responseId": answer.id,
    }
    return encode_json(document)


def candidate(parts: list[Any], finish: FinishReason, refusal: str | None) -> Fields:
    """The only candidate, with its ending."""
    document: Fields = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": FINISH_WORDS.get(finish, "OTHER"),
        "index": 0,
    }
    if finish == "refusal" and refusal:
        document["finishMessage"] = refusal
    return document


def text_part(text: str, signature: Signature | None = None, *, thought: bool = False) -> Fields:
    part: Fields = {"text": text}
    if thought:
        part["thought"] = True
    if signature is not None:
        part["thoughtSignature"] = written_signature(signature)
    return part


def call_part(call_id: str, name: str, arguments: str, signature: Signature | None, *, begins: bool) -> Fields:
    """`begins`: it is the first call of its answer, which is never left without a mark."""
    arguments = normal_arguments(arguments)
    call: Fields = {"id": call_id, "name": name, "args": Raw(arguments.encode("utf-8", "replace"))}
    part: Fields = {"functionCall": call}
    if signature is not None:
        part["thoughtSignature"] = written_signature(signature)
    elif begins:
        part["thoughtSignature"] = UNPROVEN
    return part


def redacted_part(data: str) -> Fields:
    return {"text": "", "thought": True, "thoughtSignature": written_redaction(data)}


def encode_usage(usage: Usage) -> Fields:
    """The counts as Gemini makes them: the prompt includes what was cached, candidates leave thoughts out."""
    document: Fields = {
        "promptTokenCount": usage.input_total - usage.tool_input,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.total,
    }
    for name, count in (
        ("cachedContentTokenCount", usage.cache_read),
        ("thoughtsTokenCount", usage.reasoning),
        ("toolUsePromptTokenCount", usage.tool_input),
    ):
        if count:
            document[name] = count
    return document


def _estimate(answer: Answer, context: AnswerContext) -> Usage:
    texts = (getattr(part, "text", "") or getattr(part, "arguments", "") for part in answer.parts)
    return context.estimated_usage(sum(map(len, texts)))


def _part(part: Part, context: AnswerContext, losses: Losses, *, begins: bool) -> list[Any]:
    match part:
        case TextPart():
            return [text_part(part.text, part.signature)] if part.text or part.signature else []
        case RefusalPart():
            return [text_part(part.text)] if part.text else []
        case ThinkingPart(redacted=str(data)):
            return [redacted_part(data)]
        case ThinkingPart():
            text = part.text if context.show_thinking else ""
            return [text_part(text, part.signature, thought=True)] if text or part.signature else []
        case ToolCallPart():
            return [call_part(part.id, part.name, part.arguments, part.signature, begins=begins)]
        case OpaquePart(dialect="gemini-generate"):
            return [Raw(part.raw)]
        case _:
            losses.add("candidates[0].content", f"a part of kind {type(part).__name__} was left out")
            return []
