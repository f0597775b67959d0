"""A messages request as clients write it, typed. A block is one wide struct: unknown kinds must survive as opaque.

Source: wire notes 2026-11, "Anthropic", and what Claude Code sends (client notes 2026-11).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class CacheControl(Struct):
    type: str = "ephemeral"
    ttl: str | None = None


class Source(Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: Raw = Raw()


class Block(Struct):
    type: str
    text: str | None = None
    source: Source | str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    tool_use_id: str | None = None
    content: Raw = Raw()
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    title: str | None = None
    tool_name: str | None = None
    citations: Raw = Raw()
    cache_control: CacheControl | None = None


class Message(Struct):
    role: str
    content: str | list[Block]
    output_config: Raw = Raw()


class Tool(Struct):
    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoice(Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class Format(Struct):
    type: str
    schema: dict[str, Any] | None = None


class OutputConfig(Struct):
    effort: str | None = None
    format: Format | None = None


class Metadata(Struct):
    user_id: str | None = None


class Request(Struct):
    model: str
    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None
    stream: bool | None = None
    thread: Raw = Raw()
    mcp_servers: list[Any] | None = None


request_decoder = msgspec.json.Decoder(Request)
blocks_decoder = msgspec.json.Decoder(str | list[Block])

CARRIED = frozenset(field.name for field in msgspec.structs.fields(Request))

UNCOUNTED = frozenset({"cache_control", "diagnostics", "betas", "user_profile_id"})
"""Fields that nobody misses: dropping them is no loss (wire notes 2026-11, "what is lost")."""
