"""Write events as chat-completion chunks.

Grammar (wire notes 2026-11, "OpenAI chat chunks"): a chunk with the role, deltas, a chunk with the finish reason, the
usage chunk if asked for, `[DONE]`. Tool calls are numbered from 0 whatever else stands in the answer. All sources go
out in one delta before the finish reason: the vendor's SDK cannot add a second list of them to a first. A failed stream
ends in an error frame, with no finish reason and no `[DONE]`: clients take a `[DONE]` for success.
"""

from __future__ import annotations

from typing import Any

from proxyctl.core.chat import FinishReason, Signature, ToolCallPart
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    SignatureDelta,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext, Fields, encode_json
from proxyctl.dialects.failure import FAILED_FINISHES, failed_answer
from proxyctl.dialects.names import fitted_id
from proxyctl.dialects.openai_chat import cited
from proxyctl.dialects.openai_chat.answer import (
    NO_PLACE,
    call_document,
    completion_id,
    finish_word,
    signature_document,
)
from proxyctl.dialects.openai_chat.errors import encode_stream_error
from proxyctl.dialects.openai_chat.usage import encode_usage
from proxyctl.dialects.untold import UntoldProofs

_DONE = b"data: [DONE]\n\n"


class _Part:
    """An open part: `number` counts tool calls alone; `pieces` hold a free-text call until it is whole.

    `length` is what it has said, `offset` where a text begins in the message's content, in characters.
    A call is announced with what follows its start, so that its first fragment carries its signature.
    """

    __slots__ = ("announced", "length", "number", "offset", "pieces", "start")

    def __init__(self, start: PartStart, number: int, offset: int) -> None:
        self.start = start
        self.number = number
        self.offset = offset
        self.length = 0
        self.pieces: list[str] = []
        self.announced = False


class ChatStreamEncoder:
    """State of one stream towards one caller."""

    def __init__(self, context: AnswerContext, losses: Losses) -> None:
        self._context = context
        self._losses = losses
        self._untold = UntoldProofs(losses)
        self._head = b""
        self._tail = b'],"usage":null}\n\n' if context.include_usage else b"]}\n\n"
        self._parts: dict[int, _Part] = {}
        self._calls = 0
        self._written = 0
        self._said = 0
        self._sources: list[Fields] = []
        self._usage: Usage | None = None
        self._refused = False
        self._ended = False

    def feed(self, event: Event) -> bytes:
        match event:
            case Delta():
                return self._delta(event)
            case PartStart():
                return self._part(event)
            case UsageUpdate():
                self._usage = event.usage
                return b""
            case MessageStart():
                return self._start(event)
            case PartEnd():
                return self._part_end(event)
            case SignatureDelta():
                return self._signature(event.index, event.signature)
            case CitationAdded():
                offset = self._parts[event.index].offset
                self._sources += cited.written((event.citation,), self._losses, offset=offset)
                return b""
            case MessageEnd():
                return self._end(event)
            case StreamFailed():
                return encode_stream_error(event.problem)

    def end(self) -> bytes:
        return _DONE if self._ended else b""

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        head = {
            "id": completion_id(event.id),
            "object": "chat.completion.chunk",
            "created": self._context.created,
            "model": event.model or self._context.model,
        }
        self._head = b"data: " + encode_json(head)[:-1] + b',"choices":['
        return self._chunk({"role": "assistant", "content": ""})

    def _part(self, event: PartStart) -> bytes:
        # Servers may end the texts of one message together: what is open has been said as well.
        offset = self._said + sum(part.length for part in self._parts.values() if part.start.kind == "text")
        self._parts[event.index] = _Part(event, self._calls, offset)
        if event.kind == "tool_call":
            self._calls += 1
            self._untold.call_begins()
        return b""

    def _announce(self, part: _Part, extra: Fields | None = None) -> bytes:
        if part.announced:
            return b""
        part.announced = True
        function = {"name": part.start.name, "arguments": ""}
        call = {"id": fitted_id(part.start.id), "type": "function", "function": function}
        return self._call(part, call | extra if extra else call)

    def _delta(self, event: Delta) -> bytes:
        part = self._parts[event.index]
        text = event.text
        part.length += len(text)
        match part.start.kind:
            case "text":
                return self._chunk({"content": text})
            case "thinking":
                if not self._context.show_thinking:
                    return b""
                return self._chunk({"reasoning_content": text, "reasoning": text})
            case "refusal":
                self._refused = True
                return self._chunk({"refusal": text})
            case "tool_call":
                part.pieces.append(text)
                if part.start.name in self._context.custom_tools:
                    return b""
                return self._announce(part) + self._call(part, {"function": {"arguments": text}})
            case _:
                return b""

    def _part_end(self, event: PartEnd) -> bytes:
        part = self._parts.pop(event.index)
        start = part.start
        self._written += part.length
        if start.kind == "text":
            self._said += part.length
        if start.kind != "tool_call":
            return b""
        if start.name in self._context.custom_tools:
            call = ToolCallPart(id=start.id, name=start.name, arguments="".join(part.pieces))
            return self._call(part, call_document(call, self._context))
        if any(piece.strip() for piece in part.pieces):
            return b""
        return self._announce(part) + self._call(part, {"function": {"arguments": "{}"}})

    def _signature(self, index: int, signature: Signature) -> bytes:
        part = self._parts[index]
        if part.start.kind == "tool_call" and signature.origin == "gemini-generate":
            extra = {"extra_content": signature_document(signature.value)}
            return self._announce(part, extra) or self._call(part, extra)
        if part.start.kind == "text":
            self._untold.miss("content.signature", NO_PLACE)
        return b""

    def _end(self, event: MessageEnd) -> bytes:
        if event.finish in FAILED_FINISHES:
            return encode_stream_error(failed_answer(event.finish))
        self._ended = True
        frames = b""
        if event.refusal and not self._refused:
            frames = self._chunk({"refusal": event.refusal})
        if self._sources:
            frames += self._chunk({"annotations": self._sources})
        frames += self._chunk({}, event.finish)
        if self._context.include_usage:
            usage = encode_json(encode_usage(self._usage or self._context.estimated_usage(self._written)))
            frames += self._head + b'],"usage":' + usage + b"}\n\n"
        return frames

    def _call(self, part: _Part, fields: Fields) -> bytes:
        return self._chunk({"tool_calls": [{"index": part.number, **fields}]})

    def _chunk(self, delta: dict[str, Any], finish: FinishReason | None = None) -> bytes:
        word = None if finish is None else finish_word(finish, self._losses)
        choice = encode_json({"index": 0, "delta": delta, "logprobs": None, "finish_reason": word})
        return self._head + choice + self._tail
