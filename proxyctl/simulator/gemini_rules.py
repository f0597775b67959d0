"""What Gemini refuses in a request that parses: turns, signatures, model limits (wire notes 2026-11).

Each rule yields the text of a 400 INVALID_ARGUMENT. The request comes normalised (camelCase).
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.models import Model

SENTINEL = "skip_thought_signature_validator"
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:\-]{0,127}")
_MARK = b"sim-thought:"
_MODES = {"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"}
_DATA = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
}
Json = dict[str, Any]


def sign(model: Model, seed: str) -> str:
    """A thought signature: base64, bound to the model."""
    return base64.b64encode(_MARK + f"{model.id}:{seed[:16]}".encode()).decode()


def complaints(request: Json, model: Model) -> Iterator[str]:
    contents = request.get("contents") or []
    if not contents:
        yield "* GenerateContentRequest.contents: contents is not specified\n"
    yield from _content_complaints(contents)
    yield from _turn_complaints(_turns(contents), model)
    if model.generation >= 3:
        yield from _signature_complaints(contents, model)
    yield from _tool_complaints(request, model)
    config = request.get("generationConfig") or {}
    yield from _config_complaints(config, model)
    yield from _thinking_complaints(config.get("thinkingConfig") or {}, model)
    if request.get("cachedContent"):
        if any(request.get(name) for name in ("systemInstruction", "tools", "toolConfig")):
            yield "CachedContent can not be used with a request setting system_instruction, tools or tool_config."
        else:
            yield "CachedContent not found (or permission denied)"


def _content_complaints(contents: list[Json]) -> Iterator[str]:
    for index, content in enumerate(contents):
        if content.get("role", "user") not in {"user", "model"}:
            yield "Please use a valid role: user, model."
        parts = content.get("parts") or []
        if not parts:
            yield f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
        for number, part in enumerate(parts):
            if len(_DATA & part.keys()) != 1:
                place = f"contents[{index}].parts[{number}].data"
                yield f"* GenerateContentRequest.{place}: required oneof field 'data' must have one initialized field\n"


def _calls(content: Json) -> list[Json]:
    return [part for part in content.get("parts") or [] if "functionCall" in part]


def _responses(content: Json) -> list[Json]:
    return [part["functionResponse"] for part in content.get("parts") or [] if "functionResponse" in part]


def _turns(contents: list[Json]) -> list[Json]:
    """Contents with neighbours of one role put together.

    Google's own SDKs send the pieces of a streamed model turn back as contents of their own, so the order of turns is
    judged without regard to that. Signatures are not: each content with calls counts as a step (js-genai#1275).
    """
    turns: list[Json] = []
    for content in contents:
        if turns and turns[-1].get("role", "user") == content.get("role", "user"):
            turns[-1] = {**content, "parts": [*(turns[-1].get("parts") or []), *(content.get("parts") or [])]}
        else:
            turns.append(content)
    return turns


def _turn_complaints(contents: list[Json], model: Model) -> Iterator[str]:
    for index, content in enumerate(contents):
        calls, responses = _calls(content), _responses(content)
        if calls and index == 0:
            yield (
                "Please ensure that function call turn comes immediately after a user turn or "
                "after a function response turn."
            )
        before = _calls(contents[index - 1]) if index else []
        if before or responses:
            if len(before) != len(responses):
                yield (
                    "Please ensure that the number of function response parts is equal to the number of "
                    "function call parts of the function call turn."
                )
            yield from _pair_complaints([part["functionCall"] for part in before], responses, model)
    if contents and _calls(contents[-1]):
        yield "Please ensure that a function call turn is followed by a function response turn."
    last = contents[-1] if contents else {}
    if model.generation >= 3.6 and last.get("role") == "model" and any(p.get("text") for p in last.get("parts") or []):
        yield "The last content must not be a model turn: prefilling is not supported by this model."


def _pair_complaints(calls: list[Json], responses: list[Json], model: Model) -> Iterator[str]:
    names = [call.get("name") for call in calls]
    for response in responses:
        if not response.get("name"):
            yield "* GenerateContentRequest.contents.parts.function_response.name: Name cannot be empty.\n"
        elif response["name"] not in names:
            yield f"Function response `{response['name']}` does not match a function call of the preceding turn."
        if "response" not in response:
            yield "* GenerateContentRequest.contents.parts.function_response.response: must be set.\n"
        if response.get("parts") and model.generation < 3:
            yield "Multimodal function responses are not supported by this model."
    known = {call.get("id") for call in calls} - {None}
    for identifier in (entry["id"] for entry in (*calls, *responses) if "id" in entry):
        if model.generation < 3:
            yield "Function call ids are not supported by this model."
        elif identifier not in known:
            yield f"Function response id `{identifier}` does not match any function call id of the preceding turn."


def _signature_complaints(contents: list[Json], model: Model) -> Iterator[str]:
    """The first call of every step of the current turn is signed; any signature is ours and this model's."""
    starts = [
        index
        for index, content in enumerate(contents)
        if content.get("role", "user") == "user" and not _responses(content)
    ]
    current = contents[starts[-1] if starts else 0 :]
    for index, content in enumerate(current):
        calls = _calls(content)
        if calls and not calls[0].get("thoughtSignature"):
            name = calls[0]["functionCall"].get("name")
            yield (
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                f"work correctly. Function call `default_api:{name}`, position {index + 1}."
            )
        for part in content.get("parts") or []:
            yield from _check_signature(part.get("thoughtSignature"), model)


def _check_signature(signature: str | None, model: Model) -> Iterator[str]:
    if not signature or signature == SENTINEL:
        return
    plain = signature.rstrip("=").replace("-", "+").replace("_", "/")
    raw = base64.b64decode(plain + "=" * (-len(plain) % 4))
    if not raw.startswith(_MARK):
        yield "Corrupted thought signature."
    elif not raw.removeprefix(_MARK).startswith(model.id.encode() + b":"):
        yield "Thought signature is not valid."


def _tool_complaints(request: Json, model: Model) -> Iterator[str]:
    declared = [entry for tool in request.get("tools") or [] for entry in tool.get("functionDeclarations") or []]
    for index, declaration in enumerate(declared):
        place = f"* GenerateContentRequest.tools[0].function_declarations[{index}]"
        if _FUNCTION_NAME.fullmatch(declaration.get("name", "")) is None:
            yield f"{place}.name: Invalid function name. Must start with a letter or an underscore.\n"
        if "parameters" in declaration and "parametersJsonSchema" in declaration:
            yield f"{place}: parameters and parameters_json_schema cannot both be set.\n"
        if "parameters" in declaration:
            yield from schema_complaints(declaration["parameters"], f"{place}.parameters", model)
    calling = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode = calling.get("mode", "AUTO")
    if mode not in _MODES:
        yield f"Invalid value at 'tool_config.function_calling_config.mode', \"{mode}\""
    allowed = calling.get("allowedFunctionNames") or []
    if allowed and mode not in {"ANY", "VALIDATED"}:
        yield "allowed_function_names is only supported for the ANY and VALIDATED modes."
    if allowed and not set(allowed) <= {entry.get("name") for entry in declared}:
        yield "allowed_function_names contains a function that is not declared."
    mime = (request.get("generationConfig") or {}).get("responseMimeType")
    if declared and mime == "application/json" and model.generation < 3:
        yield "Function calling with a response mime type: 'application/json' is unsupported"


def schema_complaints(schema: Json, place: str, model: Model) -> Iterator[str]:
    kind = str(schema.get("type", "")).upper()
    if kind != "OBJECT" and (schema.get("properties") is not None or schema.get("required")):
        yield f"{place}.properties: only allowed for OBJECT type\n"
    if kind == "OBJECT" and not schema.get("properties") and model.generation < 3:
        yield f"{place}.properties: should be non-empty for OBJECT type\n"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{place}.items: missing field.\n"
    for name, entry in (schema.get("properties") or {}).items():
        yield from schema_complaints(entry, f"{place}.properties[{name}]", model)
    for name in schema.get("required") or ():
        if name not in (schema.get("properties") or {}):
            yield f"{place}.required: property is not defined: {name}\n"
    if "items" in schema:
        yield from schema_complaints(schema["items"], f"{place}.items", model)


def _config_complaints(config: Json, model: Model) -> Iterator[str]:
    for name, low, high in (("temperature", 0, 2), ("topP", 0, 1)):
        if name in config and not low <= config[name] <= high:
            yield f"* GenerateContentRequest.generation_config.{name}: must be in the range [{low}, {high}].\n"
    if "maxOutputTokens" in config and not 1 <= config["maxOutputTokens"] <= model.output:
        yield f"Unable to submit request because it has a maxOutputTokens value outside of 1 to {model.output}."
    if len(config.get("stopSequences") or ()) > 5:
        yield "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed.\n"
    if config.get("candidateCount", 1) > 1 and model.generation >= 3:
        yield "Multiple candidates is not enabled for this model"
    if model.generation >= 3 and ("presencePenalty" in config or "frequencyPenalty" in config):
        yield "Penalty is not enabled for this model"
    yield from _format_complaints(config, model)


def _format_complaints(config: Json, model: Model) -> Iterator[str]:
    if "responseSchema" in config and "responseJsonSchema" in config:
        yield "response_schema and response_json_schema cannot both be set."
    mime = config.get("responseMimeType", "text/plain")
    if mime not in {"text/plain", "application/json", "text/x.enum"}:
        yield f"Unsupported response mime type: '{mime}'"
    if mime == "text/plain" and ("responseSchema" in config or "responseJsonSchema" in config):
        yield "response_schema can only be used with response_mime_type 'application/json' or 'text/x.enum'."
    if "responseSchema" in config:
        yield from schema_complaints(config["responseSchema"], "* GenerateContentRequest.generation_config", model)


def _thinking_complaints(thinking: Json, model: Model) -> Iterator[str]:
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if level is not None and budget is not None:
        yield "You can only set only one of thinking budget and thinking level."
    if level is not None and model.budget is not None:
        yield "Thinking level is not supported for this model."
    elif level is not None and level not in model.thinking:
        yield f"Thinking level {level} is not supported for this model. Supported: {', '.join(model.thinking)}"
    if budget is not None and budget != -1 and model.budget is not None:
        low, high = model.budget
        if not low <= budget <= high or (0 < budget < 512 and model.id.endswith("-lite")):
            yield f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}."
