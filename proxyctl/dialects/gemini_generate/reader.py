"""Gemini's answer objects to canonical events, the same for a whole answer and for a stream's frames.

Gemini names no event kinds and marks no part's beginning or end: text continues until a part of another kind comes, a
function call is always whole, and `STOP` also ends an answer that calls tools. What the canonical form cannot carry
(a generated image, code that ran at the provider) leaves a readable placeholder, never a gap.
"""

from __future__ import annotations

import msgspec

from proxyctl.core.chat import FinishReason, Signature, normal_arguments
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    MessageStart,
    PartEnd,
    PartKind,
    PartStart,
    SignatureDelta,
    UsageUpdate,
)
from proxyctl.core.usage import Usage, added
from proxyctl.dialects.call_ids import CallIds
from proxyctl.dialects.gemini_generate.grounding import LONGEST, Sources
from proxyctl.dialects.gemini_generate.wire import (
    Blob,
    Candidate,
    FunctionCall,
    Part,
    Response,
    UsageMetadata,
    usage_of,
)
from proxyctl.dialects.typed import understood

_REFUSALS = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
        "ESCALATION",
    }
)
_MALFORMED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    }
)
# An answer that pauses at the cap of one HTTP response and waits for `continuationToken`. Where nobody asks for the
# rest, it is told as what it is for the caller: cut by length.
_CONTINUATION = "CONTINUATION"
_LENGTHS = frozenset({"MAX_TOKENS", _CONTINUATION})

_PLACEHOLDERS = ("file_data", "executable_code", "code_execution_result", "tool_call", "tool_response")


