"""Cohere's stream events to canonical ones. `message-end` is the terminal: a body without it was cut.

Content and tool calls are numbered apart on the wire, and the plan has no number, so each gets its own part here. A
text's citations may come behind its end, so it is closed only when something else begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw

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
    StreamFailed,
    UsageUpdate,
)
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.cohere_chat.citations import CITATIONS, read_citation
from proxyctl.dialects.cohere_chat.errors import decode_error
from proxyctl.dialects.cohere_chat.wire import (
    ContentItem,
    EventDelta,
    StreamEvent,
    ToolCall,
    decode_event,
    failed_answer,
    finish_of,
    usage_of,
)
from proxyctl.dialects.surrogates import SurrogateJoiner

CUT = Problem(kind="upstream", status=502, code="stream_cut", message="the provider's stream stopped before its end")

_Slot = tuple[str, int]
_PLAN: _Slot = ("plan", 0)


class CohereStreamDecoder:
    """One stream's state: which wire item is which part, and what is still open."""

    def __init__(self) -> None:
        self._started = False
        self._over = False
        self._next = 0
        self._open: dict[_Slot, int] = {}
        self._kinds: dict[_Slot, PartKind] = {}
        self._silent: set[int] = set()
        self._calls = CallIds()
        self._called = False
        self._has_content = False
        self._text_slot: _Slot | None = None
        self._uncarried: tuple[str, ...] = ()
        self._joiner = SurrogateJoiner()
        self._handlers: dict[str, Callable[[StreamEvent, EventDelta], list[Event]]] = {
            "content-start": self._content,
            "content-delta": self._content,
            "content-end": self._content_end,
            "tool-plan-delta": self._plan,
            "tool-call-start": self._call_start,
            "tool-call-delta": self._call_delta,
            "tool-call-end": lambda event, _: self._close(("call", event.index)),
            "citation-start": self._citation,
            "message-end": self._message_end,
        }

    def feed(self, data: bytes) -> Sequence[Event]:
        if self._over or data.strip() in (b"", b"[DONE]"):
            return ()
        try:
            event = decode_event(data)
        except msgspec.DecodeError as exc:
            return self._fail(
                Problem(kind="upstream", status=502, code="garbage", message=f"not a Cohere event: {exc}")
            )
        if event.type is None:
            return self._fail(decode_error(200, data)) if event.message is not None else ()
        events: list[Event] = []
        if not self._started:
            self._started = True
            self._calls = CallIds(event.id or "")
            events.append(MessageStart(event.id or "", ""))
        handler = self._handlers.get(event.type)
        if handler is not None:
            events += handler(event, event.delta or EventDelta())
        return events

    def end(self) -> Sequence[Event]:
        return () if self._over else self._fail(CUT)

    def _fail(self, problem: Problem) -> list[Event]:
        self._over = True
        return [StreamFailed(problem)]

    def _content(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        item = delta.message.content if delta.message else None
        if not isinstance(item, ContentItem):
            return []
        slot = ("content", event.index)
        text = item.thinking or item.text
        if not text:
            return []
        kind: PartKind = "thinking" if item.thinking else "text"
        events = self._close(_PLAN)
        if self._kinds.get(slot) != kind:
            events += self._close(slot)
        return events + self._text(slot, kind, text)

    def _content_end(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        del delta
        slot = ("content", event.index)
        return [] if self._kinds.get(slot) == "text" else self._close(slot)

    def _plan(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        del event
        text = delta.message.tool_plan if delta.message else None
        return self._text(_PLAN, "text", text) if text else []

    def _text(self, slot: _Slot, kind: PartKind, text: str) -> list[Event]:
        events: list[Event] = []
        if slot not in self._open:
            events += self._close_text()
            events.append(PartStart(index=self._begin(slot, kind), kind=kind))
        index = self._open[slot]
        self._has_content = self._has_content or kind == "text"
        joined = self._joiner.join(index, text)
        if joined:
            events.append(Delta(index, joined))
        return events

    def _call_start(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        call = delta.message.tool_calls if delta.message else None
        if not isinstance(call, ToolCall):
            return []
        slot = ("call", event.index)
        events = self._close(_PLAN) + self._close_text() + self._close(slot)
        name = (call.function.name if call.function else None) or ""
        index = self._begin(slot, "tool_call")
        self._called = self._has_content = True
        self._silent.add(index)
        events.append(PartStart(index=index, kind="tool_call", id=self._calls.take(call.id, name), name=name))
        return events + self._arguments(slot, call)

    def _call_delta(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        call = delta.message.tool_calls if delta.message else None
        slot = ("call", event.index)
        return self._arguments(slot, call) if isinstance(call, ToolCall) and slot in self._open else []

    def _arguments(self, slot: _Slot, call: ToolCall) -> list[Event]:
        index = self._open[slot]
        text = call.function.arguments if call.function else None
        joined = self._joiner.join(index, text) if text else ""
        if not joined:
            return []
        self._silent.discard(index)
        return [Delta(index, joined)]

    def _citation(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        del event
        named = delta.message.citations if delta.message else Raw()
        if bytes(named) in (b"", b"null"):
            return []
        cited = read_citation(named)
        slot = self._text_slot if cited.content_index is None else ("content", cited.content_index)
        sources = cited.sources_named()
        if slot is None or slot not in self._open or self._kinds[slot] != "text" or not sources:
            self._uncarried = (CITATIONS,)
            return []
        return [CitationAdded(self._open[slot], source) for source in sources]

    def _message_end(self, event: StreamEvent, delta: EventDelta) -> list[Event]:
        del event
        events = [closing for slot in list(self._open) for closing in self._close(slot)]
        usage = usage_of(delta.usage)
        if usage is not None:
            events.append(UsageUpdate(usage))
        finish = finish_of(delta.finish_reason, called=self._called, has_content=self._has_content)
        if finish == "error":
            return events + self._fail(failed_answer(delta.finish_reason, delta.error))
        self._over = True
        events.append(MessageEnd(finish=finish, uncarried=self._uncarried))
        return events

    def _begin(self, slot: _Slot, kind: PartKind) -> int:
        index = self._next
        self._next += 1
        self._open[slot] = index
        self._kinds[slot] = kind
        if kind == "text" and slot != _PLAN:
            self._text_slot = slot
        return index

    def _close_text(self) -> list[Event]:
        return [] if self._text_slot is None else self._close(self._text_slot)

    def _close(self, slot: _Slot) -> list[Event]:
        index = self._open.pop(slot, None)
        if index is None:
            return []
        events: list[Event] = []
        rest = self._joiner.drop(index)
        if index in self._silent:
            rest = "{}"  # a call without arguments says nothing about them
        if rest:
            events.append(Delta(index, rest))
        events.append(PartEnd(index))
        return events
