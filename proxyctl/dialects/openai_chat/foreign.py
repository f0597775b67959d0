"""Take another provider's signatures out of chat messages that pass through, and leave every other byte alone.

They stand on tool calls as Google's own layer for this dialect writes them, so only who told a call knows whether its
signature is foreign here. Source: wire notes 2026-11, "signatures, round trip".
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import msgspec
from msgspec import Raw

from proxyctl.core.chat import ToolCallPart
from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.openai_chat import wire
from proxyctl.dialects.openai_chat.turns import decode_call

_WORD = b'"thought_signature"'

IsForeign = Callable[[ToolCallPart], bool]

_raw_list = msgspec.json.Decoder(list[Raw])
_calls = msgspec.json.Decoder(list[Raw] | None)
_call = msgspec.json.Decoder(wire.ToolCall)


def without_foreign_signatures(messages: Raw, is_foreign: IsForeign, losses: Losses) -> Raw:
    """The same value where there is nothing to take out, or nothing that can be read: then the provider says so."""
    if _WORD not in bytes(messages):
        return messages
    try:
        before = _raw_list.decode(messages)
        after = [_message(one, is_foreign, losses, f"messages[{index}]") for index, one in enumerate(before)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecodeError):
        return messages
    return messages if all(map(operator.is_, before, after)) else Raw(encode_json(after))


def _message(message: Raw, is_foreign: IsForeign, losses: Losses, path: str) -> Raw:
    if _WORD not in bytes(message):
        return message
    fields = decode_fields(bytes(message))
    before = _calls.decode(fields.get("tool_calls", b"null")) or ()
    after = [_tool_call(one, is_foreign, losses, f"{path}.tool_calls[{place}]") for place, one in enumerate(before)]
    return message if all(map(operator.is_, before, after)) else Raw(encode_json({**fields, "tool_calls": after}))


def _tool_call(call: Raw, is_foreign: IsForeign, losses: Losses, path: str) -> Raw:
    if _WORD not in bytes(call) or not is_foreign(decode_call(_call.decode(call), path, (0, 0))):
        return call
    losses.add(f"{path}.extra_content", "another provider's signature was left out")
    return Raw(
        encode_json({name: value for name, value in decode_fields(bytes(call)).items() if name != "extra_content"})
    )
