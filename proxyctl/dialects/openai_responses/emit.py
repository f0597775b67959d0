"""Write events as the responses dialect's stream.

Grammar (wire notes 2026-11, "OpenAI Responses"): items one after the other, each with its `added`, its parts and its
`done`, every event numbered from 0, every text repeated whole where it ends, and everything in the last event. So this
is the one encoder that must remember the answer. A part that begins while another is open waits until that one ends; an
item is closed only when the next begins or the answer ends, because only then is known whether it was cut, and whether
a call whose signature needs a reasoning item before it can use the one that is open. No `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from proxyctl.core.chat import Citation, Signature, normal_arguments
from proxyctl.core.errors import Problem
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
from proxyctl.dialects.custom_tools import custom_input
from proxyctl.dialects.failure import FAILED_FINISHES, failed_answer
from proxyctl.dialects.in_turn import InTurn
from proxyctl.dialects.openai_responses import document
from proxyctl.dialects.openai_responses.document import ItemKind, ResponseDocument
from proxyctl.dialects.openai_responses.errors import encode_stream_error, response_error
from proxyctl.dialects.openai_responses.tools import namespaces_of
from proxyctl.dialects.sse import frame
from proxyctl.dialects.untold import UntoldProofs

_CONTENT = {"text": "output_text", "refusal": "refusal"}


class _Part:
    """A part under way: what it has said, and whether it has been begun on the wire."""

    __slots__ = ("annotations", "head", "pieces", "signature", "start", "tail")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.signature: Signature | None = None
        self.annotations: list[Fields] = []
        self.pieces: list[str] = []
        self.head = b""  # of its delta frames, behind their number; empty until it has begun
        self.tail = b""


class ResponsesStreamEncoder:
    """State of one stream towards one caller. `response` is the last response object that was written."""

    def __init__(self, context: AnswerContext, losses: Losses) -> None:
        self._context = context
        self._losses = losses
        self._untold = UntoldProofs(losses)
        self._namespaces = namespaces_of(context.asked)
        self._document: ResponseDocument | None = None
        self._parts: dict[int, _Part] = {}
        self._turns = InTurn()
        self._item: Fields | None = None
        self._number = 0
        self._written = 0
        self._usage: Usage | None = None
        self._refused = False
        self.response: Fields = {}

    def feed(self, event: Event) -> bytes:
        match event:
            case Delta() | SignatureDelta() | CitationAdded():
                return self._write(event) if self._turns.due(event) else b""
            case PartEnd() | MessageEnd():
                return b"".join(self.pieces(event))
            case PartStart():
                self._parts[event.index] = _Part(event)
                self._turns.begin(event.index)
                if event.kind == "tool_call":
                    self._untold.call_begins()
                return b""
            case MessageStart():
                return self._start(event)
            case UsageUpdate():
                self._usage = event.usage
                return b""
            case StreamFailed():
                return self._fail(event.problem)

    def pieces(self, event: PartEnd | MessageEnd) -> Iterator[bytes]:
        if isinstance(event, MessageEnd):
            yield from self._end(event)
            return
        for due in self._turns.due(event):
            if isinstance(due, PartEnd):
                yield from self._part_end(self._parts.pop(due.index))
            else:
                yield self._write(due)

    def end(self) -> bytes:
        return b""

    @property
    def _response(self) -> ResponseDocument:
        if self._document is None:
            self._document = ResponseDocument("", "", self._context)
        return self._document

    def _start(self, event: MessageStart) -> bytes:
        self._usage = event.usage
        self._document = ResponseDocument(event.id, event.model, self._context)
        self.response = self._document.begun()
        return b"".join(self._event(kind, response=self.response) for kind in ("created", "in_progress"))

    def _write(self, event: Delta | SignatureDelta | CitationAdded) -> bytes:
        part = self._parts[event.index]
        match event:
            case Delta():
                return self._delta(part, event.text)
            case SignatureDelta():
                return self._signature(part, event.signature)
            case CitationAdded():
                return self._annotate(part, event.citation)

    def _delta(self, part: _Part, text: str) -> bytes:
        self._written += len(text)
        kind = part.start.kind
        if not text or (kind == "thinking" and not self._context.show_thinking):
            return b""
        part.pieces.append(text)
        if kind == "tool_call" and part.start.name in self._context.custom_tools:
            return b""
        opened = b"" if part.head else self._open(part)
        number, self._number = self._number, self._number + 1
        return opened + b"%b%d,%b%b%b" % (part.head, number, part.tail, encode_json(text), b"}\n\n")

    def _signature(self, part: _Part, signature: Signature) -> bytes:
        kind = part.start.kind
        if kind == "thinking" or (kind == "tool_call" and not part.head):
            part.signature = signature
        else:
            self._untold.miss("output", f"a signature on {kind} has no place in this dialect")
        return b""

    def _annotate(self, part: _Part, citation: Citation) -> bytes:
        annotation = document.annotation(citation, self._losses)
        if annotation is None:
            return b""
        opened = b"" if part.head else self._open(part)
        part.annotations.append(annotation)
        number = len(part.annotations) - 1
        place = self._place()
        return opened + self._of_item(
            "output_text.annotation.added", **place, annotation_index=number, annotation=annotation
        )

    def _part_end(self, part: _Part) -> Iterator[bytes]:
        text = "".join(part.pieces)
        part.pieces.clear()
        match part.start.kind:
            case "tool_call":
                yield from self._call_end(part, text)
            case "redacted_thinking":
                yield self._reasoning(document.encrypted_block(part.start.data))
            case "thinking":
                yield from self._thinking_end(part, text)
            case "text" | "refusal" if part.head:
                yield from self._content_end(part, text)
            case _:
                pass

    def _open(self, part: _Part) -> bytes:
        """Begin a part, and the item that it needs; prepares its delta frames."""
        match part.start.kind:
            case "text" | "refusal" as kind:
                return self._open_content(part, kind)
            case "tool_call":
                return self._open_call(part)
            case _:
                opened = self._open_item("reasoning", summary=[])
                self._prepare(part, "reasoning_summary_text", summary_index=0)
                return opened + self._of_item("reasoning_summary_part.added", summary_index=0, part=_SUMMARY)

    def _open_content(self, part: _Part, kind: Literal["text", "refusal"]) -> bytes:
        opened = b""
        if self._item is None or self._item["type"] != "message":
            opened = self._open_item("message", status="in_progress", role="assistant", content=[])
        place = self._place()
        empty = document.text_content("") if kind == "text" else document.refusal_content("")
        self._refused = self._refused or kind == "refusal"
        self._prepare(part, _CONTENT[kind], **place, **({"logprobs": []} if kind == "text" else {}))
        return opened + self._of_item("content_part.added", **place, part=empty)

    def _content_end(self, part: _Part, text: str) -> Iterator[bytes]:
        place = self._place()
        if part.start.kind == "text":
            content = document.text_content(text, part.annotations)
            yield self._of_item("output_text.done", **place, text=text, logprobs=[])
        else:
            content = document.refusal_content(text)
            yield self._of_item("refusal.done", **place, refusal=text)
        self._open_one["content"].append(content)
        yield self._of_item("content_part.done", **place, part=content)

    def _thinking_end(self, part: _Part, text: str) -> Iterator[bytes]:
        if not part.head:
            if part.signature is not None:
                yield self._reasoning(document.encrypted(part.signature))
            return
        summary = document.summary_part(text)
        self._open_one["summary"].append(summary)
        if part.signature is not None:
            self._open_one["encrypted_content"] = document.encrypted(part.signature)
        yield self._of_item("reasoning_summary_text.done", summary_index=0, text=text)
        yield self._of_item("reasoning_summary_part.done", summary_index=0, part=summary)

    def _reasoning(self, proof: str) -> bytes:
        """An item that holds nothing to read."""
        opened = self._open_item("reasoning", summary=[])
        self._open_one["encrypted_content"] = proof
        return opened

    def _open_call(self, part: _Part) -> bytes:
        opened = b""
        if part.signature is not None:
            proof = document.encrypted(part.signature)
            if self._item is not None and self._item["type"] == "reasoning" and "encrypted_content" not in self._item:
                self._item["encrypted_content"] = proof
            else:
                opened = self._reasoning(proof)
        start = part.start
        names = document.call_names(start.name, start.id, self._namespaces)
        if start.name in self._context.custom_tools:
            return opened + self._open_item("custom_tool_call", **names, input="")
        opened += self._open_item("function_call", status="in_progress", **names, arguments="")
        self._prepare(part, "function_call_arguments")
        return opened

    def _call_end(self, part: _Part, text: str) -> Iterator[bytes]:
        if part.start.name in self._context.custom_tools:
            yield self._open_call(part)
            said = custom_input(normal_arguments(text))
            self._open_one["input"] = said
            if said:
                yield self._of_item("custom_tool_call_input.delta", delta=said)
            yield self._of_item("custom_tool_call_input.done", input=said)
            return
        if not text.strip():
            text += "{}"
            yield self._delta(part, "{}")
        self._open_one["arguments"] = text
        yield self._of_item("function_call_arguments.done", arguments=text)

    @property
    def _open_one(self) -> Fields:
        if self._item is None:
            raise AssertionError("a part has an item")
        return self._item

    def _place(self) -> Fields:
        return {"content_index": len(self._open_one["content"])}

    def _open_item(self, kind: ItemKind, **members: object) -> bytes:
        closed = self._close_item("completed")
        self._item = {"id": self._response.item_id(kind), "type": kind, **members}
        return closed + self._event("output_item.added", output_index=len(self._response.output), item=self._item)

    def _close_item(self, status: Literal["completed", "incomplete"]) -> bytes:
        if self._item is None:
            return b""
        item, self._item = self._item, None
        if "status" in item:
            item["status"] = status
        index = len(self._response.output)
        self._response.output.append(item)
        return self._event("output_item.done", output_index=index, item=item)

    def _end(self, event: MessageEnd) -> Iterator[bytes]:
        if event.finish in FAILED_FINISHES:
            yield self._fail(failed_answer(event.finish))
            return
        if event.refusal and not self._refused:
            part = _Part(PartStart(index=0, kind="refusal"))
            yield self._delta(part, event.refusal)
            yield from self._content_end(part, event.refusal)
        yield self._close_item(document.ending(event.finish, self._losses))
        self.response = self._response.ended(event.finish, self._usage or self._context.estimated_usage(self._written))
        yield self._event(self.response["status"], response=self.response)

    def _fail(self, problem: Problem) -> bytes:
        if self._document is None:
            return encode_stream_error(problem, self._number)
        # Both, as OpenAI does: one family of clients raises only for the one, another reads nothing but the other.
        written = encode_stream_error(problem, self._number)
        self._number += 1
        self.response = self._document.failed(response_error(problem), self._usage)
        return written + self._event("failed", response=self.response)

    def _prepare(self, part: _Part, kind: str, **members: object) -> None:
        """Write the delta frames' envelope once; between its halves comes the number, behind it the text."""
        name = f"response.{kind}.delta"
        part.head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (name.encode(), name.encode())
        where = {"item_id": self._open_one["id"], "output_index": len(self._response.output), **members}
        part.tail = encode_json(where)[1:-1] + b',"delta":'

    def _of_item(self, kind: str, **members: object) -> bytes:
        """An event of the open item."""
        return self._event(kind, item_id=self._open_one["id"], output_index=len(self._response.output), **members)

    def _event(self, kind: str, **members: object) -> bytes:
        name = f"response.{kind}"
        number, self._number = self._number, self._number + 1
        return frame(encode_json({"type": name, "sequence_number": number, **members}), name)


_SUMMARY = document.summary_part("")
