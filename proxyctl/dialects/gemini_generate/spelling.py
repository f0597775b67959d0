"""Field names in either spelling of proto-JSON, told apart from what a caller named itself.

Google's API takes `inlineData` and `inline_data` alike. Requests that use the second are rewritten level by level to
the first before they are typed; below `args`, `response` and schemas the keys are the caller's own and not touched.
Source: wire notes 2026-11, "Google Gemini".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import Raw

Shape: TypeAlias = Mapping[str, "Shape"]
"""The fields of an object that hold objects (or lists of them) whose names are Google's; the other values are data."""

_NAMES = re.findall(
    r"\w+",
    """
    systemInstruction generationConfig toolConfig safetySettings cachedContent serviceTier continuationToken
    inlineData fileData functionCall functionResponse thoughtSignature executableCode codeExecutionResult
    toolCall toolResponse videoMetadata mediaResolution partMetadata mimeType fileUri displayName
    functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext googleMaps computerUse
    fileSearch mcpServers enterpriseWebSearch parametersJsonSchema responseJsonSchema functionCallingConfig
    allowedFunctionNames retrievalConfig includeServerSideToolInvocations maxOutputTokens topP topK
    candidateCount stopSequences responseMimeType responseSchema responseModalities presencePenalty
    frequencyPenalty responseLogprobs speechConfig imageConfig thinkingConfig includeThoughts thinkingBudget
    thinkingLevel
    """,
)
_HUMP = re.compile(r"[A-Z]")


def snake(name: str) -> str:
    return _HUMP.sub(lambda hump: "_" + hump.group().lower(), name)


_CAMEL = {snake(name): name for name in _NAMES}
_ANY = re.compile(('"(?:' + "|".join(_CAMEL) + ')"').encode())

_LEAF: Shape = {}
_PART: dict[str, Shape] = {
    "inlineData": _LEAF,
    "fileData": _LEAF,
    "functionCall": _LEAF,
    "functionResponse": {"parts": {"inlineData": _LEAF, "fileData": _LEAF}},
}
_CONTENT: Shape = {"parts": _PART}
CONFIG: Shape = {"thinkingConfig": _LEAF}
REQUEST: Shape = {
    "contents": _CONTENT,
    "systemInstruction": _CONTENT,
    "tools": {"functionDeclarations": _LEAF},
    "toolConfig": {"functionCallingConfig": _LEAF},
    "generationConfig": CONFIG,
}


def either(fields: Mapping[str, Raw], name: str) -> bytes:
    """A field's JSON text under either spelling, `null` when it is not there."""
    value = fields.get(name)
    if value is None:
        value = fields.get(snake(name))
    return b"null" if value is None else bytes(value)


def camel(text: bytes, shape: Shape) -> bytes:
    """The same JSON with Google's names in camelCase. Raises `msgspec.DecodeError` for what is no JSON."""
    return bytes(_rewritten(Raw(text), shape)) if _ANY.search(text) else text


def _rewritten(value: Raw, shape: Shape) -> Raw:
    text = bytes(value).lstrip()
    if text.startswith(b"["):
        items = [_rewritten(item, shape) for item in msgspec.json.decode(text, type=list[Raw])]
        return Raw(msgspec.json.encode(items))
    if not text.startswith(b"{"):
        return value
    fields: dict[str, Raw] = {}
    for written, inner in msgspec.json.decode(text, type=dict[str, Raw]).items():
        name = _CAMEL.get(written, written)
        fields[name] = _rewritten(inner, shape[name]) if name in shape else inner
    return Raw(msgspec.json.encode(fields))
