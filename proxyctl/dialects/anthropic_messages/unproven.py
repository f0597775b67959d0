"""Take blocks out of messages that pass through: only the messages that lose one are written anew."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import UNPROVEN, decode_fields, encode_json
from proxyctl.dialects.raw_lists import changed

_THINKING = frozenset({"thinking", "redacted_thinking"})


class _Head(Struct):
    type: str | None = None


_head = msgspec.json.Decoder(_Head)


def without_blocks(messages: Raw, mark: bytes, is_out: Callable[[Raw], bool], reason: str, losses: Losses) -> Raw:
    """The messages without the blocks that are `is_out`; one that was nothing else is left out whole.

    `mark` stands in each message that holds such a block. What cannot be read stays: then the provider says so.
    """

    def kept_of(message: Raw, place: int, noted: Losses) -> Raw | None:
        if mark not in bytes(message):
            return message
        fields = decode_fields(bytes(message))
        content = fields.get("content", Raw())
        kept = changed(content, lambda block, _place, _noted: None if is_out(block) else block, noted)
        if kept is content:
            return message
        noted.add(f"messages[{place}].content", reason)
        return None if bytes(kept) == b"[]" else Raw(encode_json({**fields, "content": kept}))

    return changed(messages, kept_of, losses)


def without_thinking(messages: Raw, losses: Losses) -> Raw:
    """The messages without any thinking, signed or encrypted."""
    return without_blocks(messages, b"thinking", _is_thinking, UNPROVEN, losses)


def _is_thinking(block: Raw) -> bool:
    try:
        return _head.decode(block).type in _THINKING
    except msgspec.ValidationError:
        return False
