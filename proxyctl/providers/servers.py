"""What is known of the common OpenAI-compatible servers, as data: one row each, and no code that asks for a name.

A provider says which one it is (`server = "ollama"`), or its address does. Endpoints beside chat are stated only where
every release of a server has them in the form that their clients read: what is missing in an older build would bench a
model, and translation serves those callers everywhere. A flag that is wrong costs a loss, never a refused request.
Source: wire notes 2026-11, "other OpenAI-compatible servers".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from proxyctl.core.chat import DialectName
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits


class ServerFlags(Struct, frozen=True, kw_only=True):
    """One server's capabilities. `traits` are what all of its models take.

    `hosts` are the addresses that it is recognised by: a host's name, or `:PORT` on this machine. `max_tokens_field` is
    the only name that it knows for the limit. `stream_options`: usage in streams may be asked for. `drops` are body
    fields that it refuses or that mislead it. `thinking_off` are the body fields that switch thinking off, where
    `reasoning_effort` has no word for it. `endpoints` are those beside chat; `keeps_responses`: it remembers what it
    answered there.
    """

    label: str
    hosts: tuple[str, ...] = ()
    traits: ModelTraits = PERMISSIVE
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    stream_options: bool = True
    drops: frozenset[str] = frozenset()
    thinking_off: Mapping[str, Any] = {}
    endpoints: Mapping[DialectName, str] = {}
    keeps_responses: bool = False


UNKNOWN = ServerFlags(label="any other")

_OLD_LIMIT = replace(PERMISSIVE, max_tokens_field="max_tokens")

SERVERS: Mapping[str, ServerFlags] = {
    "ollama": ServerFlags(
        label="Ollama",
        hosts=(":11434",),
        traits=replace(
            _OLD_LIMIT,
            image_urls=False,
            documents=False,
            tool_choice=False,
            parallel_switch=False,
            reasoning_in="reasoning",
        ),
        max_tokens_field="max_tokens",
        drops=frozenset({"logit_bias"}),
    ),
    "lm-studio": ServerFlags(label="LM Studio", hosts=(":1234",), traits=replace(_OLD_LIMIT, documents=False)),
    "llama.cpp": ServerFlags(
        label="llama.cpp",
        traits=replace(_OLD_LIMIT, named_tool_choice=False, documents=False, reasoning_in="reasoning_content"),
    ),
    "vllm": ServerFlags(label="vLLM", traits=replace(PERMISSIVE, documents=False, reasoning_in="reasoning")),
    "openrouter": ServerFlags(
        label="OpenRouter",
        hosts=("openrouter.ai",),
        traits=replace(
            _OLD_LIMIT,
            cache_marks=True,
            thinking_efforts=("minimal", "low", "medium", "high", "xhigh"),
            reasoning_in="reasoning",
        ),
    ),
    "deepseek": ServerFlags(
        label="DeepSeek",
        hosts=("api.deepseek.com",),
        traits=replace(
            _OLD_LIMIT,
            top_k=False,
            images=False,
            documents=False,
            audio=False,
            json_schema=False,
            parallel_switch=False,
            thinking_efforts=("high", "max"),
            thinks_unasked=True,
            reasoning_in="reasoning_content",
            reasoning_required=True,
        ),
        max_tokens_field="max_tokens",
        drops=frozenset({"logit_bias", "n", "parallel_tool_calls"}),
        thinking_off={"thinking": {"type": "disabled"}},
    ),
    "xai": ServerFlags(
        label="xAI",
        hosts=("api.x.ai",),
        traits=replace(PERMISSIVE, top_k=False, documents=False, penalties=False, stop=False, thinks_unasked=True),
        endpoints={"openai-responses": "/responses"},
        keeps_responses=True,
    ),
}
"""In the order shown to people. xAI counts thinking beside the answer: its numbers say so, and are read by that."""

MODEL_FACTS: tuple[tuple[str, dict[str, Any]], ...] = (
    # A tool loop whose thinking is not sent back is refused (DeepSeek, thinking mode), whoever serves the model.
    ("deepseek", {"reasoning_in": "reasoning_content", "reasoning_required": True}),
    ("grok", {"penalties": False, "stop": False}),
)
"""What part of a model's name says of it on any server."""

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def recognised(url: str) -> ServerFlags:
    """The server at a base URL: by its host's name, or on this machine by the port that it is known for."""
    address = urlsplit(url)
    host = (address.hostname or "").lower()
    for flags in SERVERS.values():
        for known in flags.hosts:
            if known.startswith(":"):
                if host in _HERE and f":{address.port}" == known:
                    return flags
            elif host == known or host.endswith("." + known):
                return flags
    return UNKNOWN
