"""Read a Gemini request, already normalised and checked, as the question that it asks."""

from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.models import Model
from proxyctl.simulator.provider import base64_size, text_in
from proxyctl.simulator.reply import encode
from proxyctl.simulator.script import Image, Question, Tool, ToolResult

Json = dict[str, Any]


def thinks(config: Json, model: Model) -> bool:
    thinking = config.get("thinkingConfig") or {}
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None:
        return bool(budget != 0)
    if level is not None:
        return bool(level != "MINIMAL")
    return model.thinks_by_default and "minimal-by-default" not in model.flags


def read_question(request: Json, name: str, seed: str, *, thinks: bool) -> Question:
    contents = request.get("contents") or []
    config = request.get("generationConfig") or {}
    declared = [entry for tool in request.get("tools") or [] for entry in tool.get("functionDeclarations") or []]
    calling = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames")
    tools = [
        Tool(entry["name"], entry.get("parametersJsonSchema") or entry.get("parameters") or {})
        for entry in declared
        if not allowed or entry["name"] in allowed
    ]
    asked = [content for content in contents if content.get("role", "user") == "user" and _said(content)]
    last = contents[-1] if contents else {}
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    return Question(
        model=name,
        user_text=_said(asked[-1]) if asked else "",
        prompt=_prompt(request),
        seed=seed,
        images=tuple(_images(last)),
        tools=tuple(tools),
        results=tuple(_results(last)),
        choice={"ANY": "any", "NONE": "none"}.get(calling.get("mode", ""), "auto"),
        max_tokens=config.get("maxOutputTokens"),
        stop=tuple(config.get("stopSequences") or ()),
        schema=schema if isinstance(schema, dict) else None,
        json_object=config.get("responseMimeType") == "application/json",
        thinks=thinks,
    )


def _said(content: Json) -> str:
    return "".join([part["text"] for part in content.get("parts") or [] if "text" in part])


def _prompt(request: Json) -> str:
    pieces = [_said(request.get("systemInstruction") or {}), text_in(request.get("tools"))]
    for content in request.get("contents") or []:
        for part in content.get("parts") or []:
            pieces.append(part.get("text", ""))
            pieces.append(text_in(part.get("functionCall")))
            pieces.append(text_in((part.get("functionResponse") or {}).get("response")))
    return "".join(pieces)


def _images(content: Json) -> Iterator[Image]:
    for part in content.get("parts") or []:
        inner = (part.get("functionResponse") or {}).get("parts") or []
        for entry in (part, *inner):
            if "inlineData" in entry:
                blob = entry["inlineData"]
                yield Image(blob.get("mimeType", "unknown"), base64_size(blob.get("data", "")))
            elif "fileData" in entry:
                yield Image(entry["fileData"].get("mimeType", "address"), None)


def _results(content: Json) -> Iterator[ToolResult]:
    for part in content.get("parts") or []:
        if "functionResponse" in part:
            response = part["functionResponse"]
            value = response.get("response") or {}
            said = value.get("output", value.get("result", value.get("error", value)))
            yield ToolResult(response.get("name", "tool"), said if isinstance(said, str) else encode(said).decode())
