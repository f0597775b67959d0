"""A responses request as clients write it, typed. Unknown members are ignored here and listed by `request.py`.

Source: wire notes 2026-11, "OpenAI"; what Codex sends beside it (`client_metadata`, tool namespaces): client notes
2026-11.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class ImageURL(Struct):
    url: str


class InputAudio(Struct):
    data: str
    format: str = "wav"


class Breakpoint(Struct):
    ttl: str | None = None


class Content(Struct):
    """A content part of a message or of a tool's output."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageURL | str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None
    annotations: list[Raw] | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


class Text(Struct):
    text: str = ""


class Item(Struct):
    """An input item of any type; one without a type and with a role is a message.

    `tools` are of their own form in every type of item that has them.
    """

    type: str | None = None
    id: str | None = None
    role: str | None = None
    content: str | list[Content] | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = Raw()
    input: str | None = None
    output: Raw = Raw()
    summary: list[Text] | None = None
    encrypted_content: str | None = None
    tools: Raw = Raw()


class Tool(Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: dict[str, Any] | None = None
    tools: list[Tool] | None = None


class AllowedTool(Struct):
    type: str = ""
    name: str | None = None
    namespace: str | None = None


class ToolChoice(Struct):
    type: str = ""
    name: str | None = None
    namespace: str | None = None
    mode: str = "auto"
    tools: list[AllowedTool] = []


class Format(Struct):
    type: str
    name: str = "output"
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class TextOptions(Struct):
    format: Format | None = None


class ReasoningOptions(Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    mode: str | None = None


class Request(Struct):
    model: str
    input: Raw = Raw()
    instructions: str | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | str | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    stream: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: Raw = Raw()
    prompt: Raw = Raw()
    include: list[str] | None = None
    truncation: str | None = None


request_decoder = msgspec.json.Decoder(Request)
input_decoder = msgspec.json.Decoder(str | list[Item])
contents_decoder = msgspec.json.Decoder(str | list[Content] | None)
tools_decoder = msgspec.json.Decoder(list[Tool] | None)
arguments_decoder = msgspec.json.Decoder(str | dict[str, Any] | None)

CARRIED = frozenset(field.name for field in msgspec.structs.fields(Request))

UNCOUNTED = frozenset(
    {
        "store",
        "metadata",
        "client_metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "stream_options",
    }
)
"""Fields that nobody misses: dropping them is no loss (wire notes 2026-11, "what is lost")."""

ITEMS_OF_OTHERS = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Items that only this dialect's providers understand: kept as they came, written back only there."""
