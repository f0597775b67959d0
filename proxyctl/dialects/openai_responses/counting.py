"""The counter beside a responses endpoint: a request without what only its answer needs. Source: wire notes 2026-11."""

from __future__ import annotations

from typing_extensions import override

from proxyctl.dialects.side.input_tokens import InputTokensCounter

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


class ResponsesCounter(InputTokensCounter):
    dialect = "openai-responses"
    path = "/responses/input_tokens"

    @override
    def takes(self, name: str) -> bool:
        return name in _COUNTED
