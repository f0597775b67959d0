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


@pytest.mark.parametrize(
    "usage", ['{"input_tokens":1e400}', '{"input_tokens":"3"}', "5", '{"input_tokens":99999999999999999999}']
)
def test_responses(usage: str) -> None:
    content = '[{"type":"output_text","text":"Hi","annotations":[]}]'
    item = f'{{"type":"message","id":"msg_1","role":"assistant","content":{content}}}'
    whole = f'{{"id":"resp_1","object":"response","status":"completed","model":"m","output":[{item}],"usage":{usage}}}'
    event = f'{{"type":"response.completed","sequence_number":0,"response":{whole}}}'
    dialect = UPSTREAM["openai-responses"]

    for answer in (dialect.decode_answer(whole.encode()), assemble(decoded(dialect, f"data: {event}\n\n".encode()))):
        assert (answer.parts, answer.finish, answer.usage) == (TEXT, "end", None)


CONTENT = '[{"type":"text","text":"Hi"}]'
HUGE = {
    "openai-chat": '{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":%s}',
    "anthropic-messages": f'{{"id":"1","type":"message","role":"assistant","model":"m","content":{CONTENT},'
    '"stop_reason":"end_turn","usage":%s}',
    "gemini-generate": '{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],'
    '"usageMetadata":%s}',
    "cohere-chat": f'{{"id":"1","finish_reason":"COMPLETE","message":{{"role":"assistant","content":{CONTENT}}},'
    '"usage":%s}',
}


@pytest.mark.parametrize("name", HUGE)
def test_a_number_that_no_machine_holds_spoils_no_answer(name: Any) -> None:
    answer = UPSTREAM[name].decode_answer((HUGE[name] % '{"anything":1e400,"prompt_tokens":1e400}').encode())

    assert answer.parts == TEXT


def test_counts_are_read_beside_half_a_character_too() -> None:
    """Such answers are read leniently, and by another decoder."""
    choice = '{"index":0,"message":{"content":"\\ud800"},"finish_reason":"stop"}'
    body = f'{{"id":"1","model":"m","choices":[{choice}],"usage":{{"prompt_tokens":3,"completion_tokens":2}}}}'

    usage = UPSTREAM["openai-chat"].decode_answer(body.encode()).usage

    assert usage is not None
    assert (usage.input_total, usage.output_total) == (3, 2)
