"""Counts of a wrong type, where providers speak a dialect that only we read: unknown, and no harm to the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import TextPart
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.registry import UPSTREAM
from tests.dialects.wire_cases import decoded

TEXT = (TextPart(text="Hi"),)


@pytest.mark.parametrize("usage", [5, "many", [], {"promptTokenCount": "3"}, {"promptTokenCount": {}}], ids=str)
def test_geminis(usage: Any) -> None:
    parts = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    body = json.dumps({**parts, "usageMetadata": usage}).encode()
    dialect = UPSTREAM["gemini-generate"]

    for answer in (dialect.decode_answer(body), assemble(decoded(dialect, b"data: " + body + b"\n\n"))):
        assert (answer.parts, answer.finish, answer.usage) == (TEXT, "end", None)


@pytest.mark.parametrize("usage", [5, "many", [], {"tokens": 3}, {"tokens": {"input_tokens": "3"}}], ids=str)
def test_coheres(usage: Any) -> None:
    message = {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}
    whole = json.dumps({"id": "1", "finish_reason": "COMPLETE", "message": message, "usage": usage}).encode()
    told: list[dict[str, Any]] = [
        {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hi"}}}},
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}},
    ]
    frames = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in told)
    dialect = UPSTREAM["cohere-chat"]

    for answer in (dialect.decode_answer(whole), assemble(decoded(dialect, frames))):
        assert (answer.parts, answer.finish, answer.usage) == (TEXT, "end", None)
