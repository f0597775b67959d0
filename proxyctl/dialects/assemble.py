"""Put a streamed answer together again: events to one `Answer`.

Dialects whose streamed and whole answers hold the same parts read both with one reader and call this for the whole
one, so that "streamed equals not streamed" is true by construction.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxyctl.core.chat import (
    Answer,
    Citation,
    FinishReason,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    normal_arguments,
)
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    MessageEnd,
    MessageStart,
    PartStart,
    SignatureDelta,
    UsageUpdate,
)
from proxyctl.core.usage import Usage


class _Growing:
    """A part whose end has not come yet."""

    __slots__ = ("citations", "pieces", "signature", "start")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.signature: Signature | None = None

    def part(self) -> Part:
        text = "".join(self.pieces)
        match self.start.kind:
            case "text":
                return TextPart(text=text, signature=self.signature, citations=tuple(self.citations))
            case "thinking":
                return ThinkingPart(text=text, signature=self.signature)
            case "redacted_thinking":
                return ThinkingPart(redacted=self.start.data)
            case "refusal":
                return RefusalPart(text=text)
            case "tool_call":
                return ToolCallPart(
                    id=self.start.id,
                    name=self.start.name,
                    arguments=normal_arguments(text),
                    signature=self.signature,
                )


def assemble(events: Iterable[Event]) -> Answer:
    """Return the answer that these events tell, parts in the order in which they began.

    A stream that failed, or has no end, becomes an answer with `finish="error"`.
    """
    start = MessageStart(id="", model="")
    end = MessageEnd(finish="error")
    usage: Usage | None = None
    parts: dict[int, _Growing] = {}
    for event in events:
        match event:
            case MessageStart():
                start, usage = event, event.usage
            case PartStart():
                parts[event.index] = _Growing(event)
            case Delta():
                parts[event.index].pieces.append(event.text)
            case SignatureDelta():
                parts[event.index].signature = event.signature
            case CitationAdded():
                parts[event.index].citations.append(event.citation)
            case UsageUpdate():
                usage = event.usage
            case MessageEnd():
                end = event
            case _:
                pass
    finish: FinishReason = end.finish
    return Answer(
        id=start.id,
        model=start.model,
        parts=tuple(growing.part() for growing in parts.values()),
        finish=finish,
        usage=usage,
        stop_sequence=end.stop_sequence,
        refusal=end.refusal,
        uncarried=end.uncarried,
    )
