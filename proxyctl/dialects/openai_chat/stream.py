"""Read a stream of chat-completion chunks as events.

Text and thinking are closed when something else begins, so that whoever writes the events needs no second part open;
tool calls stay open until the end, because servers interleave parallel ones. A tool fragment belongs to its index; a
new id on a used index begins a new call. Source: wire notes 2026-11, "stream translation state machines".
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxyctl.core.chat import Citation, FinishReason
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
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import BROKEN_OFF
from proxyctl.dialects.openai_chat import chunks, cited
from proxyctl.dialects.openai_chat.usage import decode_usage
from proxyctl.dialects.surrogates import SurrogateJoiner, whole

CUT = Problem(kind="upstream", status=502, code="stream_cut", message="the provider's stream stopped before its end")


class _OpenCall:
    """A tool call under way: the server's index and id for it, ours, and whether it is announced."""

    __slots__ = ("custom", "given_id", "index", "name", "pending", "position", "signed", "started")

    def __init__(self, index: int, position: int, given_id: str) -> None:
        self.index = index
        self.position = position
        self.given_id = given_id
        self.name = ""
        self.pending = ""
        self.started = False
        self.signed = False
        self.custom = False


class ChatStreamDecoder:
    """State of one stream. It never raises: what is no chunk becomes a `StreamFailed`."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._started = False
        self._over = False
        self._next_index = 0
        self._open: tuple[int, PartKind] | None = None
        self._texts = 0
        self._uncarried: dict[str, None] = {}
        self._calls: list[_OpenCall] = []
        self._ids = CallIds()
        self._finish: str | None = None
        self._refused: list[str] = []
        self._surrogates = SurrogateJoiner()

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data.strip():
            return []
        if data.strip() == b"[DONE]":
            return self.end()
        try:
            chunk = chunks.decode_chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            if self._finish is not None:
                return []  # the answer is whole: what was cut is its usage or its terminator
            return self._fail(Problem(kind="upstream", status=502, code="garbage", message=f"not a chunk: {exc}"))
        if chunk.failed():
            return self._fail(decode_error(200, data))
        self._read(chunk)
        events, self._events = self._events, []
        return events

    def end(self, *, complete: bool = False) -> list[Event]:
        """Close the books. `complete`: the body is known to be whole, so that a missing finish reason is no cut."""
        if self._over:
            return []
        if self._finish is None and complete:
            self._finish = "stop"
        if self._finish is None:
            return self._fail(CUT)
        finish = chunks.canonical_finish(self._finish, has_calls=bool(self._calls))
        if finish == "error":
            return self._fail(BROKEN_OFF)
        self._start(chunks.Chunk())
        self._close()
        for call in self._calls:
            self._end_call(call)
        self._over = True
        refusal = "".join(self._refused) or None
        self._emit(MessageEnd(finish=finish, refusal=refusal, uncarried=tuple(self._uncarried)))
        events, self._events = self._events, []
        return events

    @property
    def finish(self) -> FinishReason | None:
        """The finish reason that has been seen so far."""
        return chunks.canonical_finish(self._finish, has_calls=bool(self._calls)) if self._finish else None

    def _read(self, chunk: chunks.Chunk) -> None:
        usage = chunk.reported_usage()
        choice = chunk.first_choice()
        if choice is None and usage is None and not chunk.id:
            return
        self._start(chunk)
        if choice is not None:
            delta = choice.delta or choice.message
            if delta is not None:
                self._read_delta(delta)
            if choice.finish_reason:
                self._finish = choice.finish_reason
        if usage is not None:
            self._emit(UsageUpdate(decode_usage(usage)))

    def _read_delta(self, delta: chunks.Delta) -> None:
        thinking, text = chunks.thinking_and_text(delta)
        if thinking:
            self._text("thinking", thinking)
        if text:
            self._text("text", text)
        if delta.annotations is not chunks.NO_ANNOTATIONS:
            self._cite(cited.read_all(delta.annotations, placed=self._texts == 1), cited.ANNOTATIONS)
        if delta.content.__class__ is list:
            self._cite(cited.references(delta.content), cited.REFERENCES)
        if delta.refusal:
            self._refused.append(delta.refusal)
            self._text("refusal", delta.refusal)
        if delta.tool_calls:
            for position, call in enumerate(delta.tool_calls):
                self._call(call, position)
        if delta.function_call is not None:
            self._call(chunks.ToolCall(index=0, function=delta.function_call), 0)

    def _start(self, chunk: chunks.Chunk) -> None:
        if not self._started:
            self._started = True
            self._emit(MessageStart(chunk.id or "", chunk.model or ""))

    def _text(self, kind: PartKind, text: str) -> None:
        if self._open is None or self._open[1] != kind:
            self._close()
            self._open = (self._take_index(), kind)
            self._texts += kind == "text"
            self._emit(PartStart(index=self._open[0], kind=kind))
        index = self._open[0]
        if joined := self._surrogates.join(index, text):
            self._emit(Delta(index, joined))

    def _cite(self, citations: Iterable[Citation | None], path: str) -> None:
        """Tell sources of the open text; what is none, or comes when no text is open, is not carried."""
        for citation in citations:
            if citation is not None and self._open is not None and self._open[1] == "text":
                self._emit(CitationAdded(self._open[0], citation))
            else:
                self._uncarried[path] = None

    def _close(self) -> None:
        if self._open is not None:
            self._end_text(self._open[0])
            self._emit(PartEnd(self._open[0]))
            self._open = None

    def _end_text(self, index: int) -> None:
        if left := self._surrogates.drop(index):
            self._emit(Delta(index, left))

    def _call(self, wire: chunks.ToolCall, position: int) -> None:
        self._close()
        function = wire.function or chunks.Function()
        call = self._call_at(int(wire.index) if wire.index is not None else position, wire.id or "", function.name)
        if wire.custom is not None:
            name, text = wire.custom.name, wire.custom.input or ""
            call.custom = True
        else:
            name, text = function.name, chunks.arguments_text(function.arguments)
        call.name = call.name or name or ""
        call.pending += text
        signature = chunks.call_signature(wire)
        if call.name or signature is not None:
            self._announce(call)
        if signature is not None and not call.signed:
            call.signed = True
            self._emit(SignatureDelta(call.index, signature))
        if call.started and not call.custom:
            self._flush(call)

    def _call_at(self, position: int, given_id: str, name: str | None) -> _OpenCall:
        """Find the call that a fragment belongs to: the last one at its index, unless the id or the name is another."""
        for call in reversed(self._calls):
            if call.position != position:
                continue
            if given_id and call.given_id and call.given_id != given_id:
                break
            if not given_id and name and call.name and name != call.name:
                break
            call.given_id = call.given_id or given_id
            return call
        call = _OpenCall(self._take_index(), position, given_id)
        self._calls.append(call)
        return call

    def _announce(self, call: _OpenCall) -> None:
        """Start the call's part, once its name is known or nothing more will come."""
        if not call.started:
            call.started = True
            call_id = self._ids.take(call.given_id, call.name)
            self._emit(PartStart(index=call.index, kind="tool_call", id=call_id, name=call.name))

    def _end_call(self, call: _OpenCall) -> None:
        self._announce(call)
        if call.custom:
            call.pending = msgspec.json.encode({"input": whole(call.pending)}).decode()
        if call.pending:
            self._flush(call)
        self._end_text(call.index)
        self._emit(PartEnd(call.index))

    def _flush(self, call: _OpenCall) -> None:
        text, call.pending = call.pending, ""
        if joined := self._surrogates.join(call.index, text):
            self._emit(Delta(call.index, joined))

    def _take_index(self) -> int:
        self._next_index += 1
        return self._next_index - 1

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _fail(self, problem: Problem) -> list[Event]:
        self._over = True
        events, self._events = self._events, []
        return [*events, StreamFailed(problem)]