class AnswerReader:
    """Reads the objects of one answer in order; holds the part that is still open and what decides the ending."""

    def __init__(self) -> None:
        self.message = ""
        """What the provider says about the ending, for people."""
        self._started = False
        self._reason: str | None = None
        self._blocked = False
        self._calls = CallIds()
        self._called = False
        self._has_content = False
        self._token = ""
        self._sources = Sources()
        self._texts = 0
        self._length = 0
        self._said: list[str] = []
        self._usage: Usage | None = None
        self._used_before: Usage | None = None
        self._next = 0
        self._open: int | None = None
        self._open_kind: PartKind = "text"

    @property
    def has_content(self) -> bool:
        """Whether anything came that a person or a program could use; thinking alone is nothing."""
        return self._has_content

    @property
    def uncarried(self) -> tuple[str, ...]:
        """What the answer names, once it is closed, that no part of it could carry."""
        return self._sources.left()

    @property
    def usage(self) -> Usage | None:
        """The counts so far, final once the answer has its end, unless its last HTTP answer has not counted."""
        usage = self._usage
        if usage is None or usage.source != "partial" or self.finish() is None or usage is self._used_before:
            return usage
        return msgspec.structs.replace(usage, source="reported")

    @property
    def continuation(self) -> str:
        """What asks for the rest of an answer that paused, `""` when there is nothing to ask for."""
        return self._token if self._reason == _CONTINUATION else ""

    def resume(self) -> None:
        """The rest comes in another HTTP answer: the open part goes on, counts are added to those so far."""
        self._reason, self._token, self.message = None, "", ""
        if self._usage is not None:
            self._usage = msgspec.structs.replace(self._usage, source="partial")
        self._used_before = self._usage

    def read(self, response: Response) -> list[Event]:
        """Raises `msgspec.DecodeError` or `UnicodeDecodeError` when a call's arguments are no text."""
        events: list[Event] = []
        candidate = _first(response.candidates)
        if candidate is not None and candidate.finish_reason:
            self._reason = candidate.finish_reason
            self._token = candidate.continuation_token or ""
            self.message = candidate.finish_message or self.message
        self._read_feedback(response)
        if candidate is not None:
            self._sources.read(candidate)
        usage = self._read_usage(response)
        if not self._started:
            self._started = True
            self._calls = CallIds(response.response_id or "")
            model = (response.model_version or "").removeprefix("models/")
            events.append(MessageStart(response.response_id or "", model, usage))
        elif usage is not None:
            events.append(UsageUpdate(usage))
        if candidate is not None and candidate.content is not None:
            for part in candidate.content.parts or ():
                self._read_part(part, events)
        return events

    def close(self) -> list[Event]:
        """End what is open, and say of the last usage whether it is final."""
        events: list[Event] = []
        self._close_part(events)
        usage = self.usage
        if usage is not None and (usage is not self._usage or usage is self._used_before):
            events.append(UsageUpdate(usage))
        return events

    def finish(self) -> FinishReason | None:
        """Why the answer ended, `None` while it has no end. Any call makes it `tool`, whatever the provider says."""
        reason = self._reason
        if reason is None:
            return "refusal" if self._blocked else None
        if reason in _LENGTHS:
            return "length"
        if reason in _REFUSALS:
            return "refusal"
        if self._called:
            return "tool"
        if reason in _MALFORMED:
            return "malformed_tool"
        return "end" if reason == "STOP" or self._has_content else "error"

    def refusal(self) -> str | None:
        """Who refused and why, in words; `None` when nobody did."""
        if self.finish() != "refusal":
            return None
        return self.message or f"The provider stopped the answer: {self._reason}."

    def _read_feedback(self, response: Response) -> None:
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self._blocked = True
            reason = f"The provider blocked the prompt: {feedback.block_reason}."
            self.message = " ".join(filter(None, (reason, feedback.block_reason_message)))

    def _read_usage(self, response: Response) -> Usage | None:
        """Return the counts when they changed: many providers' frames repeat them."""
        counts = understood(response.usage_metadata, UsageMetadata)
        if counts is None:
            return None
        usage = usage_of(counts, "partial" if self.finish() is None else "reported")
        if self._used_before is not None:
            usage = added(self._used_before, usage)
        if usage == self._usage or (usage.total == 0 and self._usage is not None):
            return None
        self._usage = usage
        return usage

    def _read_part(self, part: Part, events: list[Event]) -> None:
        if part.function_call is not None:
            self._read_call(part.function_call, part.thought_signature, events)
        elif part.text is not None:
            self._read_text(part, events)
        elif part.inline_data is not None:
            self._whole_text(_image_placeholder(part.inline_data), events)
        else:
            names = [name for name in _PLACEHOLDERS if getattr(part, name) is not None]
            for name in names:
                self._whole_text(f"[{name.replace('_', ' ')} of the provider's own tools, not carried]", events)
            if not names and part.thought_signature:
                self._sign(part.thought_signature, events)

    def _read_text(self, part: Part, events: list[Event]) -> None:
        kind: PartKind = "thinking" if part.thought else "text"
        if part.text:
            if self._open is None or self._open_kind != kind:
                self._open_part(kind, events)
            events.append(Delta(self._opened(), part.text))
            if kind == "text":
                self._length += len(part.text)
                if self._length <= LONGEST:  # places of sources, which come last, count its bytes
                    self._said.append(part.text)
        if part.thought_signature and (part.text or self._open_kind == kind):
            self._sign(part.thought_signature, events)

    def _sign(self, signature: str, events: list[Event]) -> None:
        """Prove the open part. A proof that comes when no part is open has nothing to stand on: it is not required."""
        if self._open is not None:
            events.append(SignatureDelta(self._open, Signature(signature, "gemini-generate")))
            self._close_part(events)

    def _read_call(self, call: FunctionCall, signature: str | None, events: list[Event]) -> None:
        self._close_part(events)
        arguments = normal_arguments(msgspec.json.format(bytes(call.args).decode(), indent=-1))
        index = self._next
        self._next += 1
        self._called = self._has_content = True
        call_id = self._calls.take(call.id, call.name, arguments)
        events.append(PartStart(index=index, kind="tool_call", id=call_id, name=call.name))
        if signature:
            # Before the arguments: a dialect that puts the proof in front of the call has no other chance to.
            events.append(SignatureDelta(index, Signature(signature, "gemini-generate")))
        events.append(Delta(index, arguments))
        events.append(PartEnd(index))

    def _whole_text(self, text: str, events: list[Event]) -> None:
        self._open_part("text", events)
        events.append(Delta(self._opened(), text))
        self._close_part(events)

    def _open_part(self, kind: PartKind, events: list[Event]) -> None:
        self._close_part(events)
        self._open, self._open_kind = self._next, kind
        self._next += 1
        if kind == "text":
            self._has_content = True
            self._texts += 1
            self._length = 0
            self._said = []
        events.append(PartStart(index=self._open, kind=kind))

    def _opened(self) -> int:
        if self._open is None:
            raise AssertionError("no part is open")
        return self._open

    def _close_part(self, events: list[Event]) -> None:
        index = self._open
        if index is None:
            return
        if self._open_kind == "text":
            text = "".join(self._said) if self._texts == 1 and self._length <= LONGEST else None
            events += [CitationAdded(index, citation) for citation in self._sources.take(text)]
        events.append(PartEnd(index))
        self._open = None


def _first(candidates: list[Candidate] | None) -> Candidate | None:
    """The only candidate: more are never asked for."""
    return next((candidate for candidate in candidates or () if not candidate.index), None)


def _image_placeholder(blob: Blob) -> str:
    size = len(blob.data or "") * 3 // 4
    return f"[{blob.mime_type or 'a file'} of {size} bytes, not carried in a translated answer]"
