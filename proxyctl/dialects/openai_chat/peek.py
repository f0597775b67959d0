"""Read what routing needs of a chat-completions request, without reading the messages.

Images and files are looked for as bytes: text cannot hold a bare `"image_url"`, because quotes inside it are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.exchange import Peek
from proxyctl.dialects.openai_chat import wire
from proxyctl.dialects.openings import hashed_opening, openai_name, optional, raw, read_messages, read_model


class _Head(Struct):
    role: str = ""
    content: Raw = Raw()


class _Reasoning(Struct):
    enabled: bool | None = None
    effort: str | None = None


class _Format(Struct):
    type: str | None = None


_flag = msgspec.json.Decoder(bool | None)
_number = msgspec.json.Decoder(int | None)
_text = msgspec.json.Decoder(str | None)
_options = msgspec.json.Decoder(wire.StreamOptions | None)
_reasoning = msgspec.json.Decoder(_Reasoning | None)
_format = msgspec.json.Decoder(_Format | None)
_heads = msgspec.json.Decoder(list[_Head])

_EMPTY = (b"", b"null", b"[]")


def peek(fields: Mapping[str, Raw], *, size: int) -> Peek:
    """Raises `DecodeError` when the model or the messages are missing, or of the wrong type."""
    model = read_model(fields)
    messages = read_messages(fields)
    stream = bool(optional(_flag, fields, "stream"))
    options = optional(_options, fields, "stream_options")
    limit = optional(_number, fields, "max_completion_tokens")
    if limit is None:
        limit = optional(_number, fields, "max_tokens")
    wanted = optional(_format, fields, "response_format")
    effort = _effort(fields)
    return Peek(
        model=model,
        stream=stream,
        include_usage=bool(options and options.include_usage),
        has_tools=raw(fields, "tools") not in _EMPTY or raw(fields, "functions") not in _EMPTY,
        has_images=b'"image_url"' in messages,
        has_documents=b'"file_data"' in messages or b'"file_id"' in messages,
        wants_thinking=effort not in ("", "none"),
        effort=effort,
        wants_json_schema=wanted is not None and wanted.type == "json_schema",
        max_output=limit,
        size=size,
    )


def session(fields: Mapping[str, Raw]) -> str:
    """The conversation's key: what the caller names it by, else a hash of the system text and the first user turn."""
    if named := openai_name(fields):
        return named
    try:
        heads = _heads.decode(raw(fields, "messages"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return hashed_opening((head.role, bytes(head.content)) for head in heads)


def _effort(fields: Mapping[str, Raw]) -> str:
    """The effort asked for; `default` where thinking is switched on without one, as some servers have it."""
    effort = optional(_text, fields, "reasoning_effort")
    options = optional(_reasoning, fields, "reasoning")
    if options is None:
        return effort or ""
    if options.enabled is False:
        return effort or "none"
    return options.effort or (effort if effort not in (None, "none") else "default")
