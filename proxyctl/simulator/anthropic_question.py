"""Read an Anthropic Messages request, already checked, as the question that it asks."""

from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.anthropic_turns import blocks_of
from proxyctl.simulator.models import Model
from proxyctl.simulator.provider import base64_size, text_in
from proxyctl.simulator.script import Image, Question, Tool, ToolResult

Json = dict[str, Any]


def _thinks(body: Json, model: Model) -> bool:
    kind = (body.get("thinking") or {}).get("type")
    return model.thinks_by_default if kind is None else kind in {"enabled", "adaptive"}


def read_question(body: Json, model: Model, seed: str) -> Question:
    messages = [message for message in body["messages"] if message.get("role") != "system"]
    last = blocks_of(messages[-1]) if messages else []
    asked = [message for message in messages if message["role"] == "user" and _said(blocks_of(message))]
    choice = body.get("tool_choice") or {}
    tools = [tool for tool in body.get("tools") or [] if tool.get("type", "custom") == "custom"]
    wanted = (body.get("output_config") or {}).get("format") or {}
    return Question(
        model=model.id,
        user_text=_said(blocks_of(asked[-1])) if asked else "",
        prompt=_prompt(body),
        seed=seed,
        images=tuple(_images(last)),
        tools=tuple(Tool(tool["name"], tool["input_schema"]) for tool in tools),
        results=tuple(_results(last, messages)),
        choice=f"tool:{choice['name']}" if choice.get("type") == "tool" else choice.get("type", "auto"),
        parallel=not choice.get("disable_parallel_tool_use"),
        max_tokens=body.get("max_tokens"),
        stop=tuple(body.get("stop_sequences") or ()),
        schema=wanted.get("schema"),
        thinks=_thinks(body, model),
    )


def _said(blocks: list[Json]) -> str:
    return "".join([str(block.get("text", "")) for block in blocks if block.get("type") == "text"])


def _prompt(body: Json) -> str:
    system = body.get("system")
    pieces = [system if isinstance(system, str) else _said(system or []), text_in(body.get("tools"))]
    for message in body["messages"]:
        for block in blocks_of(message):
            pieces.append(str(block.get("text", "")))
            pieces.append(text_in(block.get("input")))
            pieces.append(_result_text(block.get("content")))
    return "".join(pieces)


def _result_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return _said([block for block in content or [] if isinstance(block, dict)])


def _images(blocks: list[Json]) -> Iterator[Image]:
    for block in blocks:
        inner = block.get("content")
        if block.get("type") == "image":
            source = block["source"]
            size = base64_size(source["data"]) if source["type"] == "base64" else None
            yield Image(source.get("media_type", "address"), size)
        elif block.get("type") == "tool_result" and isinstance(inner, list):
            yield from _images(inner)


def _results(last: list[Json], messages: list[Json]) -> Iterator[ToolResult]:
    names = {block.get("id"): block.get("name") for message in messages for block in blocks_of(message)}
    for block in last:
        if block.get("type") == "tool_result":
            name = names.get(block.get("tool_use_id")) or "tool"
            yield ToolResult(str(name), _result_text(block.get("content")))
