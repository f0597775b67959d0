"""A chat-completions request as clients write it, typed. Unknown members are ignored here and listed by `request.py`.

Source: wire notes 2026-11, "OpenAI"; the extensions (`reasoning`, `reasoning_content`, `extra_content`) are those of
"other OpenAI-compatible servers".
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class ImageURL(Struct):
    url: str
    detail: str | None = None


class InputAudio(Struct):
    data: str
    format: str = "wav"


class File(Struct):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Breakpoint(Struct):
    ttl: str | None = None


class Thought(Struct):
    """A piece of a `thinking` part: a text, or a reference that holds none."""

    text: str = ""


class ContentPart(Struct):
    """`thinking` parts stand in assistant messages of clients that keep Mistral's form."""

    type: str
    text: str | None = None
    image_url: ImageURL | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    refusal: str | None = None
    thinking: str | list[Thought] | None = None
    signature: str | None = None
    prompt_cache_breakpoint: Breakpoint | None = None
    cache_control: Breakpoint | None = None


class Function(Struct):
    name: str = ""
    arguments: str | dict[str, Any] | None = None


class CustomCall(Struct):
    name: str
    input: str = ""


class GoogleExtra(Struct):
    thought_signature: str | None = None


class ExtraContent(Struct):
    google: GoogleExtra | None = None


class ToolCall(Struct):
    id: str = ""
    type: str | None = None
    function: Function | None = None
    custom: CustomCall | None = None
    extra_content: ExtraContent | None = None


class Message(Struct):
    role: str
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: Function | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    audio: dict[str, Any] | None = None
    annotations: Raw = Raw()


class FunctionTool(Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class CustomTool(Struct):
    name: str
    description: str | None = None
    format: dict[str, Any] | None = None


class Tool(Struct):
    type: str = "function"
    function: FunctionTool | None = None
    custom: CustomTool | None = None
    cache_control: Breakpoint | None = None


class NamedTool(Struct):
    name: str


class AllowedTool(Struct):
    function: NamedTool | None = None
    custom: NamedTool | None = None
    name: str | None = None


class AllowedTools(Struct):
    mode: str = "auto"
    tools: list[AllowedTool] = []


class ToolChoice(Struct):
    type: str = ""
    function: NamedTool | None = None
    custom: NamedTool | None = None
    allowed_tools: AllowedTools | None = None
    name: str | None = None


class JsonSchema(Struct):
    name: str = "output"
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(Struct):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(Struct):
    include_usage: bool | None = None


class ReasoningOptions(Struct):
    """OpenRouter's spelling, which several servers share."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class Request(Struct):
    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | str | None = None
    functions: list[FunctionTool] | None = None
    function_call: NamedTool | str | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    n: int | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningOptions | None = None
    include_reasoning: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    modalities: list[str] | None = None
    web_search_options: dict[str, Any] | None = None


request_decoder = msgspec.json.Decoder(Request)

CARRIED = frozenset(field.name for field in msgspec.structs.fields(Request))

UNCOUNTED = frozenset(
    {
        "store",
        "verbosity",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
        "seed",
        "cache_control",
        "obfuscation",
    }
)
"""Fields that nobody misses: dropping them is no loss (wire notes 2026-11, "what is lost")."""
