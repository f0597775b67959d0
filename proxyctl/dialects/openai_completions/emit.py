"""Write events as chunks of a legacy completion: text, a chunk with the finish reason, usage if asked for, `[DONE]`."""

from __future__ import annotations

from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    MessageEnd,
    MessageStart,
    PartStart,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext, Fields, encode_json
from proxyctl.dialects.failure import FAILED_FINISHES, failed_answer
from proxyctl.dialects.openai_chat.answer import finish_word
from proxyctl.dialects.openai_chat.errors import encode_stream_error
from proxyctl.dialects.openai_chat.usage import encode_usage
from proxyctl.dialects.openai_completions.answer import CITATIONS, choice, head
from proxyctl.dialects.sse import frame

_DONE = b"data: [DONE]\n\n"
_TOLD = ("text", "refusal")


class CompletionStreamEncoder:
    """State of one stream towards one caller. `_told` are the open parts whose text is the answer's."""

    def __init__(self, context: AnswerContext, losses: Losses) -> None:
        self._context = context
        self._losses = losses
        self._head: Fields = {}
        self._told: set[int] = set()
        self._usage: Usage | None = None
        self._ended = False

    def feed(self, event: Event) -> bytes:
        match event:
            case MessageStart():
                self._head = head(event.id, event.model, self._context)
                self._usage = event.usage
            case PartStart():
                self._begin(event)
            case Delta() if event.index in self._told:
                return self._chunk(event.text)
            case CitationAdded():
                self._losses.add(*CITATIONS)
            case UsageUpdate():
                self._usage = event.usage
            case MessageEnd():
                return self._end(event)
            case StreamFailed():
                return encode_stream_error(event.problem)
            case _:
                pass
        return b""

    def end(self) -> bytes:
        return _DONE if self._ended else b""

    def _begin(self, event: PartStart) -> None:
        if event.kind in _TOLD:
            self._told.add(event.index)
        elif event.kind == "tool_call":
            self._losses.add("content", "a tool call was left out")

    def _end(self, event: MessageEnd) -> bytes:
        if event.finish in FAILED_FINISHES:
            return encode_stream_error(failed_answer(event.finish))
        self._ended = True
        frames = self._chunk("", finish_word(event.finish, self._losses))
        if self._context.include_usage and self._usage is not None:
            frames += frame(encode_json({**self._head, "choices": [], "usage": encode_usage(self._usage)}))
        return frames

    def _chunk(self, text: str, finish: str | None = None) -> bytes:
        return frame(encode_json({**self._head, "choices": [choice(text, finish)]}))
