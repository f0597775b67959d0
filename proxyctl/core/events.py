"""A streamed answer in no dialect: the events between a stream decoder and a stream encoder.

A stream is one `MessageStart`, then parts, each `PartStart`, deltas, `PartEnd` (several may be open at once: providers
interleave parallel tool calls), `UsageUpdate` at any time (cumulative: the later one replaces), and exactly one
`MessageEnd` or `StreamFailed` at the end. `EventChecker` states these rules once, for tests.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from proxyctl.core.chat import Citation, FinishReason, Signature
from proxyctl.core.errors import Problem
from proxyctl.core.usage import Usage

PartKind = Literal["text", "thinking", "tool_call", "refusal", "redacted_thinking"]


class MessageStart(Struct, frozen=True):
    """The answer begins. `usage` is what is known so early (the input's size), `None` when nothing is."""

    id: str
    model: str
    usage: Usage | None = None


class PartStart(Struct, frozen=True, kw_only=True):
    """A part begins. `id` and `name` belong to tool calls; `data` to a redacted thinking block, which has no deltas."""

    index: int
    kind: PartKind
    id: str = ""
    name: str = ""
    data: str = ""


class Delta(Struct, frozen=True):
    """More of part `index`: its text, its thinking, or a piece of its arguments' JSON text."""

    index: int
    text: str


class SignatureDelta(Struct, frozen=True):
    """The proof of part `index`, whole."""

    index: int
    signature: Signature


class CitationAdded(Struct, frozen=True):
    """A source of what the text part `index`, which is still open, has said so far."""

    index: int
    citation: Citation


class PartEnd(Struct, frozen=True):
    index: int


class UsageUpdate(Struct, frozen=True):
    """Cumulative counts so far: replaces what came before."""

    usage: Usage


class MessageEnd(Struct, frozen=True, kw_only=True):
    """The answer is complete. `uncarried` names what it also held and this form has no place for: each a loss."""

    finish: FinishReason
    stop_sequence: str | None = None
    refusal: str | None = None
    uncarried: tuple[str, ...] = ()


class StreamFailed(Struct, frozen=True):
    """The answer is not complete and will not be."""

    problem: Problem


Event = (
    MessageStart
    | PartStart
    | Delta
    | SignatureDelta
    | CitationAdded
    | PartEnd
    | UsageUpdate
    | MessageEnd
    | StreamFailed
)


class EventChecker:
    """Raises `AssertionError` on the first event that breaks the grammar; `finish()` on a stream without an end."""

    def __init__(self) -> None:
        self._started = False
        self._ended = False
        self._open: dict[int, PartKind] = {}
        self._known: set[int] = set()

    def feed(self, event: Event) -> None:
        if self._ended:
            raise AssertionError(f"{event!r} after the end")
        if isinstance(event, StreamFailed):
            self._ended = True
        elif isinstance(event, MessageStart):
            if self._started:
                raise AssertionError("a second MessageStart")
            self._started = True
        elif not self._started:
            raise AssertionError(f"{event!r} before MessageStart")
        elif isinstance(event, MessageEnd):
            if self._open:
                raise AssertionError(f"parts {sorted(self._open)} are still open at the end")
            self._ended = True
        elif not isinstance(event, UsageUpdate):
            self._feed_part(event)

    def _feed_part(self, event: PartStart | Delta | SignatureDelta | CitationAdded | PartEnd) -> None:
        if isinstance(event, PartStart):
            if event.index in self._known:
                raise AssertionError(f"part {event.index} starts twice")
            self._known.add(event.index)
            self._open[event.index] = event.kind
            return
        if event.index not in self._open:
            raise AssertionError(f"{event!r} for a part that is not open")
        if isinstance(event, CitationAdded) and self._open[event.index] != "text":
            raise AssertionError(f"{event!r} for a part that is no text")
        if isinstance(event, PartEnd):
            del self._open[event.index]

    def finish(self) -> None:
        if not self._ended:
            raise AssertionError("the stream has no end")
