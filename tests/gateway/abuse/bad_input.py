"""Valid requests of every inbound dialect, ways to spoil them, and judges of what comes back.

A spoilt request is served (whole, or repaired with a loss) or refused in the caller's own error shape. What is
translated must never be refused by the strict simulators: that would be a shape of our making.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import msgspec

from proxyctl.simulator.ledger import Received
from tests.gateway.conftest import Gateway

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ARGUMENTS = '{"city":"Bern"}'
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

Path = tuple[str | int, ...]

MODELS = {
    "gemini": "gemini-3.8-flash",
    "anthropic": "claude-sonnet-5-5",
    "groq": "llama-3.3-70b-versatile",
    "together": "deepseek-ai/DeepSeek-V4.1-Flash",
    "cohere": "command-a-03-2025",
    "mistral": "mistral-large-4",
    "local": "local-llama",
}
"""One model of each simulated provider that takes tools."""

CHAT: dict[str, Any] = {
    "max_tokens": 64,
    "temperature": 0.5,
    "stop": ["END"],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "top_p": 0.9,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "seed": 7,
    "n": 1,
    "user": "u",
    "response_format": {"type": "text"},
}
MESSAGES: dict[str, Any] = {
    "max_tokens": 64,
    "temperature": 0.5,
    "stop_sequences": ["END"],
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "12 degrees"}]},
                {"type": "text", "text": "And now?"},
            ],
        },
    ],
    "tools": [{"name": "weather", "description": "d", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto"},
    "top_k": 5,
    "metadata": {"user_id": "u"},
}
RESPONSES: dict[str, Any] = {
    "max_output_tokens": 64,
    "temperature": 0.5,
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": ARGUMENTS},
        {"type": "function_call_output", "call_id": "call_1", "output": "12 degrees"},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [{"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA, "strict": False}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "top_p": 0.9,
    "user": "u",
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "text"}},
    "metadata": {"a": "b"},
    "store": False,
}
GENERATE: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Bern"}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "12 degrees"}}}],
        },
        {"role": "user", "parts": [{"text": "And now?"}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "weather", "description": "d", "parameters": SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {"maxOutputTokens": 64, "temperature": 0.5, "stopSequences": ["END"]}
    | {
        "topP": 0.9,
        "topK": 5,
        "seed": 7,
        "candidateCount": 1,
        "responseMimeType": "text/plain",
        "thinkingConfig": {"thinkingBudget": 0},
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
}
COMPLETIONS: dict[str, Any] = {"prompt": "Once upon a time", "max_tokens": 64, "temperature": 0.5, "stop": ["END"]}
COMPLETIONS |= {"top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.1, "seed": 7, "n": 1, "user": "u"}


@dataclass(frozen=True)
class Inbound:
    """A dialect as its callers use it. `turns` is where the conversation stands in `valid`."""

    name: str
    path: str
    valid: dict[str, Any]
    turns: str


DIALECTS = {
    one.name: one
    for one in (
        Inbound("openai-chat", "/v1/chat/completions", CHAT, "messages"),
        Inbound("openai-responses", "/v1/responses", RESPONSES, "input"),
        Inbound("anthropic-messages", "/v1/messages", MESSAGES, "messages"),
        Inbound("gemini-generate", "/v1beta/models/{model}:generateContent", GENERATE, "contents"),
        Inbound("openai-completions", "/v1/completions", COMPLETIONS, "prompt"),
    )
}


# Spoiling.

BEYOND = "@1e400@"
"""Stands for a number that no double holds, which `json.dumps` cannot write."""
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "a half": 0.5,
    "huge": 10**30,
    "beyond": BEYOND,
    "NaN": float("nan"),
    "empty text": "",
    "text": "x",
    "surrogate": "\ud800",
    "NUL": "a\0b",
    "empty list": [],
    "empty object": {},
    "list of lists": [[1], None],
    "object": {"a": 1},
}


def paths_of(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a document, containers too."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*at, key)
        yield from paths_of(one, (*at, key))


GONE = "gone"
"""The name of what takes a value out."""


def spoilt(document: Any, path: Path, value: str) -> Any:
    """A copy of the document with the value of this name in that place, or with nothing there."""
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    if value == GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = VALUES[value]
    return changed


def encoded(document: Any) -> bytes:
    return json.dumps(document).replace(f'"{BEYOND}"', "1e400").encode()


# Judging.


class OpenAIError(msgspec.Struct, forbid_unknown_fields=True):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIEnvelope(msgspec.Struct, forbid_unknown_fields=True):
    error: OpenAIError


class MessagesError(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "api_error",
        "overloaded_error",
        "billing_error",
        "timeout_error",
    ]
    message: str


class MessagesEnvelope(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["error"]
    error: MessagesError
    request_id: str


class GoogleError(msgspec.Struct, forbid_unknown_fields=True):
    code: int
    message: str
    status: Literal[
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "ABORTED",
        "RESOURCE_EXHAUSTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
    ]
    details: list[dict[str, Any]]


class GoogleEnvelope(msgspec.Struct, forbid_unknown_fields=True):
    error: GoogleError


SHAPES: dict[str, type[OpenAIEnvelope | MessagesEnvelope | GoogleEnvelope]] = {
    "openai-chat": OpenAIEnvelope,
    "openai-responses": OpenAIEnvelope,
    "openai-completions": OpenAIEnvelope,
    "anthropic-messages": MessagesEnvelope,
    "gemini-generate": GoogleEnvelope,
}
REFUSALS = (400, 404, 413)


def misshapen(answer: httpx.Response, dialect: str) -> str:
    """What is wrong with a refusal of the gateway's own, `""` when nothing is."""
    if answer.status_code not in REFUSALS:
        return f"status {answer.status_code}: {answer.text[:200]}"
    if answer.headers["content-type"] != "application/json":
        return f"type {answer.headers['content-type']}"
    try:
        told = msgspec.json.decode(answer.content, type=SHAPES[dialect])
    except msgspec.DecodeError as exc:
        return f"{exc}: {answer.text[:200]}"
    if isinstance(told, GoogleEnvelope) and told.error.code != answer.status_code:
        return f"code {told.error.code} in a {answer.status_code}"
    return "" if told.error.message else "no message"


async def fault_of(gateway: Gateway, inbound: Inbound, target: str, document: Any) -> str:
    """Send a document and say what is wrong with the outcome, `""` when nothing is. `target` is `provider:model`."""
    ledger = gateway.simulator.ledger
    ledger.entries.clear()
    if "{model}" not in inbound.path and isinstance(document, dict):
        document = {"model": target, **document}
    answer = await gateway.http.post(inbound.path.format(model=target), content=encoded(document))
    sent = [entry for entry in ledger.entries if entry.method == "POST"]
    refused = [entry for entry in sent if entry.status is None or entry.status >= 400]
    if answer.status_code == 200:
        return ""
    if answer.headers.get("x-proxyctl-provider"):
        # It passed through: the words are the provider's, about something that the client itself wrote.
        return "" if answer.json()["error"]["message"] else "no message"
    if refused and not said_too_long(answer):
        return f"refused upstream, {told_of(refused[-1])}: {answer.text[:300]}"
    return misshapen(answer, inbound.name)


def said_too_long(answer: httpx.Response) -> bool:
    """Whether a prompt is longer than the model's context: nobody's shape is to blame, and nobody knew before."""
    return (
        "context_length_exceeded" in answer.text or "prompt is too long" in answer.text or "token count" in answer.text
    )


def told_of(entry: Received) -> str:
    return f"{entry.provider} {entry.path} {entry.status} {entry.body[:600]!r}"
