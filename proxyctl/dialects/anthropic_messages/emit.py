"""Write events as the messages dialect's stream.

Here only one block may be open at a time, so a part that begins while another is open waits until that one ends.
A block's start is written with its first content: a text without any makes no block, and a tool call's signature,
which must stand in a thinking block before it, has come by then. Source: wire notes 2026-11, "stream translation state
machines". A failed stream ends in an `error` event and no `message_stop`.
"""

from __future__ import annotations

from proxyctl.core.chat import Citation, Signature
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
from proxyctl.dialects.anthropic_messages.answer import (
    call_block,
    message_document,
    signature_text,
    stop_document,
)
from proxyctl.dialects.anthropic_messages.citations import told_again
from proxyctl.dialects.anthropic_messages.errors import encode_stream_error
from proxyctl.dialects.anthropic_messages.usage import encode_usage
from proxyctl.dialects.base import AnswerContext, Fields, encode_json
from proxyctl.dialects.failure import FAILED_FINISHES, failed_answer
from proxyctl.dialects.in_turn import InTurn, PartEvent
from proxyctl.dialects.sse import frame
from proxyctl.dialects.untold import UntoldProofs


class _Part:
    """A part under way, and whether its block has been started."""

    __slots__ = ("signature", "start", "started")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.started = False
        self.signature: Signature | None = None


class MessagesStreamEncoder:
    """State of one stream towards one caller."""

    def __init__(self, context: AnswerContext, losses: Losses, request_id: str = "") -> None:
        self._context = context
        self._losses = losses
        self._untold = UntoldProofs(losses)
        self._request_id = request_id
        self._parts: dict[int, _Part] = {}
        self._turns = InTurn()
        self._thinking: _Part | None = None
        self._next_block = 0
        self._written = 0
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        match event:
            case Delta() | SignatureDelta() | CitationAdded() | PartEnd():
                due = self._turns.due(event)
                return self._write(event) if len(due) == 1 else b"".join(map(self._write, due))
            case PartStart():
                return self._begin(event)
            case MessageStart():
                return self._start(event)
            case UsageUpdate():
                self._usage = event.usage
                return b""
            case MessageEnd():
                return self._end(event)
            case StreamFailed():
                return encode_stream_error(event.problem, self._request_id)

    def end(self) -> bytes:
        return b""

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        usage = encode_usage(event.usage or Usage(input=self._context.input_estimate, source="estimated"))
        message = message_document(event.id, event.model or self._context.model, usage)
        return _event("message_start", {"message": message})

    def _write(self, event: PartEvent) -> bytes:
        part = self._parts[event.index]
        match event:
            case Delta():
                return self._delta(part, event.text)
            case SignatureDelta():
                return self._signature(part, event.signature)
            case CitationAdded():
                return self._cite(part, event.citation)
            case PartEnd():
                del self._parts[event.index]
                return self._part_end(part)

    def _delta(self, part: _Part, text: str) -> bytes:
        self._written += len(text)
        if not text:
            return b""
        match part.start.kind:
            case "thinking":
                if not self._context.show_thinking:
                    return b""
                return self._open(part) + self._block_delta({"type": "thinking_delta", "thinking": text})
            case "tool_call":
                return self._open(part) + self._block_delta({"type": "input_json_delta", "partial_json": text})
            case "text" | "refusal":
                return self._open(part) + self._block_delta({"type": "text_delta", "text": text})
            case _:
                return b""

    def _signature(self, part: _Part, signature: Signature) -> bytes:
        kind = part.start.kind
        if kind == "thinking" or (kind == "tool_call" and not part.started):
            part.signature = signature
        else:
            self._untold.miss("content", f"a signature on {kind} has no place in this dialect")
        return b""

    def _cite(self, part: _Part, citation: Citation) -> bytes:
        told = told_again((citation,), self._losses)
        return self._open(part) + self._block_delta({"type": "citations_delta", "citation": told[0]}) if told else b""

    def _begin(self, event: PartStart) -> bytes:
        self._parts[event.index] = _Part(event)
        self._turns.begin(event.index)
        if event.kind == "tool_call":
            self._untold.call_begins()
        return b""

    def _part_end(self, part: _Part) -> bytes:
        if part.start.kind == "thinking":
            # Its end waits: a signed tool call may follow, whose signature then goes here.
            if part.started or part.signature is not None:
                written = self._open(part)
                self._thinking = part
                return written if part.signature is None else written + self._close_thinking()
            return b""
        written = b""
        if part.start.kind in ("tool_call", "redacted_thinking"):
            written = self._open(part)
        return written + self._stop_block() if part.started else written

    def _open(self, part: _Part) -> bytes:
        if part.started:
            return b""
        part.started = True
        start = part.start
        written = b""
        if start.kind == "tool_call":
            written = self._before_call(part.signature)
            block = call_block(start.id, start.name)
        else:
            written = self._close_thinking()
            block = _first_block(start)
        return written + _event("content_block_start", {"index": self._next_block, "content_block": block})

    def _before_call(self, signature: Signature | None) -> bytes:
        """Close the thinking before a call, or make a block of it, so that the call's signature has a place."""
        if signature is None:
            return self._close_thinking()
        if self._thinking is not None and self._thinking.signature is None:
            self._thinking.signature = signature
            return self._close_thinking()
        written = self._close_thinking()
        block = {"type": "thinking", "thinking": "", "signature": ""}
        written += _event("content_block_start", {"index": self._next_block, "content_block": block})
        return written + self._sign(signature) + self._stop_block()

    def _close_thinking(self) -> bytes:
        part, self._thinking = self._thinking, None
        return b"" if part is None else self._sign(part.signature) + self._stop_block()

    def _sign(self, signature: Signature | None) -> bytes:
        return self._block_delta({"type": "signature_delta", "signature": signature_text(signature)})

    def _block_delta(self, delta: Fields) -> bytes:
        return _event("content_block_delta", {"index": self._next_block, "delta": delta})

    def _stop_block(self) -> bytes:
        self._next_block += 1
        return _event("content_block_stop", {"index": self._next_block - 1})

    def _end(self, event: MessageEnd) -> bytes:
        if event.finish in FAILED_FINISHES:
            return encode_stream_error(failed_answer(event.finish), self._request_id)
        delta = stop_document(event.finish, event.stop_sequence, event.refusal)
        usage = encode_usage(self._usage or self._context.estimated_usage(self._written))
        return (
            self._close_thinking()
            + _event("message_delta", {"delta": delta, "usage": usage})
            + _event("message_stop", {})
        )


def _first_block(start: PartStart) -> Fields:
    if start.kind == "redacted_thinking":
        return {"type": "redacted_thinking", "data": start.data}
    if start.kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _event(kind: str, fields: Fields) -> bytes:
    return frame(encode_json({"type": kind, **fields}), kind)
