"""Write events as Gemini's stream: frames of new parts only, the ending with its counts in the last one.

Text goes out piece by piece; a call waits until it is whole, because a `functionCall` always is. The end of the body is
the only terminator, so nothing follows the last frame and a stream that failed ends in an error frame.
Source: wire notes 2026-11, "streaming grammars" and "stream translation state machines".
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
from proxyctl.dialects.base import AnswerContext, Fields, encode_json
from proxyctl.dialects.failure import FAILED_FINISHES
from proxyctl.dialects.gemini_generate.errors import encode_stream_error
from proxyctl.dialects.gemini_generate.grounding import LONGEST, GroundingWriter, size_of
from proxyctl.dialects.gemini_generate.outgoing import (
    EMPTY_TEXT,
    call_part,
    candidate,
    encode_usage,
    redacted_part,
    text_part,
)
from proxyctl.dialects.gemini_generate.stream import unusable

_HEAD = b'data: {"candidates":[{"content":{"parts":['
_MIDDLE = b'],"role":"model"},"index":0}]'
# Google's SDK cuts lines wherever Unicode does: inside JSON these must be written as escapes (client notes 2026-11).
_LINE_ENDS = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


class _Part:
    """A part under way; `pieces` are a call's arguments, or a text: the places of its sources count its bytes.

    `length` is a text's in characters: of one that is too long, only the beginning is kept.
    """

    __slots__ = ("citations", "length", "pieces", "signature", "start")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.length = 0
        self.citations: list[Citation] = []
        self.pieces: list[str] = []
        self.signature: Signature | None = None


class GeminiStreamEncoder:
    """State of one stream towards one caller."""

    def __init__(self, context: AnswerContext, losses: Losses) -> None:
        self._context = context
        self._losses = losses
        self._tail = b"}\n\n"
        self._parts: dict[int, _Part] = {}
        self._has_called = False
        self._usage: Usage | None = None
        self._written = 0
        self._grounding = GroundingWriter(losses)
        self._said: int | None = 0

    def feed(self, event: Event) -> bytes:
        match event:
            case Delta():
                return self._delta(event)
            case PartStart():
                self._parts[event.index] = _Part(event)
                return b""
            case PartEnd():
                return self._part_end(self._parts.pop(event.index))
            case SignatureDelta():
                self._parts[event.index].signature = event.signature
                return b""
            case CitationAdded():
                self._parts[event.index].citations.append(event.citation)
                return b""
            case UsageUpdate():
                self._usage = event.usage
                return b""
            case MessageStart():
                return self._start(event)
            case MessageEnd():
                return self._end(event)
            case StreamFailed():
                return encode_stream_error(event.problem)

    def end(self) -> bytes:
        return b""

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        names = {"modelVersion": event.model or self._context.model, "responseId": event.id}
        self._tail = b"," + encode_json(names)[1:] + b"\n\n"
        return b""

    def _delta(self, event: Delta) -> bytes:
        part, text = self._parts[event.index], event.text
        match part.start.kind:
            case "text" | "refusal":
                part.length += len(text)
                if part.length <= LONGEST:
                    part.pieces.append(text)
                return self._frame(text_part(text)) if text else b""
            case "tool_call":
                part.pieces.append(text)
                return b""
            case "thinking":
                self._written += len(text)
                return self._frame(text_part(text, thought=True)) if text and self._context.show_thinking else b""
            case _:
                return b""

    def _text_end(self, part: _Part) -> None:
        self._written += part.length
        text = "".join(part.pieces) if part.length <= LONGEST else None
        self._grounding.add(part.citations, text, offset=self._said)
        self._said = None if text is None or self._said is None else self._said + size_of(text)

    def _part_end(self, part: _Part) -> bytes:
        start = part.start
        if start.kind in ("text", "refusal"):
            self._text_end(part)
        match start.kind:
            case "tool_call":
                begins, self._has_called = not self._has_called, True
                arguments = "".join(part.pieces)
                self._written += len(arguments)
                return self._frame(call_part(start.id, start.name, arguments, part.signature, begins=begins))
            case "redacted_thinking":
                return self._frame(redacted_part(start.data))
            case kind if part.signature is not None:
                # The proof of what has been sent comes behind it, on an empty part of the same kind.
                return self._frame(text_part("", part.signature, thought=kind == "thinking"))
            case _:
                return b""

    def _frame(self, part: Fields) -> bytes:
        return _HEAD + _one_line(encode_json(part)) + _MIDDLE + self._tail

    def _end(self, event: MessageEnd) -> bytes:
        if event.finish in FAILED_FINISHES:
            return encode_stream_error(unusable("", malformed=event.finish == "malformed_tool"))
        usage = self._usage or self._context.estimated_usage(self._written)
        document = {
            "candidates": [candidate([EMPTY_TEXT], event.finish, event.refusal) | self._grounding.document()],
            "usageMetadata": encode_usage(usage),
        }
        return b"data: " + _one_line(encode_json(document)[:-1]) + self._tail


def _one_line(text: bytes) -> bytes:
    if not text.isascii():
        for end, escaped in _LINE_ENDS:
            text = text.replace(end, escaped)
    return text
