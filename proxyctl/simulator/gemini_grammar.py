"""The shape of a Gemini request, as proto-JSON checks it: known names only, camelCase or snake_case, typed values.

`normalise` returns the same request with camelCase names, or raises `GrammarError` in the provider's words. Free-form
values (`args`, `response`, JSON Schemas) are left as they are. Field lists: wire notes 2026-11.
"""

import base64
import binascii
import re
from typing import Any

# "[]X" is a list of X. A name that is no message here is a scalar: string, bool, int, number, bytes, any, object, map.
MESSAGES: dict[str, dict[str, str]] = {
    "Request": {
        "model": "string",
        "contents": "[]Content",
        "systemInstruction": "Content",
        "tools": "[]Tool",
        "toolConfig": "ToolConfig",
        "safetySettings": "[]SafetySetting",
        "cachedContent": "string",
        "generationConfig": "GenerationConfig",
        "serviceTier": "string",
        "store": "bool",
        "labels": "object",
        "continuationToken": "string",
    },
    "CountRequest": {"model": "string", "contents": "[]Content", "generateContentRequest": "Request"},
    "Content": {"role": "string", "parts": "[]Part"},
    "Part": {
        "text": "string",
        "thought": "bool",
        "thoughtSignature": "bytes",
        "inlineData": "Blob",
        "fileData": "FileData",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        "executableCode": "object",
        "codeExecutionResult": "object",
        "toolCall": "object",
        "toolResponse": "object",
        "videoMetadata": "object",
        "mediaResolution": "any",
        "partMetadata": "object",
    },
    "Blob": {"mimeType": "string", "data": "bytes", "displayName": "string"},
    "FileData": {"mimeType": "string", "fileUri": "string", "displayName": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "object"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "object",
        "parts": "[]Part",
        "willContinue": "bool",
        "scheduling": "string",
    },
    "Tool": {
        "functionDeclarations": "[]FunctionDeclaration",
        "googleSearch": "object",
        "googleSearchRetrieval": "object",
        "urlContext": "object",
        "codeExecution": "object",
        "fileSearch": "object",
        "googleMaps": "object",
        "computerUse": "object",
        "mcpServers": "any",
    },
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "parameters": "Schema",
        "parametersJsonSchema": "any",
        "response": "Schema",
        "responseJsonSchema": "any",
        "behavior": "string",
    },
    "ToolConfig": {
        "functionCallingConfig": "FunctionCallingConfig",
        "retrievalConfig": "object",
        "includeServerSideToolInvocations": "bool",
    },
    "FunctionCallingConfig": {"mode": "string", "allowedFunctionNames": "[]string"},
    "SafetySetting": {"category": "string", "threshold": "string"},
    "GenerationConfig": {
        "temperature": "number",
        "topP": "number",
        "topK": "number",
        "candidateCount": "int",
        "maxOutputTokens": "int",
        "stopSequences": "[]string",
        "responseMimeType": "string",
        "responseSchema": "Schema",
        "responseJsonSchema": "any",
        "responseModalities": "[]string",
        "presencePenalty": "number",
        "frequencyPenalty": "number",
        "seed": "int",
        "responseLogprobs": "bool",
        "logprobs": "int",
        "mediaResolution": "string",
        "speechConfig": "object",
        "imageConfig": "object",
        "thinkingConfig": "ThinkingConfig",
    },
    "ThinkingConfig": {"includeThoughts": "bool", "thinkingBudget": "int", "thinkingLevel": "string"},
    "Schema": {
        "type": "string",
        "format": "string",
        "title": "string",
        "description": "string",
        "nullable": "bool",
        "default": "any",
        "enum": "[]string",
        "items": "Schema",
        "minItems": "int",
        "maxItems": "int",
        "properties": "map",
        "required": "[]string",
        "propertyOrdering": "[]string",
        "minProperties": "int",
        "maxProperties": "int",
        "minimum": "number",
        "maximum": "number",
        "minLength": "int",
        "maxLength": "int",
        "pattern": "string",
        "anyOf": "[]Schema",
        "example": "any",
        "additionalProperties": "any",
        "$defs": "map",
        "$ref": "string",
    },
}
_SNAKE = re.compile(r"_([a-z0-9])")


class GrammarError(Exception):
    """The payload does not parse; the text is the provider's."""


def normalise(message: str, value: Any) -> dict[str, Any]:
    """`value` as a message of that type, names in camelCase."""
    return _message(message, value, "")


def camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found.group(1).upper(), name) if "_" in name else name


def _message(message: str, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad_value(path, message, value)
    fields = MESSAGES[message]
    read: dict[str, Any] = {}
    for name, entry in value.items():
        known = camel(name)
        kind = fields.get(known)
        if kind is None:
            where = f" at '{path}'" if path else ""
            raise GrammarError(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')
        if entry is None:
            continue  # proto-JSON reads null as "not set"
        here = f"{path}.{_snake(known)}" if path else _snake(known)
        if known in read:
            raise GrammarError(f"Invalid value at '{here}' (oneof), oneof field is already set.")
        read[known] = _value(kind, entry, here)
    return read


def _value(kind: str, value: Any, path: str) -> Any:
    if kind.startswith("[]"):
        # One object where a list is due is taken as a list of one.
        entries = value if isinstance(value, list) else [value]
        return [_value(kind[2:], entry, f"{path}[{index}]") for index, entry in enumerate(entries)]
    if kind in MESSAGES:
        return _message(kind, value, path)
    if kind == "map":
        if not isinstance(value, dict):
            raise _bad_value(path, kind, value)
        return {name: _message("Schema", entry, f"{path}[{name}]") for name, entry in value.items()}
    return _scalar(kind, value, path)


def _scalar(kind: str, value: Any, path: str) -> Any:
    match kind:
        case "any":
            return value
        case "object" if isinstance(value, dict):
            return value
        case "string" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "int" if isinstance(value, float) and value.is_integer():
            return int(value)
        case "int" if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        case "bytes" if isinstance(value, str) and _decodes(value):
            return value
        case _:
            raise _bad_value(path, kind, value)


def _decodes(value: str) -> bool:
    """Standard or URL-safe base64, padded or not."""
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _bad_value(path: str, kind: str, value: Any) -> GrammarError:
    shown = f'"{value[:40]}"' if isinstance(value, str) else type(value).__name__
    return GrammarError(f"Invalid value at '{path or kind}' ({kind}), {shown}")


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found.group(1).lower(), name)
