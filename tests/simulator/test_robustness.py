"""Bodies of the wrong shape are answered by the provider, never by a crash."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.provider import SimulatedProvider
from proxyctl.simulator.reply import RefusalError, Reply
from proxyctl.simulator.script import Manner
from proxyctl.simulator.server import PROVIDERS

SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
OPENAI_TOOL = {"type": "function", "function": {"name": "get", "parameters": SCHEMA}}
CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "x"},
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {
            "role": "assistant",
            "content": "x",
            "tool_calls": [{"id": "abcdefgh1", "type": "function", "function": {"name": "get", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "abcdefgh1", "content": "12C"},
    ],
    "tools": [OPENAI_TOOL],
    "tool_choice": {"type": "function", "function": {"name": "get"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    "stream": True,
    "max_tokens": 50,
}
MODELS = {
    "groq": "llama-3.3-70b-versatile",
    "together": "Qwen/Qwen3.8-Flash",
    "mistral": "mistral-small-2603",
    "local": "gpt-4.1",
    "openai": "gpt-4.1",
    "cohere": "command-a-03-2025",
    "anthropic": "claude-haiku-4-5",
}
SIGNED = "c2ltLXRob3VnaHQ6Z2VtaW5pLTMuOC1mbGFzaDow"
GEMINI = {
    "contents": [
        {"role": "user", "parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "get", "args": {}}, "thoughtSignature": SIGNED}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get", "response": {"output": "x"}}}]},
    ],
    "systemInstruction": {"parts": [{"text": "x"}]},
    "tools": [{"functionDeclarations": [{"name": "get", "parameters": SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get"]}},
    "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"thinkingLevel": "LOW"}, "stopSequences": ["x"]},
}
ANTHROPIC: dict[str, Any] = {
    "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get", "input": {"k": "v"}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x"}]}],
        },
    ],
    "tools": [{"name": "get", "input_schema": SCHEMA}],
    "tool_choice": {"type": "tool", "name": "get"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "string"}}},
    "thinking": {"type": "disabled"},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["x"],
    "max_tokens": 50,
}
ODD: tuple[Any, ...] = (None, 5, -1.5, True, "", "x", [], [None], [[]], {}, {"type": "object"}, {"type": {}})


def request_for(provider: SimulatedProvider, body: Any) -> tuple[HttpRequest, str]:
    paths = {
        "gemini": "/v1beta/models/gemini-3.8-flash:generateContent",
        "anthropic": "/v1/messages",
        "cohere": "/v2/chat",
    }
    path = paths.get(provider.name, f"{provider.base}/chat/completions")
    headers = {"authorization": "Bearer k", "x-goog-api-key": "k", "anthropic-version": "2026-10-21"}
    return HttpRequest("POST", path, path, {}, headers, msgspec.json.encode(body)), path


def sound_body(name: str) -> dict[str, Any]:
    match name:
        case "gemini":
            return GEMINI
        case "anthropic":
            return {**ANTHROPIC, "model": MODELS[name]}
        case "cohere":
            cohere = {key: value for key, value in CHAT.items() if key not in {"tool_choice", "response_format"}}
            return {**cohere, "model": MODELS[name]}
        case "groq":
            groq = {key: value for key, value in CHAT.items() if key != "response_format"}
            return {**groq, "model": MODELS[name]}
        case _:
            return {**CHAT, "model": MODELS[name]}


def answer(provider: SimulatedProvider, request: HttpRequest, route: str) -> Reply:
    try:
        return provider.answer(request, route, Manner())
    except RefusalError as refused:
        return refused.reply


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            yield from places(entry, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed = copy.deepcopy(value)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = odd
    return changed


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda kind: kind.name)
def test_the_sound_body_is_sound(kind: type[SimulatedProvider]) -> None:
    provider = kind()

    assert provider.answer(*request_for(provider, sound_body(provider.name)), Manner()).status == 200


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda kind: kind.name)
def test_any_one_wrong_value_is_refused_or_taken(kind: type[SimulatedProvider]) -> None:
    """Every place of a sound body, replaced by every odd value in turn."""
    provider = kind()
    body = sound_body(provider.name)

    for path in places(body):
        for odd in ODD:
            request, route = request_for(provider, replaced(body, path, odd))
            reply = answer(provider, request, route)
            assert reply.status == 200 or 400 <= reply.status < 500, (path, odd)
            assert reply.frames or msgspec.json.decode(reply.body)
