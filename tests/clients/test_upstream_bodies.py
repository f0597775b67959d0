"""What the daemon sends upstream, judged by each provider's own SDK: its types, with unknown members forbidden.

The simulator refuses much itself, but it is ours. Here the bodies in its ledger go before the vendors' types; Mistral's
and Cohere's forgive unknown members, so their key sets are checked by hand. Source: wire notes 2026-11, "judges".
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mistralai.client.models import (
    AssistantMessage,
    ChatCompletionRequest,
    FunctionCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

from tests.dialects.gemini_generate.conftest import judge as judge_gemini

from .home import SECONDS, Home
from .matrix.cells import CALLERS
from .matrix.features import FEATURES, Bench
from .simulated import Seen, Simulated
from .targets import PNG, SCHEMA, TARGETS, TOOL_NAME, TWO_CALLS, Target

STRICT_TYPES = Path(__file__).parents[1] / "providers" / "strict_body.py"
SDKS = {"anthropic": "anthropic", "groq": "groq", "together": "together", "local": "openai"}
BY_NAME = {target.provider: target for target in TARGETS}

CHAT_TOOL = {"type": "function", "function": {"name": TOOL_NAME, "description": "d", "parameters": SCHEMA}}
CHAT_EXTRAS = {
    "max_completion_tokens": 3000,
    "temperature": 0.5,
    "stop": ["never said"],
    "seed": 7,
    "user": "somebody",
    "store": False,
    "metadata": {"purpose": "test"},
    "parallel_tool_calls": True,
    "prompt_cache_key": "a-key",
    "service_tier": "default",
}
"""What clients of OpenAI's send; each provider refuses some of it."""


TOLERANT = {"together", "local"}
"""They ignore members of messages that they do not know, so those pass through to them as they came."""


def text_block(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def converse_as_openai(daemon: Home, target: Target) -> None:
    """A tool loop, an image, a schema and thinking, with everything that clients like to add."""
    post = daemon.http.post
    url, model = f"{daemon.url}/v1/chat/completions", target.named(target.plain)
    system = [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}]
    asked = {"role": "user", "content": TWO_CALLS, "name": "someone"}
    body = {"model": model, "messages": [*system, asked], "tools": [CHAT_TOOL], **CHAT_EXTRAS}
    turn = post(url, json=body).json()["choices"][0]["message"]
    if target.provider not in TOLERANT:
        turn |= {"reasoning_content": "It wants the weather.", "annotations": [], "audio": None, "function_call": None}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "12 C"} for call in turn["tool_calls"]]
    body["messages"] = [*system, asked, turn, *results, {"role": "user", "content": "And?"}]
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    schema = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA, "strict": True}}
    for more in (
        {**body, "stream": True, "stream_options": {"include_usage": True}},
        {"model": target.named(target.sees), "messages": [{"role": "user", "content": [text_block("What?"), image]}]},
        {"model": target.named(target.structured), "messages": [asked], "response_format": schema},
        {"model": target.named(target.thinks), "messages": [asked], "reasoning_effort": "low", "stream": True},
    ):
        answer = post(url, json=more)
        assert answer.status_code == 200, answer.text


def converse_as_anthropic(daemon: Home, target: Target) -> None:
    """The same as an agent of Anthropic's: cache marks everywhere, thinking in the history, an image in a result."""
    post, mark = daemon.http.post, {"cache_control": {"type": "ephemeral"}}
    url, model = f"{daemon.url}/v1/messages", target.named(target.thinks)
    asked = {"role": "user", "content": [text_block(TWO_CALLS, **mark)]}
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": 4000,
        "system": [text_block("Be brief."), text_block("Be kind.", **mark)],
        "messages": [asked],
        "tools": [{"name": TOOL_NAME, "description": "d", "input_schema": SCHEMA, **mark}],
        "tool_choice": {"type": "auto"},
        "metadata": {"user_id": "somebody"},
        "thinking": {"type": "adaptive", "display": "summarized"},
    }
    turn = {"role": "assistant", "content": post(url, json=body).json()["content"]}
    calls = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call, "content": [text_block("12 C")], "is_error": call == calls[0]}
        for call in reversed(calls)
    ]
    later = {"role": "user", "content": [*results, text_block("And?", **mark)]}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    for more in (
        {**body, "messages": [asked, turn, later], "stream": True},
        {
            "model": target.named(target.sees),
            "max_tokens": 400,
            "messages": [{"role": "user", "content": [image, text_block("What?")]}],
        },
        {
            "model": target.named(target.structured),
            "max_tokens": 4000,
            "messages": [asked],
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        },
    ):
        answer = post(url, json=more)
        assert answer.status_code == 200, answer.text


def converse_as_the_matrix(daemon: Home, simulated: Simulated, target: Target, dialect: str) -> None:
    """As the SDK of a dialect that the conversations above do not speak."""
    caller = CALLERS[dialect](daemon.url)
    for feature in ("parallel", "image", "thinking", "schema"):
        FEATURES[feature](Bench(daemon, simulated, caller, target))
    caller.recorder.close()


def bodies(daemon: Home, simulated: Simulated, provider: str) -> list[Seen]:
    """All that one provider was sent in all conversations; nothing of it was refused."""
    target = BY_NAME[provider]
    converse_as_openai(daemon, target)
    converse_as_anthropic(daemon, target)
    converse_as_the_matrix(daemon, simulated, target, "openai-responses")
    if provider != "gemini":  # whose SDK's own bytes pass through
        converse_as_the_matrix(daemon, simulated, target, "gemini-generate")
    seen = simulated.seen(target.provider)
    assert len(seen) > 20
    assert {one.status for one in seen} == {200}
    return seen


