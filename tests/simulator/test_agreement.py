"""For any question, a provider's stream says what its whole answer says: text, thinking, calls, finish and usage.

The streams are read here by hand, from the documented grammar, without any of the gateway's decoders.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.provider import SimulatedProvider
from proxyctl.simulator.script import Manner
from proxyctl.simulator.server import PROVIDERS

MODELS = {
    "gemini": ("gemini-3.8-flash", "gemini-2.5-flash"),
    "anthropic": ("claude-sonnet-4-6", "claude-haiku-5-5"),
    "groq": ("openai/gpt-oss-20b", "qwen/qwen3-32b", "llama-3.1-8b-instant"),
    "together": ("moonshotai/Kimi-K3.1-Pro", "Qwen/Qwen3.8-Flash"),
    "cohere": ("command-a-plus-05-2026", "command-a-03-2025"),
    "mistral": ("mistral-large-4", "codestral-2508"),
    "local": ("local-reasoner", "gpt-4.1"),
    "openai": ("gpt-4.1",),
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}, "required": ["a", "b"]}


class Said(msgspec.Struct):
    """What an answer says, whatever its wire format."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str]] = []
    finish: Any = None
    usage: Any = None


class Wish(msgspec.Struct, frozen=True):
    text: str
    limit: int | None
    stop: str | None
    with_tool: bool
    choice: int


wishes = st.builds(
    Wish,
    # Surrogates cannot be sent; NUL and friends may.
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(str.strip),
    limit=st.none() | st.integers(1, 60),
    stop=st.none() | st.sampled_from(["simulated", "wrote", "never said", ". "]),
    with_tool=st.booleans(),
    choice=st.integers(0, 9),
)


def read_gemini(values: list[Any]) -> Said:
    said = Said(calls=[])
    for value in values:
        candidate = value["candidates"][0]
        for part in candidate["content"].get("parts", []):
            if "functionCall" in part:
                call = part["functionCall"]
                said.calls.append((call["name"], msgspec.json.encode(call["args"]).decode()))
            elif part.get("thought"):
                said.thinking += part["text"]
            else:
                said.text += part["text"]
        said.finish = candidate.get("finishReason", said.finish)
        said.usage = value["usageMetadata"]
    return said


def read_chat(values: list[Any]) -> Said:
    """Whole messages and deltas alike; content may be a list of chunks."""
    said = Said(calls=[])
    for value in values:
        said.usage = value.get("usage") or value.get("x_groq", {}).get("usage") or said.usage
        for choice in value["choices"]:
            message = choice.get("message") or choice["delta"]
            said.finish = choice["finish_reason"] or said.finish
            said.thinking += message.get("reasoning") or message.get("reasoning_content") or ""
            content = message.get("content") or ""
            for chunk in content if isinstance(content, list) else [{"type": "text", "text": content}]:
                if chunk["type"] == "thinking":
                    said.thinking += "".join(piece["text"] for piece in chunk["thinking"])
                else:
                    said.text += chunk["text"]
            for position, call in enumerate(message.get("tool_calls") or []):
                place = int(call.get("index", position))
                if place == len(said.calls):
                    said.calls.append((call["function"]["name"], ""))
                name, arguments = said.calls[place]
                said.calls[place] = (name, arguments + call["function"]["arguments"])
    return said


def read_anthropic(values: list[Any]) -> Said:
    if values[0]["type"] == "message":
        return read_anthropic_message(values[0])
    said = Said(calls=[])
    for event in values:
        block, delta = event.get("content_block", {}), event.get("delta", {})
        if block.get("type") == "tool_use":
            said.calls.append((block["name"], ""))
        said.text += delta.get("text", "")
        said.thinking += delta.get("thinking", "")
        if delta.get("partial_json"):
            name, arguments = said.calls[-1]
            said.calls[-1] = (name, arguments + delta["partial_json"])
        said.finish = (delta["stop_reason"], delta["stop_sequence"]) if "stop_reason" in delta else said.finish
        said.usage = event.get("usage", said.usage)
    return said


def read_anthropic_message(message: Any) -> Said:
    said = Said(calls=[], finish=(message["stop_reason"], message["stop_sequence"]), usage=message["usage"])
    for block in message["content"]:
        said.text += block.get("text", "")
        said.thinking += block.get("thinking", "")
        if block["type"] == "tool_use":
            said.calls.append((block["name"], msgspec.json.encode(block["input"]).decode()))
    return said


