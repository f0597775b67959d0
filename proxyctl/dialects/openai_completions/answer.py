"""Whole answers of legacy completions: written from the canonical form, read for the tap."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import Answer, FinishReason, RefusalPart, TextPart, ThinkingPart
from proxyctl.core.errors import GarbageError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext, AnswerFacts, Fields, encode_json
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF, FAILED_FINISHES, failed_answer
from proxyctl.dialects.openai_chat import chunks
from proxyctl.dialects.openai_chat.answer import finish_word
from proxyctl.dialects.openai_chat.usage import WireUsage, decode_usage, encode_usage
from proxyctl.dialects.typed import decode_typed, understood

CITATIONS = ("choices[].text", "a text's sources have no place in this dialect")


class Choice(Struct):
    text: str | None = None
    index: int | float | None = None
    finish_reason: str | None = None

    def finish(self) -> FinishReason | None:
        return chunks.canonical_finish(self.finish_reason, has_calls=False) if self.finish_reason else None


class Completion(Struct):
    """A whole answer, or one chunk of a stream: they differ in nothing."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: Raw = Raw()
    error: Raw = Raw()

    def failed(self) -> bool:
        return bytes(self.error) not in (b"", b"null")

    def reported_usage(self) -> Usage | None:
        usage = understood(self.usage, WireUsage)
        return decode_usage(usage) if usage is not None and usage.prompt_tokens is not None else None


completions = msgspec.json.Decoder(Completion)


def answer_facts(body: bytes) -> AnswerFacts:
    """Raises `DecodeError` when the body is no answer."""
    answer = decode_typed(completions, body)
    if answer.failed() or answer.choices is None:
        return AnswerFacts(model=answer.model or "", problem=decode_error(200, body))
    first = next((choice for choice in answer.choices if not choice.index), None)
    finish = first.finish() if first is not None else None
    if finish == "error":
        return AnswerFacts(model=answer.model or "", problem=BROKEN_OFF)
    return AnswerFacts(
        model=answer.model or "",
        finish=finish,
        usage=answer.reported_usage(),
        empty=first is None or not (first.text or finish),
    )


def encode_answer(answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
    """Raises `GarbageError` for an answer that failed: it must not look complete."""
    if answer.finish in FAILED_FINISHES:
        raise GarbageError(failed_answer(answer.finish))
    texts = []
    for part in answer.parts:
        match part:
            case TextPart() | RefusalPart():
                texts.append(part.text)
                if isinstance(part, TextPart) and part.citations:
                    losses.add(*CITATIONS)
            case ThinkingPart():
                pass  # this dialect's callers see answers alone, and could not bring thinking back
            case _:
                losses.add("content", f"a part of kind {type(part).__name__} was left out")
    document: Fields = {
        **head(answer.id, answer.model, context),
        "choices": [choice("".join(texts), finish_word(answer.finish, losses))],
    }
    if answer.usage is not None:
        document["usage"] = encode_usage(answer.usage)
    return encode_json(document)


def head(identity: str, model: str, context: AnswerContext) -> Fields:
    return {
        "id": identity if identity.startswith("cmpl-") else f"cmpl-{identity.removeprefix('chatcmpl-')}",
        "object": "text_completion",
        "created": context.created,
        "model": model or context.model,
    }


def choice(text: str, finish: str | None) -> Fields:
    """`tool_calls` is no finish of this dialect: nobody could have called a tool."""
    word = "stop" if finish == "tool_calls" else finish
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": word}