def blocks(body: dict[str, Any]) -> dict[str, Any]:
    """The same request with every message's content as blocks: the judge looks at each of them."""
    messages = [
        {**message, "content": [text_block(content)] if isinstance(content, str) else content}
        for message in body["messages"]
        for content in [message["content"]]
    ]
    return {**body, "messages": messages}


def as_together_types(body: dict[str, Any]) -> dict[str, Any]:
    """They want a number on each call that is sent back; the API forgives it."""
    judged: dict[str, Any] = json.loads(json.dumps(body))
    for message in judged["messages"]:
        for index, call in enumerate(message.get("tool_calls") or ()):
            call["index"] = index
    return judged


JUDGED_AS = {"anthropic": blocks, "together": as_together_types}


def test_typed_sdks_find_nothing_unknown(daemon: Home, simulated: Simulated) -> None:
    """Judged in a process of its own, because strictness changes the SDKs' types for good."""
    sent = [
        (one.provider, one.body)
        for name in ("anthropic", "groq", "together", "local")
        for one in bodies(daemon, simulated, name)
    ]
    judged = [(SDKS[name], JUDGED_AS.get(name, dict)(body)) for name, body in sent]

    done = subprocess.run(
        [sys.executable, str(STRICT_TYPES)],
        input=json.dumps(judged),
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )

    complaints = json.loads(done.stdout)
    assert len(complaints) == len(sent)
    assert [f"{name}: {said}\n{body}" for (name, body), said in zip(sent, complaints, strict=True) if said] == []


def test_gemini_is_sent_what_its_types_allow(daemon: Home, simulated: Simulated) -> None:
    for one in bodies(daemon, simulated, "gemini"):
        judge_gemini(one.body)
        assert one.headers["x-goog-api-key"]
        assert "authorization" not in one.headers
        assert "key=" not in one.path


MISTRAL_MEMBERS = {
    "system": SystemMessage,
    "user": UserMessage,
    "assistant": AssistantMessage,
    "tool": ToolMessage,
}


def test_mistral_is_sent_what_its_types_know(daemon: Home, simulated: Simulated) -> None:
    for one in bodies(daemon, simulated, "mistral"):
        ChatCompletionRequest.model_validate(one.body)
        assert set(one.body) <= members(ChatCompletionRequest)
        for message in one.body["messages"]:
            assert set(message) <= members(MISTRAL_MEMBERS[message["role"]]), message
            for call in message.get("tool_calls") or ():
                assert set(call) <= members(ToolCall)
                assert set(call["function"]) <= members(FunctionCall)
                assert re.fullmatch(r"[a-zA-Z0-9]{9}", call["id"])
            if message["role"] == "tool":
                assert re.fullmatch(r"[a-zA-Z0-9]{9}", message["tool_call_id"])
        roles = [message["role"] for message in one.body["messages"]]
        assert not {("tool", "user"), ("tool", "system"), ("assistant", "assistant")} & set(itertools.pairwise(roles))
        assert roles[-1] in ("user", "tool")


def members(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


COHERE_BODY = {
    "model", "messages", "stream", "tools", "strict_tools", "documents", "citation_options", "response_format",
    "safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k",
    "p", "logprobs", "tool_choice", "thinking", "priority",
}  # fmt: skip
COHERE_MESSAGES = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_plan", "tool_calls", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
COHERE_PARTS = {
    "text": {"type", "text"},
    "thinking": {"type", "thinking"},
    "image_url": {"type", "image_url"},
    "document": {"type", "document"},
}


def test_cohere_is_sent_what_it_documents(daemon: Home, simulated: Simulated) -> None:
    for one in bodies(daemon, simulated, "cohere"):
        assert one.path == "/v2/chat"
        assert set(one.body) <= COHERE_BODY
        given: list[str] = []
        for message in one.body["messages"]:
            assert set(message) <= COHERE_MESSAGES[message["role"]], message
            content = message.get("content")
            for part in content if isinstance(content, list) else ():
                assert set(part) <= COHERE_PARTS[part["type"]], part
            for call in message.get("tool_calls") or ():
                assert (set(call), set(call["function"])) == ({"id", "type", "function"}, {"name", "arguments"})
                json.loads(call["function"]["arguments"])
                given.append(call["id"])
            if message["role"] == "tool":
                assert message["tool_call_id"] == given.pop(0), "results stand in the order of their calls"
        assert [message["role"] for message in one.body["messages"]].count("system") <= 1


@pytest.mark.parametrize("name", list(BY_NAME))
def test_clients_headers_stay_here(daemon: Home, simulated: Simulated, name: str) -> None:
    """Credentials, cookies and what tells who the client is; betas go to nobody but their maker."""
    target = BY_NAME[name]
    given = {
        "authorization": "Bearer of-the-client",
        "x-api-key": "of-the-client",
        "x-goog-api-key": "of-the-client",
        "cookie": "session=of-the-client",
        "openai-organization": "of-the-client",
        "x-stainless-lang": "of-the-client",
        "user-agent": "of-the-client",
        "anthropic-beta": "interleaved-thinking-2025-05-14",
        "anthropic-version": "2026-10-21",
    }
    body = {
        "model": target.named(target.plain),
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "Good morning"}],
    }

    for path in ("/v1/chat/completions", "/v1/messages"):
        assert daemon.http.post(daemon.url + path, json=body, headers=given).status_code == 200

    for seen, path in zip(simulated.seen(), ("chat", "messages"), strict=True):
        assert "of-the-client" not in json.dumps(seen.headers)
        assert ("anthropic-beta" in seen.headers) == (name == "anthropic" and path == "messages")
        assert ("anthropic-version" in seen.headers) == (name == "anthropic")
