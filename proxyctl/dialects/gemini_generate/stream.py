"""Gemini's streamed frames to events. The end of the body is the only terminator, so a missing reason is a cut.

The ending is held back until the body ends: `finishReason` may come before, with or after the last content, and usage
after it. An answer that pauses for a continuation goes on, after `resume`, with the next HTTP answer's frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from proxyctl.core.errors import Problem
from proxyctl.core.events import Event, MessageEnd, StreamFailed
from proxyctl.dialects.gemini_generate.errors import decode_error, unwrapped
from proxyctl.dialects.gemini_generate.reader import AnswerReader
from proxyctl.dialects.gemini_generate.wire import Response

_decoder = msgspec.json.Decoder(Response)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
CUT = Problem(kind="upstream", status=502, code="stream_cut", message="the provider's stream stopped before its end")


def read_response(data: bytes) -> Response:
    """Raises one of `UNREADABLE` for what is no answer object."""
    return _decoder.decode(unwrapped(data))


class GeminiStreamDecoder:
    """One stream's state."""

    def __init__(self) -> None:
        self._reader = AnswerReader()
        self._over = False

    @property
    def continuation(self) -> str:
        return "" if self._over else self._reader.continuation

    def resume(self) -> None:
        self._reader.resume()

    def feed(self, data: bytes) -> Sequence[Event]:
        if self._over or (data[:1] != b"{" and data.strip() in (b"", b"[DONE]")):
            return ()
        try:
            response = read_response(data)
        except UNREADABLE as exc:
            # Cut behind its finish reason, an answer is whole: only its last counts are lost.
            return () if self._reader.finish() is not None else self._fail(_garbage(exc))
        return self._fail(decode_error(200, data)) if response.error is not None else self.take(response)

    def take(self, response: Response) -> Sequence[Event]:
        """Like `feed`, for a frame that is decoded already and holds no error."""
        try:
            return self._reader.read(response)
        except UNREADABLE as exc:
            return self._fail(_garbage(exc))

    def end(self) -> Sequence[Event]:
        if self._over:
            return ()
        self._over = True
        events = self._reader.close()
        finish = self._reader.finish()
        if finish is None:
            events.append(StreamFailed(CUT))
        elif finish in {"malformed_tool", "error"} and not self._reader.has_content:
            events.append(StreamFailed(unusable(self._reader.message, malformed=finish == "malformed_tool")))
        else:
            events.append(MessageEnd(finish=finish, refusal=self._reader.refusal(), uncarried=self._reader.uncarried))
        return events

    def _fail(self, problem: Problem) -> list[Event]:
        self._over = True
        return [StreamFailed(problem)]


def _garbage(exc: Exception) -> Problem:
    return Problem(kind="upstream", status=502, code="garbage", message=f"not a Gemini answer: {exc}")


def unusable(explanation: str, *, malformed: bool) -> Problem:
    """An answer that ended without anything to show: trying again may help."""
    text, code = "the provider ended the answer without content", "empty_answer"
    if malformed:
        text, code = "the model wrote a tool call that cannot be read", "malformed_tool_call"
    message = f"{text}: {explanation}" if explanation else text
    return Problem(kind="upstream", status=502, code=code, message=message)
