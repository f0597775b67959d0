"""Read a stream of responses events as canonical events, and a whole response as if it had been streamed.

Parts are known by their item's place. Servers leave deltas out, or the events that repeat a text: whatever an item
holds when it is done, and has not been told, is told then, so that a stream without a single delta reads the same.
Items that their provider worked through itself (web search and the like) have no canonical form and make no event.
Source: wire notes 2026-11, "OpenAI Responses".
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxyctl.core.chat import Signature
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
from proxyctl.dialects.custom_tools import custom_arguments
from proxyctl.dialects.openai_responses import events
from proxyctl.dialects.openai_responses.document import CITATIONS
from proxyctl.dialects.openai_responses.events import CALLS, Item, Response
from proxyctl.dialects.openai_responses.tools import flat_name
from proxyctl.dialects.openai_responses.usage import usage_of
from proxyctl.dialects.openai_responses.watch import problem_of
from proxyctl.dialects.sources import read_url_citation
from proxyctl.dialects.surrogates import SurrogateJoiner
from proxyctl.dialects.typed import understood

CUT = Problem(kind="upstream", status=502, code="stream_cut", message="the provider's stream stopped before its end")

_CONTENT: dict[str, PartKind] = {"output_text": "text", "refusal": "refusal"}
_Place = tuple[int, int]
"""A part's output index and, for a message's parts, its content index."""


class _Part:
    """A part under way. `told` counts the characters that have come, `cited` the annotations.

    `summary` is the last summary's index.
    """

    __slots__ = ("cited", "closed", "index", "kind", "summary", "told")

    def __init__(self, index: int, kind: PartKind) -> None:
        self.index = index
        self.kind = kind
        self.told = 0
        self.cited = 0
        self.summary = 0
        self.closed = False


class ResponsesStreamDecoder:
    """State of one stream. It never raises: what is no event becomes a `StreamFailed`."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._started = False
        self._over = False
        self._parts: dict[_Place, _Part] = {}
        self._done: set[int] = set()
        self._has_calls = False
        self._refused: list[str] = []
        self._uncarried: dict[str, None] = {}
        self._ids = CallIds()
        self._surrogates = SurrogateJoiner()

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data.strip() or data.strip() == b"[DONE]":
            return []
        try:
            event = events.decode_event(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            return self._fail(Problem(kind="upstream", status=502, code="garbage", message=f"not an event: {exc}"))
        if event.failed():
            return self._fail(problem_of(event, data))
        self._read(event)
        return self._take()

    def end(self) -> list[Event]:
        return [] if self._over else self._fail(CUT)

    def whole(self, response: Response) -> list[Event]:
        """The events of a response that was not streamed."""
        self._start(response)
        self._finish(response)
        return self._take()

    def _take(self) -> list[Event]:
        made, self._events = self._events, []
        return made

    def _read(self, event: events.Event) -> None:
        at = event.output_index or 0
        if event.response is not None:
            self._start(event.response)
        match event.type:
            case "response.output_text.delta":
                self._tell(self._part((at, event.content_index or 0), "text"), _text(event.delta))
            case "response.refusal.delta":
                self._tell(self._part((at, event.content_index or 0), "refusal"), _text(event.delta))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._think(at, event.summary_index or 0, _text(event.delta))
            case "response.function_call_arguments.delta":
                call = self._parts.get((at, 0))
                if call is not None:
                    self._tell(call, _text(event.delta))
            case "response.output_item.added" if event.item is not None and event.item.type in CALLS:
                self._announce(at, event.item)
            case "response.output_item.done" if event.item is not None:
                self._item_done(at, event.item)
            case "response.output_text.annotation.added":
                self._cite(self._part((at, event.content_index or 0), "text"), event.annotation)
            case _:
                self._read_ending(event)

    def _read_ending(self, event: events.Event) -> None:
        ending = event.ending()
        if ending is not None:
            self._start(ending)
            self._finish(ending)

    def _start(self, response: Response) -> None:
        if not self._started:
            self._started = True
            self._events.append(MessageStart(response.id or "", response.model or ""))

    def _part(self, place: _Place, kind: PartKind) -> _Part:
        part = self._parts.get(place)
        if part is None:
            part = self._parts[place] = _Part(len(self._parts), kind)
            self._start(Response())
            self._events.append(PartStart(index=part.index, kind=kind))
        return part

    def _tell(self, part: _Part, text: str) -> None:
        if part.closed or not text:
            return
        part.told += len(text)
        if part.kind == "refusal":
            self._refused.append(text)
        if joined := self._surrogates.join(part.index, text):
            self._events.append(Delta(part.index, joined))

    def _cite(self, part: _Part, annotation: Raw) -> None:
        """Tell a source; what is kept in a file of the provider has no address."""
        part.cited += 1
        citation = None if part.closed or part.kind != "text" else read_url_citation(annotation)
        if citation is None:
            self._uncarried[CITATIONS] = None
        else:
            self._events.append(CitationAdded(part.index, citation))

    def _think(self, at: int, summary: int, text: str) -> None:
        """Summaries of one item are paragraphs of one thinking part."""
        part = self._part((at, 0), "thinking")
        if summary != part.summary:
            part.summary = summary
            text = "\n\n" + text if part.told else text
        self._tell(part, text)

    def _announce(self, at: int, item: Item) -> _Part:
        part = self._parts.get((at, 0))
        if part is not None:
            return part
        self._has_calls = True
        name = flat_name(item.namespace, item.name or "")
        call_id = self._ids.take(item.call_id or item.id, name, item.arguments or item.input or "")
        part = self._parts[at, 0] = _Part(len(self._parts), "tool_call")
        self._start(Response())
        self._events.append(PartStart(index=part.index, kind="tool_call", id=call_id, name=name))
        return part

    def _item_done(self, at: int, item: Item) -> None:
        """Tell what the item holds and has not been told, and close its parts."""
        if at in self._done:
            return
        self._done.add(at)
        if item.type == "message":
            for place, content in enumerate(item.content or ()):
                text = content.refusal if content.type == "refusal" else content.text
                if content.type in _CONTENT and (text or (at, place) in self._parts):
                    part = self._part((at, place), _CONTENT[content.type])
                    self._rest(part, text or "")
                    for annotation in (understood(content.annotations, list[Raw]) or [])[part.cited :]:
                        self._cite(part, annotation)
        elif item.type == "reasoning":
            self._reasoning_done(at, item)
        elif item.type in CALLS:
            custom = item.type == "custom_tool_call"
            arguments = custom_arguments(item.input or "") if custom else item.arguments or ""
            self._rest(self._announce(at, item), arguments)
        for (item_index, _), part in self._parts.items():
            if item_index == at:
                self._close(part)

    def _reasoning_done(self, at: int, item: Item) -> None:
        text = "\n\n".join(part.text or "" for part in item.summary or ())
        text = text or "".join(part.text or "" for part in item.content or ())
        if text and (at, 0) not in self._parts:
            self._tell(self._part((at, 0), "thinking"), text)
        if item.encrypted_content:
            index = self._part((at, 0), "thinking").index
            self._events.append(SignatureDelta(index, Signature(item.encrypted_content, "openai-responses")))

    def _rest(self, part: _Part, text: str) -> None:
        self._tell(part, text[part.told :])

    def _close(self, part: _Part) -> None:
        if part.closed:
            return
        part.closed = True
        if left := self._surrogates.drop(part.index):
            self._events.append(Delta(part.index, left))
        self._events.append(PartEnd(part.index))

    def _finish(self, response: Response) -> None:
        for at, item in enumerate(response.output or ()):
            self._item_done(at, item)
        for part in self._parts.values():
            self._close(part)
        usage = usage_of(response.usage)
        if usage is not None:
            self._events.append(UsageUpdate(usage))
        self._over = True
        finish = events.canonical_finish(response, has_calls=self._has_calls)
        self._events.append(
            MessageEnd(finish=finish, refusal="".join(self._refused) or None, uncarried=tuple(self._uncarried))
        )

    def _fail(self, problem: Problem) -> list[Event]:
        self._over = True
        self._events.append(StreamFailed(problem))
        return self._take()


def _text(delta: object) -> str:
    return delta if isinstance(delta, str) else ""