def read_cohere(values: list[Any]) -> Said:
    said = Said(calls=[])
    for value in values:
        delta = value if "finish_reason" in value else value.get("delta", {})
        said.finish = delta.get("finish_reason", said.finish)
        said.usage = delta.get("usage", said.usage)
        message = delta.get("message", {})
        content = message.get("content", [])
        for part in content if isinstance(content, list) else [content]:
            said.text += part.get("text", "")
            said.thinking += part.get("thinking", "")
        calls = message.get("tool_calls", [])
        for call in calls if isinstance(calls, list) else [calls]:
            if "name" in call["function"]:
                said.calls.append((call["function"]["name"], ""))
            name, arguments = said.calls[-1]
            said.calls[-1] = (name, arguments + call["function"]["arguments"])
    return said


def body_of(name: str, model: str, wish: Wish) -> dict[str, Any]:
    function = {"name": "get", "parameters": SCHEMA}
    if name == "gemini":
        generation = {
            "maxOutputTokens": wish.limit,
            "stopSequences": [wish.stop] if wish.stop else None,
            "thinkingConfig": {"includeThoughts": True},
        }
        tools = (
            [{"functionDeclarations": [{"name": "get", "parametersJsonSchema": SCHEMA}]}] if wish.with_tool else None
        )
        contents = [{"role": "user", "parts": [{"text": wish.text}]}]
        return {"contents": contents, "tools": tools, "generationConfig": generation}
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": wish.text}]}
    stop_name = {"anthropic": "stop_sequences", "cohere": "stop_sequences"}.get(name, "stop")
    if wish.stop:
        body[stop_name] = [wish.stop]
    if wish.limit is not None or name == "anthropic":
        body["max_tokens"] = wish.limit or 500
    if wish.with_tool and name == "anthropic":
        body["tools"] = [{"name": "get", "input_schema": SCHEMA}]
    elif wish.with_tool:
        body["tools"] = [{"type": "function", "function": function}]
    if name in ("local", "openai"):
        body["stream_options"] = {"include_usage": True}
    if name == "mistral" and model == "mistral-large-4":
        body["reasoning_effort"] = "high"
    return body


def values_of(provider: SimulatedProvider, path: str, query: dict[str, str], body: Any) -> list[Any]:
    headers = {"authorization": "Bearer k", "x-goog-api-key": "k", "anthropic-version": "2026-10-21"}
    reply = provider.answer(HttpRequest("POST", path, path, query, headers, msgspec.json.encode(body)), path, Manner())
    if reply.frames is None:
        return [msgspec.json.decode(reply.body)]
    texts = [frame.partition(b"data: ")[2] for frame in reply.frames]
    return [msgspec.json.decode(text) for text in texts if text != b"[DONE]\n\n"]


READERS = {"gemini": read_gemini, "anthropic": read_anthropic, "cohere": read_cohere}


def ask_both(provider: SimulatedProvider, model: str, wish: Wish) -> tuple[Said, Said]:
    name, body = provider.name, body_of(provider.name, model, wish)
    read = READERS.get(name, read_chat)
    if name == "gemini":
        path = f"/v1beta/models/{model}"
        whole = values_of(provider, f"{path}:generateContent", {}, body)
        return read(whole), read(values_of(provider, f"{path}:streamGenerateContent", {"alt": "sse"}, body))
    path = {"anthropic": "/v1/messages", "cohere": "/v2/chat"}.get(name, f"{provider.base}/chat/completions")
    return read(values_of(provider, path, {}, body)), read(values_of(provider, path, {}, {**body, "stream": True}))


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda kind: kind.name)
@given(wish=wishes)
@settings(max_examples=60, deadline=None)
def test_stream_and_whole_answer_agree(kind: type[SimulatedProvider], wish: Wish) -> None:
    models = MODELS[kind.name]

    whole, streamed = ask_both(kind(), models[wish.choice % len(models)], wish)

    assert streamed == whole
    assert whole.finish is not None
    assert whole.usage


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda kind: kind.name)
@given(wish=wishes)
@settings(max_examples=30, deadline=None)
def test_calls_come_when_tools_are_there_and_satisfy_their_schema(kind: type[SimulatedProvider], wish: Wish) -> None:
    whole, _ = ask_both(kind(), MODELS[kind.name][0], wish)

    assert bool(whole.calls) is wish.with_tool
    for name, arguments in whole.calls:
        value = msgspec.json.decode(arguments)
        assert name == "get"
        assert isinstance(value["a"], str)
        assert isinstance(value["b"], float)


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda kind: kind.name)
@given(wish=wishes)
@settings(max_examples=30, deadline=None)
def test_stop_sequences_never_stand_in_the_text(kind: type[SimulatedProvider], wish: Wish) -> None:
    # A raw <think> block is the provider's own, before the text that the sequence stops.
    whole, _ = ask_both(kind(), MODELS[kind.name][-1], wish)

    if wish.stop is not None and not wish.with_tool:
        assert wish.stop not in whole.text
