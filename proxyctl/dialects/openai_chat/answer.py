"""Whole answers of the chat-completions dialect, both ways.

They are read by the stream's reader, fed the whole answer as one chunk, so that streamed equals not streamed.
"""

from __future__ import annotations

import re

import msgspec

from proxyctl.core.chat import (
    Answer,
    FinishReason,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    normal_arguments,
)
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.events import StreamFailed
from proxyctl.core.losses import Losses
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import AnswerContext, AnswerFacts, Fields, encode_json
from proxyctl.dialects.custom_tools import custom_input
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF, FAILED_FINISHES, failed_answer
from proxyctl.dialects.names import fitted_id
from proxyctl.dialects.openai_chat import chunks, cited
from proxyctl.dialects.openai_chat.stream import ChatStreamDecoder
from proxyctl.dialects.openai_chat.usage import decode_usage, encode_usage

NO_PLACE = "this dialect has no place for it"
_PLAIN = re.compile(r"[^A-Za-z0-9_-]")

FINISH_WORDS: dict[FinishReason, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "context_window": "length",
    "tool": "tool_calls",
    "refusal": "content_filter",
}


def decode_answer(body: bytes) -> Answer:
    """Raises `DecodeError` when the body is no answer, `StatusError` when it is an error under status 200."""
    chunk = _chunk(body)
    if chunk.failed():
        raise StatusError(decode_error(200, body), body=body)
    choice = chunk.first_choice()
    if choice is None or (choice.message is None and choice.delta is None):
        raise DecodeError("it has no choice with a message", path="choices")
    decoder = ChatStreamDecoder()
    events = [*decoder.feed(body), *decoder.end(complete=True)]
    if isinstance(events[-1], StreamFailed):
        raise GarbageError(events[-1].problem)
    return assemble(events)


def answer_facts(body: bytes) -> AnswerFacts:
    """Raises `DecodeError` when the body is no answer."""
    chunk = _chunk(body)
    if chunk.failed():
        return AnswerFacts(model=chunk.model or "", problem=decode_error(200, body))
    if chunk.choices is None:
        raise DecodeError("it has no choices", path="choices")
    usage = chunk.reported_usage()
    choice = chunk.first_choice()
    message = (choice.message or choice.delta) if choice is not None else None
    calls = message is not None and bool(message.tool_calls or message.function_call)
    word = choice.finish_reason if choice is not None else None
    content = message is not None and bool(
        calls or message.content or message.refusal or message.reasoning or message.reasoning_content
    )
    finish = chunks.canonical_finish(word, has_calls=calls) if word else None
    if finish == "error":
        return AnswerFacts(model=chunk.model or "", problem=BROKEN_OFF)
    return AnswerFacts(
        model=chunk.model or "",
        finish=finish,
        usage=decode_usage(usage) if usage is not None else None,
        empty=not content and not word,
    )


def encode_answer(answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
    """Raises `GarbageError` for an answer that failed: it must not look complete."""
    if answer.finish in FAILED_FINISHES:
        raise GarbageError(failed_answer(answer.finish))
    message = _message(answer, context, losses)
    document: Fields = {
        "id": completion_id(answer.id),
        "object": "chat.completion",
        "created": context.created,
        "model": answer.model or context.model,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_word(answer.finish, losses)}
        ],
    }
    if answer.usage is not None:
        document["usage"] = encode_usage(answer.usage)
    return encode_json(document)


def finish_word(finish: FinishReason, losses: Losses) -> str:
    if finish == "pause":
        losses.add("finish_reason", "the model paused and expects to be called again: told as stop")
    return FINISH_WORDS.get(finish, "stop")


def completion_id(given: str) -> str:
    """An id in this dialect's form; one that has it already is kept."""
    return given if given.startswith("chatcmpl-") else "chatcmpl-" + _PLAIN.sub("", given)


def call_document(call: ToolCallPart, context: AnswerContext) -> Fields:
    """A call as the caller's dialect writes it; a free-text tool's call gets its text back."""
    arguments = normal_arguments(call.arguments)
    if call.name in context.custom_tools:
        custom = {"name": call.name, "input": custom_input(arguments)}
        document: Fields = {"id": fitted_id(call.id), "type": "custom", "custom": custom}
    else:
        function = {"name": call.name, "arguments": arguments}
        document = {"id": fitted_id(call.id), "type": "function", "function": function}
    if call.signature is not None and call.signature.origin == "gemini-generate":
        document["extra_content"] = signature_document(call.signature.value)
    return document


def signature_document(value: str) -> Fields:
    return {"google": {"thought_signature": value}}


def _message(answer: Answer, context: AnswerContext, losses: Losses) -> Fields:
    texts, thoughts, refusals, calls = [], [], [], []
    sources: list[Fields] = []
    said = 0
    _count_unplaced(answer, losses)
    for part in answer.parts:
        match part:
            case TextPart():
                texts.append(part.text)
                sources += cited.written(part.citations, losses, offset=said)
                said += len(part.text)
            case ThinkingPart():
                thoughts.append(part.text)
            case RefusalPart():
                refusals.append(part.text)
            case ToolCallPart():
                calls.append(call_document(part, context))
            case _:
                losses.add("content", f"a part of kind {type(part).__name__} was left out")
    refusal = answer.refusal or "".join(refusals) or None
    text = "".join(texts)
    message: Fields = {"role": "assistant", "content": text if text or not (calls or refusal) else None}
    message["refusal"] = refusal
    if sources:
        message["annotations"] = sources
    if context.show_thinking and (thinking := "".join(thoughts)):
        message["reasoning_content"] = message["reasoning"] = thinking
    if calls:
        message["tool_calls"] = calls
    return message


def _count_unplaced(answer: Answer, losses: Losses) -> None:
    """Count the proofs of texts beside calls: this dialect cannot tell them, and only then does anybody want them back.

    What proves the calls themselves is no loss, although it has no place here: the gateway keeps it.
    """
    if not any(isinstance(part, ToolCallPart) for part in answer.parts):
        return
    for part in answer.parts:
        if isinstance(part, TextPart) and part.signature is not None:
            losses.add("content.signature", NO_PLACE)


def _chunk(body: bytes) -> chunks.Chunk:
    try:
        return chunks.decode_chunk(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise DecodeError(f"not a chat completion: {exc}") from exc
