"""The shapes of Cohere's v2 chat answers and stream events, read strictly where we use them.

Members that we do not know are ignored.
Source: wire notes 2026-11, "Cohere v2".
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from proxyctl.core.chat import FinishReason
from proxyctl.core.errors import Problem
from proxyctl.core.usage import Usage, disjoint
from proxyctl.dialects.surrogates import forgiving
from proxyctl.dialects.typed import understood


class Function(Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCall(Struct):
    id: str | None = None
    function: Function | None = None


class ContentItem(Struct):
    type: str = "text"
    text: str | None = None
    thinking: str | None = None


class Message(Struct):
    content: list[ContentItem] | str | None = None
    tool_plan: str | None = None
    tool_calls: list[ToolCall] | None = None
    citations: Raw = Raw()


Count: TypeAlias = Annotated[float, Meta(le=2**53)]


class Tokens(Struct):
    """Counts come as floats."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None


class UsageCounts(Struct):
    billed_units: Tokens | None = None
    tokens: Tokens | None = None
    cached_tokens: Count | None = None


class Answer(Struct):
    """`message` is a text in an error's body."""

    id: str | None = None
    finish_reason: str | None = None
    message: Message | str | None = None
    usage: Raw = Raw()


class DeltaMessage(Struct):
    """One item, not a list, where the whole answer has lists; `message-start` alone sends empty lists."""

    content: ContentItem | list[Any] | None = None
    tool_plan: str | None = None
    tool_calls: ToolCall | list[Any] | None = None
    citations: Raw = Raw()


class EventDelta(Struct):
    message: DeltaMessage | None = None
    finish_reason: str | None = None
    usage: Raw = Raw()
    error: str | None = None


class StreamEvent(Struct):
    type: str | None = None
    id: str | None = None
    index: int = 0
    delta: EventDelta | None = None
    message: str | None = None


decode_answer = partial(forgiving, msgspec.json.Decoder(Answer))
decode_event = partial(forgiving, msgspec.json.Decoder(StreamEvent))
"""Each raises `msgspec.DecodeError` for what it does not read."""

_FINISHES: dict[str, FinishReason] = {
    "COMPLETE": "end",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool",
    "ERROR": "error",
    "TIMEOUT": "error",
}


def finish_of(reason: str | None, *, called: bool, has_content: bool) -> FinishReason:
    """Why the answer ended. A call makes it `tool`, except when it was cut or failed."""
    finish = _FINISHES.get(reason or "")
    if finish in {"length", "error"} or reason is None:
        return finish or "error"
    if called:
        return "tool"
    if finish is None:
        return "end" if has_content and not reason.startswith("ERROR") else "error"
    return "end" if finish == "tool" else finish


def failed_answer(reason: str | None, explanation: str | None = None) -> Problem:
    """The failure that an answer with this reason is, instead of an answer."""
    message = explanation or f"the provider ended the answer with {reason or 'no reason'}"
    if reason == "TIMEOUT":
        return Problem(kind="timeout", status=504, code="upstream_timeout", message=message)
    return Problem(kind="upstream", status=502, code="upstream_error", message=message)


def usage_of(value: Raw) -> Usage | None:
    """The counts in a `usage` member, `None` when it is none.

    `tokens` are the true size, `billed_units` what is charged; the one stands in where the other is missing.
    """
    counts = understood(value, UsageCounts)
    if counts is None:
        return None
    billed = counts.billed_units or Tokens()
    size = counts.tokens or billed
    return disjoint(
        input_total=_whole(size.input_tokens) or 0,
        output_total=_whole(size.output_tokens) or 0,
        cache_read=_whole(counts.cached_tokens) or 0,
        billed_input=_whole(billed.input_tokens),
        billed_output=_whole(billed.output_tokens),
    )


def _whole(count: float | None) -> int | None:
    return None if count is None else max(0, round(count))
