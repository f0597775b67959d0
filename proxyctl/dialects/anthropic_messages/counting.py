"""Anthropic's own counter: the body of a message without what only an answer needs. Source: wire notes 2026-11."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.facts import Counter
from proxyctl.dialects.typed import decode_typed

_ANSWERS = frozenset(
    ("max_tokens", "stream", "stop_sequences", "temperature", "top_p", "top_k", "metadata", "service_tier")
)


class _Counted(Struct):
    input_tokens: int


_counted = msgspec.json.Decoder(_Counted)


class MessagesCounter(Counter):
    dialect = "anthropic-messages"
    path = "/v1/messages/count_tokens"

    @override
    def encode(self, fields: Fields, model: str) -> Fields:
        del model  # it stands in the body
        return {name: value for name, value in fields.items() if name not in _ANSWERS}

    @override
    def decode(self, body: bytes) -> int:
        return decode_typed(_counted, body).input_tokens
