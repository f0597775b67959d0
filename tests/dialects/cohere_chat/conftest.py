"""The documented key sets judge what we send: Cohere's own types accept unknown members, its server does not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from proxyctl.core.chat import ChatRequest
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.cohere_chat import COHERE_CHAT
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers.cohere import CohereProvider

DOCUMENTED = """model messages stream tools strict_tools documents citation_options response_format safety_mode
max_tokens stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking
priority"""
FIELDS = set(DOCUMENTED.split())
MESSAGE_KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_plan", "tool_calls", "citations"},
    "tool": {"role", "tool_call_id", "content"},
}
REASONING = CohereProvider(name="cohere").traits("command-a-plus-05-2026")
Encode = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture
def encode() -> Encode:
    """Encode a request, judge the body by the documented rules, return it with the paths of the losses."""

    def run(request: ChatRequest, traits: ModelTraits = REASONING) -> tuple[dict[str, Any], list[str]]:
        losses = Losses()
        body: dict[str, Any] = json.loads(encode_json(COHERE_CHAT.encode_request(request, traits, losses)))
        judge(body)
        return body, [loss.path for loss in losses.entries()]

    return run


def judge(body: dict[str, Any]) -> None:
    assert set(body) <= FIELDS
    assert not {"frequency_penalty", "presence_penalty"} <= set(body)
    assert not {"tools", "response_format"} <= set(body)
    waiting: list[str] = []
    seen: set[str] = set()
    for index, message in enumerate(body["messages"]):
        assert set(message) <= MESSAGE_KEYS[message["role"]]
        assert message["role"] != "system" or index == 0
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert message.get("content") or message.get("tool_calls")
        assert not waiting, "a call without its result"
        waiting = [call["id"] for call in message.get("tool_calls", ())]
        assert not seen & set(waiting)
        seen.update(waiting)
        for call in message.get("tool_calls", ()):
            assert set(call) == {"id", "type", "function"}
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
    for tool in body.get("tools", ()):
        assert set(tool) == {"type", "function"}
        assert set(tool["function"]) <= {"name", "description", "parameters"}
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", tool["function"]["name"])
    assert body.get("tool_choice") in {None, "REQUIRED", "NONE"}
