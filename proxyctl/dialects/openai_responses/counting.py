"""OpenAI's own counter: a responses request without what only its answer needs. Source: wire notes 2026-11."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.facts import Counter
from proxyctl.dialects.typed import decode_typed

_COUNTED = frozenset(
    (
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "truncation",
        "previous_response_id",
        "conversation",
    )
)


class _Counted(Struct):
    input_tokens: int


_counted = msgspec.json.Decoder(_Counted)


class ResponsesCounter(Counter):
    dialect = "openai-responses"
    path = "/responses/input_tokens"

    @override
    def encode(self, fields: Fields, model: str) -> Fields:
        del model  # it stands in the body
        return {name: value for name, value in fields.items() if name in _COUNTED}

    @override
    def decode(self, body: bytes) -> int:
        return decode_typed(_counted, body).input_tokens
