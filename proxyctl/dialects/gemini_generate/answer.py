"""Gemini's whole answer to canonical, by the reader that streams use, fed the answer as one frame.

So "streamed equals not streamed" is true by construction, and what would fail a stream fails a whole answer too.
"""

from __future__ import annotations

from proxyctl.core.chat import Answer
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.events import StreamFailed
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.gemini_generate.errors import decode_error
from proxyctl.dialects.gemini_generate.stream import UNREADABLE, GeminiStreamDecoder, read_response


def decode_answer(body: bytes) -> Answer:
    """Raises `DecodeError` when the body is no answer, `StatusError` when it is an error under status 200, and
    `GarbageError` when the answer has no end, or ended without anything that could be shown.
    """
    try:
        response = read_response(body)
    except UNREADABLE as exc:
        raise DecodeError(f"not a Gemini answer: {exc}") from exc
    if response.error is not None:
        raise StatusError(decode_error(200, body), body=body)
    decoder = GeminiStreamDecoder()
    events = [*decoder.take(response), *decoder.end()]
    if isinstance(events[-1], StreamFailed):
        raise GarbageError(events[-1].problem)
    return assemble(events)
