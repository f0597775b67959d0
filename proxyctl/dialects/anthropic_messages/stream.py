"""Read a stream of messages events as canonical events.

Grammar: wire notes 2026-11, "Anthropic Messages" streams. Blocks of a kind that nobody else has are skipped; counts are
cumulative; a `[DONE]` from an imitator is no harm. The answer is complete when a stop reason and `message_stop` came.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import FinishReason, Signature
from proxyctl.core.errors import Problem
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartKind,
    PartStart,
    SignatureDelta,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.dialects.anthropic_messages.citations import CITATIONS, read_citation
from proxyctl.dialects.anthropic_messages.usage import WireUsage, decode_usage, merged
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.surrogates import SurrogateJoiner, forgiving
from proxyctl.dialects.typed import understood

FINISH: dict[str, FinishReason] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
_KINDS: dict[str, PartKind] = {
    "text": "text",
    "thinking": "thinking",
    "redacted_thinking": "redacted_thinking",
    "tool_use": "tool_call",
}
CUT = Problem(kind="upstream", status=502, code="stream_cut", message="the provider's stream stopped before its end")


class WireMessage(Struct):
    id: str = ""
    model: str = ""
    usage: Raw = Raw()


class WireBlock(Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    input: Raw = Raw()
    citations: Raw = Raw()


class StopDetails(Struct):
    explanation: str | None = None


class WireDelta(Struct):
    """A block's delta or the message's: they share no member's name with another meaning."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    signature: str = ""
    citation: Raw = Raw()
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class WireEvent(Struct):
    type: str = ""
    index: int | None = None
    message: WireMessage | None = None
    content_block: WireBlock | None = None
    delta: WireDelta | None = None
    usage: Raw = Raw()
    error: Any = None


decode_event = partial(forgiving, msgspec.json.Decoder(WireEvent))
"""An event. Raises `msgspec.DecodeError` for what is none."""


def canonical_finish(word: str, *, has_calls: bool) -> FinishReason:
    finish = FINISH.get(word, "end")
    if has_calls and finish in ("end", "stop_sequence"):
        return "tool"
    return "end" if finish == "tool" and not has_calls else finish


class _OpenBlock:
    """A block under way: `written` counts the characters that have come, `cited` are its citations."""

    __slots__ = ("cited", "index", "kind", "whole_input", "written")

    def __init__(self, index: int, kind: PartKind, whole_input: str) -> None:
        self.index = index
        self.kind = kind
        self.whole_input = whole_input
        self.written = 0
        self.cited: list[Raw] = []


class MessagesStreamDecoder:
    """State of one stream. It never raises: what is no event becomes a `StreamFailed`."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._started = False
        self._over = False
        self._next_index = 0
        self._has_calls = False
        self._open: dict[int, _OpenBlock] = {}
        self._ids = CallIds()
        self._usage: WireUsage | None = None
        self._stop: WireDelta | None = None
        self._uncarried: tuple[str, ...] = ()
        self._surrogates = SurrogateJoiner()

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data.strip() or data.strip() == b"[DONE]":
            return []
        try:
            event = decode_event(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            return self._fail(Problem(kind="upstream", status=502, code="garbage", message=f"not an event: {exc}"))
        if event.type == "error" or (not event.type and event.error):
            return self._fail(decode_error(200, data))
        self._read(event)
        events, self._events = self._events, []
        return events

    def end(self) -> list[Event]:
        return [] if self._over else self._fail(CUT)

    def _read(self, event: WireEvent) -> None:
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._delta(event.index or 0, event.delta)
            case "content_block_start" if event.content_block is not None:
                self._block(event.index or 0, event.content_block)
            case "content_block_stop":
                self._block_end(event.index or 0)
            case "message_start" if not self._started:
                self._start(event.message or WireMessage())
            case "message_delta":
                self._message_delta(event)
            case "message_stop":
                self._message_stop()
            case _:
                pass

    def _start(self, message: WireMessage) -> None:
        self._started = True
        self._usage = understood(message.usage, WireUsage)
        usage = decode_usage(self._usage, "partial") if self._usage is not None else None
        self._emit(MessageStart(message.id, message.model, usage))

    def _block(self, position: int, block: WireBlock) -> None:
        kind = _KINDS.get(block.type)
        self._block_end(position)
        if kind is None:
            return
        if not self._started:
            self._start(WireMessage())
        opened = self._open[position] = _OpenBlock(self._next_index, kind, _whole_input(block))
        self._next_index += 1
        call_id = ""
        if kind == "tool_call":
            self._has_calls = True
            call_id = self._ids.take(block.id, block.name)
        self._emit(PartStart(index=opened.index, kind=kind, id=call_id, name=block.name, data=block.data))
        self._write(opened, block.text or block.thinking)
        if block.signature:
            self._emit(SignatureDelta(opened.index, Signature(block.signature, "anthropic-messages")))

    def _delta(self, position: int, delta: WireDelta) -> None:
        opened = self._open.get(position)
        if opened is None:
            return
        if delta.type == "citations_delta":
            opened.cited.append(delta.citation)
        if delta.signature:
            self._emit(SignatureDelta(opened.index, Signature(delta.signature, "anthropic-messages")))
        self._write(opened, delta.text or delta.thinking or delta.partial_json)

    def _write(self, opened: _OpenBlock, text: str) -> None:
        if text and (joined := self._surrogates.join(opened.index, text)):
            opened.written += len(joined)
            self._emit(Delta(opened.index, joined))

    def _block_end(self, position: int) -> None:
        opened = self._open.pop(position, None)
        if opened is None:
            return
        rest = self._surrogates.drop(opened.index)
        if not opened.written and opened.whole_input:
            rest = opened.whole_input
        if rest:
            self._emit(Delta(opened.index, rest))
        for raw in opened.cited:
            citation = read_citation(raw, opened.written + len(rest))
            if citation is not None and opened.kind == "text":
                self._emit(CitationAdded(opened.index, citation))
            else:
                self._uncarried = (CITATIONS,)
        self._emit(PartEnd(opened.index))

    def _message_delta(self, event: WireEvent) -> None:
        if not self._started:
            self._start(WireMessage())
        counts = understood(event.usage, WireUsage)
        if counts is not None:
            self._usage = merged(self._usage, counts)
            self._emit(UsageUpdate(decode_usage(self._usage)))
        if event.delta is not None and event.delta.stop_reason:
            self._stop = event.delta

    def _message_stop(self) -> None:
        stop = self._stop
        if stop is None or stop.stop_reason is None:
            self._events += self._fail(CUT)
            return
        for position in list(self._open):
            self._block_end(position)
        self._over = True
        self._emit(
            MessageEnd(
                finish=canonical_finish(stop.stop_reason, has_calls=self._has_calls),
                stop_sequence=stop.stop_sequence,
                refusal=stop.stop_details.explanation if stop.stop_details is not None else None,
                uncarried=self._uncarried,
            )
        )

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _fail(self, problem: Problem) -> list[Event]:
        self._over = True
        events, self._events = self._events, []
        return [*events, StreamFailed(problem)]


def _whole_input(block: WireBlock) -> str:
    """Arguments that an imitator already put in the block's start."""
    text = bytes(block.input).decode("utf-8", "replace")
    return "" if text in ("", "null", "{}") else text
