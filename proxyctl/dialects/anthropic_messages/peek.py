"""Read what routing needs of a messages request, without reading the messages."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.exchange import Peek
from proxyctl.dialects.anthropic_messages import wire
from proxyctl.dialects.openings import hashed_opening, optional, raw, read_messages, read_model

_IMAGE = re.compile(rb'"type"\s*:\s*"image"')
_DOCUMENT = re.compile(rb'"type"\s*:\s*"document"')
_EMPTY = (b"", b"null", b"[]")


class _Head(Struct):
    role: str = ""
    content: Raw = Raw()


class _Identity(Struct):
    """What Claude Code writes, as JSON text, into `metadata.user_id`."""

    session_id: str | None = None


_flag = msgspec.json.Decoder(bool | None)
_number = msgspec.json.Decoder(int | None)
_thinking = msgspec.json.Decoder(wire.Thinking | None)
_config = msgspec.json.Decoder(wire.OutputConfig | None)
_metadata = msgspec.json.Decoder(wire.Metadata | None)
_identity = msgspec.json.Decoder(_Identity)
_heads = msgspec.json.Decoder(list[_Head])


def peek(fields: Mapping[str, Raw], *, size: int) -> Peek:
    """Raises `DecodeError` when the model or the messages are missing, or of the wrong type."""
    messages = read_messages(fields)
    thinking = optional(_thinking, fields, "thinking")
    config = optional(_config, fields, "output_config")
    return Peek(
        model=read_model(fields),
        stream=bool(optional(_flag, fields, "stream")),
        include_usage=True,
        has_tools=raw(fields, "tools") not in _EMPTY,
        has_images=b'"image"' in messages and _IMAGE.search(messages) is not None,
        has_documents=b'"document"' in messages and _DOCUMENT.search(messages) is not None,
        wants_thinking=thinking is not None and thinking.type in ("enabled", "adaptive"),
        wants_json_schema=raw(fields, "output_format") != b"null" or (config is not None and config.format is not None),
        max_output=optional(_number, fields, "max_tokens"),
        size=size,
    )


def session(fields: Mapping[str, Raw]) -> str:
    """The conversation's key: the session that the caller names, else a hash of the system text and first user turn."""
    named = _named(fields)
    if named:
        return named
    try:
        heads = _heads.decode(raw(fields, "messages"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    system = raw(fields, "system")
    return hashed_opening([("system", system), *((head.role, bytes(head.content)) for head in heads)])


def _named(fields: Mapping[str, Raw]) -> str:
    try:
        metadata: wire.Metadata | None = _metadata.decode(raw(fields, "metadata"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    user = (metadata.user_id if metadata is not None else None) or ""
    if user.startswith("{"):
        try:
            return _identity.decode(user.encode()).session_id or user
        except (msgspec.DecodeError, UnicodeError):
            return user
    return user
