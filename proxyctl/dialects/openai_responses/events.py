"""What servers of the responses dialect answer, whole and in events, typed as far as anybody here reads it.

Source: wire notes 2026-11, "OpenAI" and "OpenAI Responses".
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import FinishReason
from proxyctl.dialects.surrogates import forgiving

CALLS = frozenset({"function_call", "custom_tool_call"})


class Content(Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: Raw = Raw()


class Summary(Struct):
    text: str | None = None


class Item(Struct):
    """An output item of any type."""

    type: str = ""
    id: str | None = None
    content: list[Content] | None = None
    summary: list[Summary] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: str | None = None
    input: str | None = None

    def says_something(self) -> bool:
        """Whether a finished item holds what a person would see, or the proof of thinking that nobody sees."""
        if self.type == "reasoning" and self.encrypted_content:
            return True
        if self.type not in ("message", "reasoning"):
            return False
        return any(part.text or part.refusal for part in self.content or ()) or any(
            part.text for part in self.summary or ()
        )


class IncompleteDetails(Struct):
    reason: str | None = None


class Response(Struct):
    """A response object: a whole answer, or the `response` of a lifecycle event."""

    id: str | None = None
    object: str | None = None
    model: str | None = None
    status: str | None = None
    error: Raw = Raw()
    incomplete_details: IncompleteDetails | None = None
    output: list[Item] | None = None
    usage: Raw = Raw()

    def failed(self) -> bool:
        """Whether it is an error in place of an answer."""
        return bytes(self.error) not in (b"", b"null") or self.status in ("failed", "cancelled")

    def under_way(self) -> bool:
        """Whether it is not the whole answer yet; a server that gives no status means that it is."""
        return self.status in ("in_progress", "queued")

    def has_calls(self) -> bool:
        return any(item.type in CALLS for item in self.output or ())


class Event(Struct):
    """One stream event: the members of all types together."""

    type: str = ""
    response: Response | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item: Item | None = None
    part: Content | None = None
    delta: Any = None
    annotation: Raw = Raw()
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    error: Raw = Raw()

    def failed(self) -> bool:
        """Whether it reports that there will be no answer, in whichever form."""
        if self.type in ("error", "response.failed") or (not self.type and bytes(self.error) not in (b"", b"null")):
            return True
        return self.type in ENDS and self.response is not None and self.response.failed()

    def ending(self) -> Response | None:
        """The response that this event ends; `None` when it ends none. Where it gives no status, the type is one."""
        if self.type not in ENDS:
            return None
        response = self.response or Response()
        if self.type == "response.incomplete":
            response.status = "incomplete"
        return response


ENDS = frozenset({"response.completed", "response.incomplete"})

_responses = msgspec.json.Decoder(Response)
decode_event = partial(forgiving, msgspec.json.Decoder(Event))
"""An event. Raises `msgspec.DecodeError` for what is none."""

_REASONS: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "refusal"}


def decode_response(body: bytes) -> Response:
    """Raises `msgspec.DecodeError` for what is no response object, bad UTF-8 included as its `UnicodeDecodeError`."""
    return _responses.decode(body)


def canonical_finish(response: Response, *, has_calls: bool) -> FinishReason:
    """Any call makes the finish `tool`, unless the answer was cut or refused (wire notes 2026-11, "stop reasons").

    What is incomplete for an unknown reason is told as cut: it must not look whole.
    """
    if response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details is not None else None
        return _REASONS.get(reason or "", "length")
    return "tool" if has_calls else "end"
