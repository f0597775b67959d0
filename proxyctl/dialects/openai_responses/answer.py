"""Whole answers of the responses dialect, both ways.

They are read by the stream's reader and written by its writer, so that streamed equals not streamed.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from proxyctl.core.chat import (
    Answer,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    normal_arguments,
)
from proxyctl.core.errors import DecodeError, GarbageError, Problem, StatusError
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    SignatureDelta,
)
from proxyctl.core.losses import Losses
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import AnswerContext, AnswerFacts, encode_json
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF, FAILED_FINISHES, failed_answer
from proxyctl.dialects.openai_responses import events
from proxyctl.dialects.openai_responses.emit import ResponsesStreamEncoder
from proxyctl.dialects.openai_responses.stream import ResponsesStreamDecoder
from proxyctl.dialects.openai_responses.usage import usage_of


def decode_answer(body: bytes) -> Answer:
    """Raises `DecodeError` when the body is no answer, `StatusError` when it is an error under status 200."""
    response = read_response(body)
    if response.failed():
        raise StatusError(_problem(response, body), body=body)
    if response.output is None:
        raise DecodeError("it has no output", path="output")
    if response.under_way():
        raise DecodeError("it is not finished", path="status")
    return assemble(ResponsesStreamDecoder().whole(response))


def encode_answer(answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
    """Raises `GarbageError` for an answer that failed: it must not look complete."""
    if answer.finish in FAILED_FINISHES:
        raise GarbageError(failed_answer(answer.finish))
    encoder = ResponsesStreamEncoder(context, losses)
    for event in _told(answer, losses):
        encoder.feed(event)
    return encode_json(encoder.response)


def answer_facts(body: bytes) -> AnswerFacts:
    """Raises `DecodeError` when the body is no answer."""
    response = read_response(body)
    if response.failed():
        return AnswerFacts(model=response.model or "", problem=_problem(response, body))
    if response.output is None:
        raise DecodeError("it has no output", path="output")
    ended = not response.under_way()
    return AnswerFacts(
        model=response.model or "",
        finish=events.canonical_finish(response, has_calls=response.has_calls()) if ended else None,
        usage=usage_of(response.usage),
        empty=not response.output and not ended,
    )


def read_response(body: bytes) -> events.Response:
    """Raises `DecodeError` when the body is no response object."""
    try:
        return events.decode_response(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise DecodeError(f"not a response: {exc}") from exc


def _problem(response: events.Response, body: bytes) -> Problem:
    return BROKEN_OFF if bytes(response.error) in (b"", b"null") else decode_error(200, body)


def _told(answer: Answer, losses: Losses) -> Iterator[Event]:
    """The answer as the events of its stream."""
    yield MessageStart(answer.id, answer.model, answer.usage)
    for index, part in enumerate(answer.parts):
        start = _start(part, index)
        if start is None:
            losses.add("output", f"a part of kind {type(part).__name__} was left out")
            continue
        yield start
        signature: Signature | None = getattr(part, "signature", None)
        if signature is not None:
            yield SignatureDelta(index, signature)
        yield Delta(index, normal_arguments(part.arguments) if isinstance(part, ToolCallPart) else _text(part))
        if isinstance(part, TextPart):
            yield from (CitationAdded(index, citation) for citation in part.citations)
        yield PartEnd(index)
    yield MessageEnd(finish=answer.finish, stop_sequence=answer.stop_sequence, refusal=answer.refusal)


def _start(part: Part, index: int) -> PartStart | None:
    match part:
        case TextPart():
            return PartStart(index=index, kind="text")
        case RefusalPart():
            return PartStart(index=index, kind="refusal")
        case ThinkingPart(redacted=str(data)):
            return PartStart(index=index, kind="redacted_thinking", data=data)
        case ThinkingPart():
            return PartStart(index=index, kind="thinking")
        case ToolCallPart():
            return PartStart(index=index, kind="tool_call", id=part.id, name=part.name)
        case _:
            return None


def _text(part: Part) -> str:
    text: str = getattr(part, "text", "")
    return text
