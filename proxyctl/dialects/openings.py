"""What a peek reads alike in every dialect that writes `model` and `messages`: checks, and a conversation's opening."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import TypeVar

import msgspec
from msgspec import Raw

from proxyctl.core.errors import DecodeError
from proxyctl.dialects.typed import decode_typed

T = TypeVar("T")

_string = msgspec.json.Decoder(str)


def read_model(fields: Mapping[str, Raw]) -> str:
    if "model" not in fields:
        raise DecodeError("a model name is required", path="model")
    model = decode_typed(_string, raw(fields, "model"), under="model")
    if not model.strip():
        raise DecodeError("a model name is required", path="model")
    return model


def read_messages(fields: Mapping[str, Raw]) -> bytes:
    """The raw text of the message list."""
    messages = raw(fields, "messages").strip()
    if not messages.startswith(b"["):
        raise DecodeError("a list of messages is required", path="messages")
    return messages


def optional(decoder: msgspec.json.Decoder[T], fields: Mapping[str, Raw], name: str) -> T | None:
    """A field's value, `None` when it is not there. Raises `DecodeError` on a wrong type."""
    value = fields.get(name)
    return None if value is None else decode_typed(decoder, bytes(value), under=name)


def raw(fields: Mapping[str, Raw], name: str) -> bytes:
    """A field's JSON text, `null` when it is not there."""
    value = fields.get(name)
    return b"null" if value is None else bytes(value)


def openai_name(fields: Mapping[str, Raw]) -> str:
    """What a caller of OpenAI's dialects names its conversation by, `""` when by nothing. Never raises."""
    for name in ("prompt_cache_key", "user", "safety_identifier"):
        try:
            named = _string.decode(raw(fields, name))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if named:
            return named
    return ""


def hashed_opening(turns: Iterable[tuple[str, bytes]]) -> str:
    """A hash of everything up to the first user turn, `""` when there is none."""
    digest = blake2b(digest_size=12)
    for role, content in turns:
        digest.update(role.encode("utf-8", "surrogatepass") + b"\x00" + content + b"\x00")
        if role == "user":
            return digest.hexdigest()
    return ""
