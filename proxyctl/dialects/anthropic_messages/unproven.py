"""Take blocks out of messages that pass through, and leave every other byte alone.

Only the messages that lose one are written anew, and of these nothing but the list of blocks: numbers keep their
digits, and the provider's cache finds the rest as it was.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import UNPROVEN, decode_fields, encode_json

_THINKING = frozenset({"thinking", "redacted_thinking"})


class _Head(Struct):
    type: str | None = None


_head = msgspec.json.Decoder(_Head)
_raw_list = msgspec.json.Decoder(list[Raw])


def without_blocks(messages: Raw, mark: bytes, is_out: Callable[[Raw], bool], reason: str, losses: Losses) -> Raw:
    """The messages without the blocks that are `is_out`; one that was nothing else is left out whole.

    `mark` stands in each message that holds such a block. What cannot be read stays: then the provider says so.
    """

    def kept_of(message: Raw, path: str) -> Raw | None:
        if mark not in bytes(message):
            return message
        fields = decode_fields(bytes(message))
        content = fields.get("content", Raw())
        if not bytes(content).startswith(b"["):
            return message
        blocks = _raw_list.decode(content)
        kept = [block for block in blocks if not is_out(block)]
        if len(kept) == len(blocks):
            return message
        losses.add(path, reason)
        return Raw(encode_json({**fields, "content": kept})) if kept else None

    try:
        written = _raw_list.decode(messages)
        kept = [kept_of(message, f"messages[{index}].content") for index, message in enumerate(written)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return messages
    return Raw(encode_json([message for message in kept if message is not None]))


def without_thinking(messages: Raw, losses: Losses) -> Raw:
    """The messages without any thinking, signed or encrypted."""
    return without_blocks(messages, b"thinking", _is_thinking, UNPROVEN, losses)


def _is_thinking(block: Raw) -> bool:
    try:
        return _head.decode(block).type in _THINKING
    except msgspec.ValidationError:
        return False
