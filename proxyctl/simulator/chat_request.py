"""The chat-completions request as the OpenAI-style providers read it, and the question it asks.

These types are lenient: they name what the simulator uses and pass over the rest. A strict provider subclasses them
with `forbid_unknown_fields` and its own list of fields.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from typing_extensions import override

from proxyctl.simulator.provider import data_url_size, text_in
from proxyctl.simulator.script import Image, Question, Tool, ToolResult

Content = str | list[dict[str, Any]] | None


class Function(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolDefinition(msgspec.Struct, frozen=True):
    function: Function
    type: str = "function"


class CalledFunction(msgspec.Struct, frozen=True):
    name: str
    arguments: str | dict[str, Any] = ""


class ToolCall(msgspec.Struct, frozen=True):
    function: CalledFunction
    id: str = ""
    type: str = "function"


class ChatMessage(msgspec.Struct, frozen=True):
    role: str
    content: Content = None
    tool_calls: Sequence[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    model: str
    messages: Sequence[ChatMessage]
    stream: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    tools: Sequence[ToolDefinition] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None

    @property
    def limit(self) -> int | None:
        return self.max_tokens

    @property
    def wants_usage_chunk(self) -> bool:
        return False


class OpenChatRequest(ChatRequest, frozen=True):
    """With the two fields that not every provider knows."""

    stream_options: dict[str, Any] | None = None
    max_completion_tokens: int | None = None

    @property
    @override
    def limit(self) -> int | None:
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    @override
    def wants_usage_chunk(self) -> bool:
        return bool(self.stream and self.stream_options and self.stream_options.get("include_usage"))


def text_of(content: Content) -> str:
    if isinstance(content, str):
        return content
    return "".join([part["text"] for part in content or () if isinstance(part.get("text"), str)])


def image_of(part: dict[str, Any]) -> Image | None:
    """An `image_url` part; the address may stand alone (Mistral) or in an object."""
    if part.get("type") != "image_url":
        return None
    value = part.get("image_url")
    url = value.get("url") if isinstance(value, dict) else value
    return Image(*data_url_size(url)) if isinstance(url, str) else None


def read_question(request: ChatRequest, *, seed: str, thinks: bool) -> Question:
    asked = next((message for message in reversed(request.messages) if message.role == "user"), None)
    content = asked.content if asked is not None else None
    schema, json_object = _format(request.response_format)
    return Question(
        model=request.model,
        user_text=text_of(content),
        prompt=_prompt(request),
        seed=seed,
        images=tuple(image for part in content if (image := image_of(part))) if isinstance(content, list) else (),
        tools=tuple(Tool(tool.function.name, tool.function.parameters or {}) for tool in request.tools or ()),
        results=_results(request.messages),
        choice=_choice(request.tool_choice),
        parallel=request.parallel_tool_calls is not False,
        max_tokens=request.limit,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        schema=schema,
        json_object=json_object,
        thinks=thinks,
    )


def _prompt(request: ChatRequest) -> str:
    pieces = [text_in(msgspec.to_builtins(request.tools))] if request.tools else []
    for message in request.messages:
        pieces.append(text_of(message.content))
        pieces += [call.function.name + text_in(call.function.arguments) for call in message.tool_calls or ()]
    return "".join(pieces)


def _results(messages: Sequence[ChatMessage]) -> tuple[ToolResult, ...]:
    """The tool messages at the end, with the names of the calls they answer."""
    names = {call.id: call.function.name for message in messages for call in message.tool_calls or ()}
    results: list[ToolResult] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        name = names.get(message.tool_call_id or "", message.name or "tool")
        results.append(ToolResult(name, text_of(message.content)))
    return tuple(reversed(results))


def _choice(choice: str | dict[str, Any] | None) -> str:
    if isinstance(choice, dict):
        function = choice.get("function")
        return f"tool:{function['name']}" if isinstance(function, dict) and "name" in function else "auto"
    return {"required": "any", "any": "any", "none": "none"}.get(choice or "auto", "auto")


def _format(response_format: dict[str, Any] | None) -> tuple[dict[str, Any] | None, bool]:
    if not response_format:
        return None, False
    described = response_format.get("json_schema")
    if response_format.get("type") == "json_schema" and isinstance(described, dict):
        schema = described.get("schema")
        return (schema if isinstance(schema, dict) else {}), False
    return None, response_format.get("type") == "json_object"
