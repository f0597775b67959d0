"""A conversation in no dialect: what the translate lane decodes to and encodes from.

It holds what at least two dialects can say. What only one can say travels as an `OpaquePart` that only its own dialect
may write back, or is counted as a loss. Tool arguments stay JSON text, so that numbers and key order survive.
Source of the shape: wire notes 2026-11, "one canonical form".
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from proxyctl.core.usage import Usage

DialectName = Literal[
    "openai-chat", "openai-responses", "openai-completions", "anthropic-messages", "gemini-generate", "cohere-chat"
]
Role = Literal["system", "user", "assistant"]
FinishReason = Literal[
    "end", "length", "stop_sequence", "tool", "refusal", "pause", "context_window", "malformed_tool", "error"
]
Effort = Literal["off", "minimal", "low", "medium", "high", "xhigh", "max"]


class Signature(Struct, frozen=True):
    """A provider's opaque proof of its own thinking, byte for byte.

    `origin` is the dialect that made it: only that dialect may send it back.
    """

    value: str
    origin: DialectName


class Citation(Struct, frozen=True, kw_only=True):
    """A source that an answer names for a stretch of its text.

    `start` and `end` count characters of the text part that it belongs to, `end` behind the last one; `None` where the
    provider does not say, or not in a way that can be counted. `cited_text` are the source's own words, `source` is its
    name where it has no `url`. `raw` is the JSON that the dialect `origin` wrote, where others can say less: only that
    dialect may be given it back.
    """

    url: str | None = None
    title: str | None = None
    start: int | None = None
    end: int | None = None
    cited_text: str | None = None
    source: str | None = None
    origin: DialectName | None = None
    raw: bytes = b""


class TextPart(Struct, frozen=True, kw_only=True, tag="text"):
    text: str
    cache_ttl: str | None = None
    signature: Signature | None = None
    citations: tuple[Citation, ...] = ()


class ImagePart(Struct, frozen=True, kw_only=True, tag="image"):
    """Either `data` (standard base64, padded) with `media_type`, or `url`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None
    cache_ttl: str | None = None


class DocumentPart(Struct, frozen=True, kw_only=True, tag="document"):
    """A PDF or text file: base64 `data` with `media_type`, a `url`, or plain `text`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    text: str | None = None
    title: str | None = None
    cache_ttl: str | None = None


class AudioPart(Struct, frozen=True, kw_only=True, tag="audio"):
    media_type: str
    data: str


class VideoPart(Struct, frozen=True, kw_only=True, tag="video"):
    media_type: str
    data: str | None = None
    url: str | None = None


class ThinkingPart(Struct, frozen=True, kw_only=True, tag="thinking"):
    """Reasoning text (may be empty when the provider keeps it) and its proof; `redacted` holds an encrypted block."""

    text: str = ""
    signature: Signature | None = None
    redacted: str | None = None


class ToolCallPart(Struct, frozen=True, kw_only=True, tag="tool_call"):
    """A call that the model made. `arguments` is the text of a JSON object, as the model wrote it."""

    id: str
    name: str
    arguments: str = "{}"
    signature: Signature | None = None
    cache_ttl: str | None = None


class ToolResultPart(Struct, frozen=True, kw_only=True, tag="tool_result"):
    """The answer to a tool call; `parts` are text, images or documents. It stands in a user message."""

    call_id: str
    name: str | None = None
    parts: tuple[TextPart | ImagePart | DocumentPart, ...] = ()
    is_error: bool = False
    cache_ttl: str | None = None


class RefusalPart(Struct, frozen=True, kw_only=True, tag="refusal"):
    text: str


class OpaquePart(Struct, frozen=True, kw_only=True, tag="opaque"):
    """Something that only `dialect` understands, kept as its JSON; `label` names it in a loss."""

    dialect: DialectName
    label: str
    raw: bytes


Part = (
    TextPart
    | ImagePart
    | DocumentPart
    | AudioPart
    | VideoPart
    | ThinkingPart
    | ToolCallPart
    | ToolResultPart
    | RefusalPart
    | OpaquePart
)


class Message(Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...]


class Tool(Struct, frozen=True, kw_only=True):
    """A function that the model may call. `schema` is plain JSON Schema, `None` when it takes no arguments.

    A `custom` tool takes free text; elsewhere it is a function with the one argument `input`, which is undone in the
    answer (`AnswerContext.custom_tools`).
    """

    name: str
    kind: Literal["function", "custom"] = "function"
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_ttl: str | None = None


class ToolChoice(Struct, frozen=True):
    """`auto`, `none`, `any`, or `tool`: exactly `name`. `allowed` narrows auto and any to these names."""

    mode: Literal["auto", "none", "any", "tool"]
    name: str | None = None
    allowed: tuple[str, ...] = ()


class JsonFormat(Struct, frozen=True):
    """Answer in JSON; by `schema` when there is one."""

    schema: dict[str, Any] | None = None
    name: str = "output"
    strict: bool | None = None
    description: str | None = None


class Reasoning(Struct, frozen=True):
    """How much the model should think: an `effort`, a `budget` in tokens, or neither (the model's own choice).

    `visible` says whether the caller can show thinking text: `None` when it did not say.
    """

    effort: Effort | None = None
    budget: int | None = None
    visible: bool | None = None


class ChatRequest(Struct, frozen=True, kw_only=True):
    """One request. `None` always means that the caller did not say.

    `system` are the leading system parts; later system messages stand in `messages` with role `system`.
    `extras` are the paths of what the caller wrote and this form cannot carry: the translate lane counts each as a
    loss. What nobody misses (cache hints, a seed, padding) is not listed.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[TextPart, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    format: JsonFormat | None = None
    reasoning: Reasoning | None = None
    user: str | None = None
    service_tier: str | None = None
    stream: bool = False
    include_usage: bool = False
    extras: tuple[str, ...] = ()


class Answer(Struct, frozen=True, kw_only=True):
    """One complete answer. `model` is the served model as the provider named it.

    `uncarried` names what the answer also held and this form has no place for: each is a loss.
    """

    id: str
    model: str
    parts: tuple[Part, ...]
    finish: FinishReason
    usage: Usage | None = None
    stop_sequence: str | None = None
    refusal: str | None = None
    uncarried: tuple[str, ...] = ()


def normal_arguments(text: str | None) -> str:
    """Return tool arguments as the text of a JSON object, whatever a client or a model wrote.

    Empty becomes `{}`, a JSON value that is no object `{"value": …}`, and text that is no JSON
    `{"_raw_arguments": "…"}` (wire notes 2026-11, "tools"). A valid object is returned byte for byte.
    """
    if text is None or not text.strip():
        return "{}"
    try:
        value = msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeError):
        return msgspec.json.encode({"_raw_arguments": text.encode("utf-8", "replace").decode()}).decode()
    if isinstance(value, dict):
        return text
    return "{}" if value is None else msgspec.json.encode({"value": value}).decode()
