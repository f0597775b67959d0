"""History without thinking and its proofs: nothing else is touched, and each place is told as a loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import UNPROVEN
from proxyctl.dialects.registry import UPSTREAM

TEXT = {"type": "text", "text": "Let me see."}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"k": 1}}
ASKED = {"role": "user", "content": "Go on"}

FUNCTION = {"functionCall": {"name": "get", "args": {}}}
STAND_IN = "skip_thought_signature_validator"

CASES: list[tuple[DialectName, list[Any], list[Any], list[str]]] = [
    (
        "anthropic-messages",
        [
            ASKED,
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "x"}, TEXT, CALL]},
            {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]},
            {"role": "assistant", "content": "I was thinking of it"},
        ],
        [
            ASKED,
            {"role": "assistant", "content": [TEXT, CALL]},
            {"role": "assistant", "content": "I was thinking of it"},
        ],
        ["messages[1].content", "messages[2].content"],
    ),
    (
        "gemini-generate",
        [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {**FUNCTION, "thoughtSignature": "eA=="},
                    {**FUNCTION, "thought_signature": "eA=="},
                ],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "get", "response": {}}}]},
            {"role": "model", "parts": [{"text": "x", "thought": True}]},
            {"role": "model", "parts": [{"text": "Done", "thoughtSignature": "eA=="}]},
            {"role": "model", "parts": [{"text": "And so on"}]},
        ],
        [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{**FUNCTION, "thoughtSignature": STAND_IN}, FUNCTION]},
            {"role": "user", "parts": [{"functionResponse": {"name": "get", "response": {}}}]},
            {"role": "model", "parts": [{"text": "Done"}]},
            {"role": "model", "parts": [{"text": "And so on"}]},
        ],
        ["contents[1].parts", "contents[3].parts", "contents[4].parts"],
    ),
    (
        "openai-responses",
        [
            {"role": "user", "content": "Hello"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"},
        ],
        [
            {"role": "user", "content": "Hello"},
            {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"},
        ],
        ["input[1]"],
    ),
]


@pytest.mark.parametrize(("name", "before", "after", "places"), CASES)
def test_thinking_is_taken_out(name: DialectName, before: list[Any], after: list[Any], places: list[str]) -> None:
    losses = Losses()

    bare = UPSTREAM[name].without_thinking(Raw(json.dumps(before).encode()), losses)

    assert json.loads(bytes(bare)) == after
    assert [(loss.path, loss.reason) for loss in losses.entries()] == [(place, UNPROVEN) for place in places]


@pytest.mark.parametrize("name", [case[0] for case in CASES])
@pytest.mark.parametrize("written", [b'"text"', b"{}", b"[1]", b'[{"role":"model","parts":7}]'])
def test_what_cannot_be_read_stays(name: DialectName, written: bytes) -> None:
    losses = Losses()

    kept = UPSTREAM[name].without_thinking(Raw(written), losses)

    assert json.loads(bytes(kept)) == json.loads(written)
    assert not losses


def test_every_number_keeps_its_digits() -> None:
    call = b'{"type":"tool_use","id":"a","name":"n","input":{"k":1.000000000000000000001}}'
    written = b'[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"x"},%b]}]' % call

    bare = UPSTREAM["anthropic-messages"].without_thinking(Raw(written), Losses())

    assert call in bytes(bare)


def test_a_dialect_without_proofs_has_nothing_to_take_out() -> None:
    written = Raw(b'[{"role":"user","content":"thinking"}]')

    assert UPSTREAM["cohere-chat"].without_thinking(written, Losses()) is written
