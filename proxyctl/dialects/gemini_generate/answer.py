"""Read Gemini's whole answers, by the reader that streams use, fed the answer as one frame.

So "streamed equals not streamed" is true by construction, and what would fail a stream fails a whole answer too.
"""

from __future__ import annotations

from proxyctl.core.chat import Answer
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.events import Event, StreamFailed
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import AnswerFacts
from proxyctl.dialects.gemini_generate.errors import decode_error
from proxyctl.dialects.gemini_generate.reader import AnswerReader
from proxyctl.dialects.gemini_generate.stream import CUT, UNREADABLE, GeminiStreamDecoder, read_response, unusable
from proxyctl.dialects.gemini_generate.wire import Response

_PAUSED = b"continuationToken"


def decode_answer(*bodies: bytes) -> Answer:
    """Read an answer: one body, or the bodies of one that was continued.

    Raises `DecodeError` when a body is no answer, `StatusError` when it is an error under status 200, and
    `GarbageError` when the answer has no end, or ended without anything that could be shown.
    """
    decoder = GeminiStreamDecoder()
    events: list[Event] = []
    for body in bodies:
        if events:
            decoder.resume()
        events += decoder.take(_response(body))
    events += decoder.end()
    if isinstance(events[-1], StreamFailed):
        raise GarbageError(events[-1].problem)
    return assemble(events)


def continuation(body: bytes) -> str:
    """What asks for the rest of a whole answer, `""` for one that is complete, or no answer at all."""
    if _PAUSED not in body:  # nearly always
        return ""
    reader = AnswerReader()
    try:
        reader.read(read_response(body))
    except UNREADABLE:
        return ""
    return reader.continuation


def _response(body: bytes) -> Response:
    try:
        response = read_response(body)
    except UNREADABLE as exc:
        raise DecodeError(f"not a Gemini answer: {exc}") from exc
    if response.error is not None:
        raise StatusError(decode_error(200, body), body=body)
    return response


def answer_facts(body: bytes) -> AnswerFacts:
    """Read an answer that passes through. Raises `DecodeError` when the body is none."""
    reader = AnswerReader()
    try:
        response = read_response(body)
        if response.error is not None:
            return AnswerFacts(problem=decode_error(200, body))
        reader.read(response)
    except UNREADABLE as exc:
        raise DecodeError(f"not a Gemini answer: {exc}") from exc
    model = (response.model_version or "").removeprefix("models/")
    finish = reader.finish()
    if finish is None:
        return AnswerFacts(model=model, problem=CUT if reader.has_content else None, empty=not reader.has_content)
    if finish in {"malformed_tool", "error"}:
        problem = unusable(reader.message, malformed=finish == "malformed_tool")
        return AnswerFacts(model=model, finish=finish, usage=reader.usage, problem=problem)
    return AnswerFacts(model=model, finish=finish, usage=reader.usage)
