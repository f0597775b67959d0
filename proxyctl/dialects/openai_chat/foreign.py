"""Take another provider's signatures out of chat messages that pass through.

They stand on tool calls as Google's own layer for this dialect writes them, so only who told a call knows whether its
signature is foreign here. Source: wire notes 2026-11, "signatures, round trip".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import Raw

from proxyctl.core.chat import ToolCallPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.openai_chat import wire
from proxyctl.dialects.openai_chat.turns import decode_call
from proxyctl.dialects.raw_lists import changed

_WORD = b'"thought_signature"'

IsForeign = Callable[[ToolCallPart], bool]

_call = msgspec.json.Decoder(wire.ToolCall)


def without_foreign_signatures(messages: Raw, is_foreign: IsForeign, losses: Losses) -> Raw:
    """The same value where there is nothing to take out, or nothing that can be read: then the provider says so."""

    def message(one: Raw, place: int, noted: Losses) -> Raw:
        if _WORD not in bytes(one):
            return one
        fields = decode_fields(bytes(one))
        calls = fields.get("tool_calls", Raw())
        kept = changed(calls, partial(_tool_call, is_foreign, f"messages[{place}].tool_calls"), noted)
        return one if kept is calls else Raw(encode_json({**fields, "tool_calls": kept}))

    return changed(messages, message, losses) if _WORD in bytes(messages) else messages


def _tool_call(is_foreign: IsForeign, path: str, call: Raw, place: int, losses: Losses) -> Raw:
    if _WORD not in bytes(call) or not is_foreign(decode_call(_call.decode(call), f"{path}[{place}]", (0, 0))):
        return call
    losses.add(f"{path}[{place}].extra_content", "another provider's signature was left out")
    return Raw(
        encode_json({name: value for name, value in decode_fields(bytes(call)).items() if name != "extra_content"})
    )
