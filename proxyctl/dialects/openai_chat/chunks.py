"""What OpenAI-style servers answer, whole and in chunks, typed as tolerantly as their differences demand.

Seen in the wild (wire notes 2026-11, "Groq", "Together", "Mistral", "other servers"): thinking as `reasoning` or
`reasoning_content`, content as a list of chunks, tool calls without a type, with arguments as an object or an index
as a float, usage in `x_groq`, and error objects where a choice should be.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import FinishReason, Signature
from proxyctl.dialects.openai_chat.usage import WireUsage
from proxyctl.dialects.openai_chat.wire import ExtraContent
from proxyctl.dialects.surrogates import forgiving
from proxyctl.dialects.typed import understood


class Reference(Struct):
    type: str = ""
    text: str = ""


class ContentChunk(Struct):
    """One element of a content list: text, Mistral's `thinking` with its own list inside, or a source."""

    type: str = ""
    text: str | None = None
    thinking: str | list[Reference] | None = None
    title: Raw = Raw()
    url: Raw = Raw()


class Function(Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CustomCall(Struct):
    name: str | None = None
    input: str | None = None


class ToolCall(Struct):
    index: float | int | None = None
    id: str | None = None
    function: Function | None = None
    custom: CustomCall | None = None
    extra_content: ExtraContent | None = None


NO_ANNOTATIONS = Raw()
"""What a delta without any has: told from all others by identity, which costs nothing."""


class Delta(Struct):
    """A chunk's `delta` or a whole answer's `message`."""

    content: str | list[ContentChunk] | None = None
    annotations: Raw = NO_ANNOTATIONS
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None


class Choice(Struct):
    index: float | int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


_ABSENT = (b"", b"null")


class GroqExtra(Struct):
    usage: Raw = Raw()
    error: Any = None


class Chunk(Struct):
    """A chunk or a whole answer: they differ in `delta` and `message` only."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Raw = Raw()
    x_groq: GroqExtra | None = None
    error: Raw = Raw()
    object: str | None = None

    def first_choice(self) -> Choice | None:
        return next((choice for choice in self.choices or () if not choice.index), None)

    def reported_usage(self) -> WireUsage | None:
        """The usage in this chunk, taken once although it may stand in two places; `None` too where it is no usage."""
        usage = understood(self.usage, WireUsage)
        if usage is not None and usage.prompt_tokens is not None:
            return usage
        return understood(self.x_groq.usage, WireUsage) if self.x_groq is not None else None

    def mentions_usage(self) -> bool:
        """Whether it is a usage chunk, even if nobody can read it."""
        extra = bytes(self.x_groq.usage) if self.x_groq is not None else b""
        return bytes(self.usage) not in _ABSENT or extra not in _ABSENT

    def has_error(self) -> bool:
        """Whether it does so in OpenAI's own form, which clients know."""
        return bytes(self.error) not in (b"", b"null")

    def failed(self) -> bool:
        """Whether it reports an error in place of an answer."""
        if self.has_error() or self.object == "error":
            return True
        return self.x_groq is not None and bool(self.x_groq.error)


decode_chunk = partial(forgiving, msgspec.json.Decoder(Chunk))
"""A chunk. Raises `msgspec.DecodeError` for what is none at all."""

FINISH: dict[str, FinishReason] = {
    "stop": "end",
    "eos": "end",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "model_length": "length",
    "max_tokens": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
    "error": "error",
    "insufficient_system_resource": "error",
}


def split_content(content: str | list[ContentChunk] | None) -> tuple[str, str]:
    """Return the thinking and the text of a message's content."""
    if content is None or isinstance(content, str):
        return "", content or ""
    thinking, text = [], []
    for chunk in content:
        if isinstance(chunk.thinking, str):
            thinking.append(chunk.thinking)
        elif chunk.thinking is not None:
            thinking += [inner.text for inner in chunk.thinking]
        elif chunk.text is not None:
            text.append(chunk.text)
    return "".join(thinking), "".join(text)


def thinking_and_text(delta: Delta) -> tuple[str, str]:
    """Return a delta's thinking, wherever the server put it, and its text."""
    thinking, text = split_content(delta.content)
    return thinking or delta.reasoning_content or delta.reasoning or "", text


def call_signature(call: ToolCall) -> Signature | None:
    google = call.extra_content.google if call.extra_content is not None else None
    return Signature(google.thought_signature, "gemini-generate") if google and google.thought_signature else None


def arguments_text(arguments: str | dict[str, Any] | None) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def canonical_finish(word: str, *, has_calls: bool) -> FinishReason:
    """Any tool call means `tool`, whatever the server says, and `tool_calls` without one means `end`."""
    finish = FINISH.get(word, "end")
    if has_calls and finish in ("end", "stop_sequence"):
        return "tool"
    return "end" if finish == "tool" and not has_calls else finish
