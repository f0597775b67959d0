"""Anthropic's own counter: the body of a message without what only an answer needs. Source: wire notes 2026-11."""

from __future__ import annotations

from typing_extensions import override

from proxyctl.dialects.side.input_tokens import InputTokensCounter

_ANSWERS = frozenset(
    ("max_tokens", "stream", "stop_sequences", "temperature", "top_p", "top_k", "metadata", "service_tier")
)


class MessagesCounter(InputTokensCounter):
    dialect = "anthropic-messages"
    path = "/v1/messages/count_tokens"

    @override
    def takes(self, name: str) -> bool:
        return name not in _ANSWERS
