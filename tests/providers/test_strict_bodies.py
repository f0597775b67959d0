"""What reaches each provider is what its own SDK would send: judged by the SDKs' types, nothing unknown allowed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxyctl.core.chat import (
    ChatRequest,
    ImagePart,
    JsonFormat,
    Message,
    Reasoning,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.base import UpstreamDialect, decode_fields, encode_json
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.providers._base import Provider
from proxyctl.providers.anthropic import AnthropicProvider
from proxyctl.providers.groq import GroqProvider
from proxyctl.providers.mistral import MistralProvider
from proxyctl.providers.openai_compatible import OpenAICompatibleProvider
from proxyctl.providers.together import TogetherProvider

JUDGE = Path(__file__).with_name("strict_body.py")
ASK = Message("user", (TextPart(text="hi", cache_ttl="5m"),))
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"], "additionalProperties": False}
LOOP = (
    ASK,
    Message(
        "assistant",
        (
            ThinkingPart(text="Hm.", signature=Signature("EqQB", "anthropic-messages")),
            TextPart(text="Looking."),
            ToolCallPart(id="toolu_1", name="get", arguments='{"k":"v"}'),
            ToolCallPart(id="toolu_2", name="files.read", arguments=""),
        ),
    ),
    Message(
        "user",
        (
            ToolResultPart(call_id="toolu_2", parts=(TextPart(text="2"),), is_error=True),
            ToolResultPart(call_id="toolu_1", parts=(TextPart(text="1"),)),
            TextPart(text="and now?"),
        ),
    ),
)
REQUESTS = {
    "plain": ChatRequest(model="m", messages=(ASK,), stream=True, max_output=100, temperature=0.2, user="u"),
    "loop": ChatRequest(
        model="m",
        messages=LOOP,
        system=(TextPart(text="S", cache_ttl="1h"),),
        tools=(Tool(name="get", description="d", schema=SCHEMA, strict=True), Tool(name="files.read")),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=False,
        reasoning=Reasoning("high"),
        max_output=4000,
        stop=("x",),
        seed=3,
        service_tier="default",
    ),
    "format": ChatRequest(model="m", messages=(ASK,), format=JsonFormat(SCHEMA, "out", strict=True), top_p=0.5),
}
IMAGE = ChatRequest(model="m", messages=(Message("user", (ImagePart(media_type="image/png", data="AAAA"),)),))
TARGETS: dict[str, tuple[Provider, UpstreamDialect, str]] = {
    "groq": (GroqProvider(name="g"), OPENAI_CHAT, "openai/gpt-oss-120b"),
    "together": (TogetherProvider(name="t"), OPENAI_CHAT, "zai-org/GLM-5.3"),
    "openai": (OpenAICompatibleProvider(name="o", base_url="http://x"), OPENAI_CHAT, "gpt-5.4-mini"),
    "anthropic": (AnthropicProvider(name="a"), ANTHROPIC_MESSAGES, "claude-opus-5-5"),
}
DUMPED = {
    "model": "m",
    "n": 1,
    "max_completion_tokens": 5,
    "store": False,
    "prompt_cache_key": "k",
    "metadata": None,
    "messages": [
        {"role": "developer", "content": "S"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}],
            "name": "ann",
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            "audio": None,
            "function_call": None,
            "reasoning_content": "Hm.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "x"}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        {"role": "user", "content": "go on"},
    ],
    "tools": [{"type": "function", "function": {"name": "get", "parameters": {"type": "object", "properties": {}}}}],
}


def translated(name: str, request: ChatRequest) -> dict[str, Any]:
    provider, dialect, model = TARGETS[name]
    named = msgspec.structs.replace(request, model=model)
    fields = dialect.encode_request(named, provider.traits(model), Losses())
    adapted = provider.adapt(fields, dialect=dialect.name, model=model, losses=Losses())
    body: dict[str, Any] = json.loads(encode_json(adapted))
    return as_its_sdk_would(body) if name == "together" else body


def as_its_sdk_would(body: dict[str, Any]) -> dict[str, Any]:
    """Together's types demand an index of a call, and know no `strict`; its API does not mind either way."""
    for message in body["messages"]:
        for index, call in enumerate(message.get("tool_calls", ())):
            call["index"] = index
    for tool in body.get("tools", ()):
        tool["function"].pop("strict", None)
    return body


def passed(provider: Provider, document: dict[str, Any]) -> dict[str, Any]:
    fields = decode_fields(json.dumps(document).encode())
    adapted = provider.adapt(dict(fields), dialect="openai-chat", model="m", losses=Losses())
    body: dict[str, Any] = json.loads(encode_json(adapted))
    return body


def complaints(judged: list[tuple[str, dict[str, Any]]]) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(JUDGE)], input=json.dumps(judged), capture_output=True, text=True, check=True
    )
    said: list[str] = json.loads(done.stdout)
    return said


@pytest.mark.slow
def test_the_judge_complains_at_all() -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("groq", {"model": "m", "messages": [], "prompt_cache_key": "k"}),
        ("together", {"model": "m", "messages": [], "max_completion_tokens": 1}),
        (
            "openai",
            {
                "model": "m",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}],
            },
        ),
        (
            "anthropic",
            {
                "model": "m",
                "max_tokens": 1,
                "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "y": 1}]}],
            },
        ),
        ("anthropic", {"model": "m", "max_tokens": 1, "messages": [], "temperature": 1}),
    ]

    assert all(complaints(bodies))


@pytest.mark.slow
def test_no_sdk_complains_about_a_translated_body() -> None:
    bodies = [(name, translated(name, request)) for name in TARGETS for request in REQUESTS.values()]
    bodies += [(name, translated(name, IMAGE)) for name in ("together", "openai", "anthropic")]

    assert [said for said in complaints(bodies) if said] == []


@pytest.mark.slow
def test_no_sdk_complains_about_a_body_that_passed_through() -> None:
    bodies = [("groq", passed(GroqProvider(name="g"), DUMPED))]

    assert [said for said in complaints(bodies) if said] == []


def test_mistral_gets_only_what_its_models_name() -> None:
    from mistralai.client.models import AssistantMessage, ChatCompletionRequest, ToolMessage, UserMessage

    fields = {field.alias or name for name, field in ChatCompletionRequest.model_fields.items()}
    messages = {"assistant": AssistantMessage, "tool": ToolMessage, "user": UserMessage}
    provider = MistralProvider(name="m")
    bodies = [passed(provider, DUMPED)]
    for request in (*REQUESTS.values(), IMAGE):
        encoded = OPENAI_CHAT.encode_request(request, provider.traits("mistral-large-4"), Losses())
        adapted = provider.adapt(encoded, dialect="openai-chat", model="mistral-large-4", losses=Losses())
        bodies.append(json.loads(encode_json(adapted)))

    for body in bodies:
        ChatCompletionRequest.model_validate(body)
        assert set(body) <= fields
        for message in body["messages"]:
            kind = messages.get(message["role"])
            if kind is not None:
                assert set(message) <= set(kind.model_fields)
