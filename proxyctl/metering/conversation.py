"""How many tokens a prompt may have, from the conversation itself: for counting where no provider counts.

Text by its letters, and what a chat template adds to each message and tool; media by its kind, since no text can tell.
Nothing is refused, cut or billed by these numbers: whoever is told one is told that it is an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from proxyctl.core.chat import (
    AudioPart,
    ChatRequest,
    DocumentPart,
    ImagePart,
    OpaquePart,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from proxyctl.metering.estimate import estimate_body, estimate_tokens

_MESSAGE = 4
"""What a chat template writes round a message: its role and its end."""
_TOOL = 8
_IMAGE = 1000
"""Providers count from 258 to 1,600 for an image of ordinary size."""
_PAGE = 1500
_PAGE_BYTES = 50_000
"""A page of a PDF, in tokens and in bytes of the file."""
_AUDIO_BYTES_PER_TOKEN = 500
_VIDEO = 5000
_MEDIA = (ImagePart, DocumentPart, AudioPart, VideoPart)
Media: TypeAlias = ImagePart | DocumentPart | AudioPart | VideoPart


def estimate_conversation(request: ChatRequest, scale: float = 1.0) -> int:
    """Return the tokens of a whole prompt: system text, messages, tools and the schema of the answer.

    `scale` is what the estimate of its text is multiplied by, from `Calibration`; media go by their kind alone.
    """
    media = sum(map(_media, _media_in(request)))
    return max(1, math.ceil(_text(request) * scale + media))


def estimate_text(request: ChatRequest) -> int | None:
    """Return the tokens of a prompt that is nothing but text, `None` when there is more in it."""
    return None if any(True for _ in _media_in(request)) else math.ceil(_text(request))


def _text(request: ChatRequest) -> float:
    total = sum(estimate_tokens(part.text) for part in request.system)
    total += _MESSAGE * bool(request.system)
    for message in request.messages:
        total += _MESSAGE + sum(map(_part, message.parts))
    total += sum(map(_tool, request.tools))
    if request.format is not None and request.format.schema is not None:
        total += _json(request.format.schema)
    return total


def _media_in(request: ChatRequest) -> Iterator[Media]:
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, _MEDIA):
                yield part
            elif isinstance(part, ToolResultPart):
                yield from (inner for inner in part.parts if isinstance(inner, _MEDIA))


def _part(part: Part) -> float:
    match part:
        case TextPart() | RefusalPart() | ThinkingPart():
            return estimate_tokens(part.text)
        case ToolCallPart():
            return _TOOL + estimate_tokens(part.name) + estimate_tokens(part.arguments)
        case ToolResultPart():
            return _TOOL + sum(map(_part, part.parts))
        case OpaquePart():
            return estimate_body(part.raw)
        case _:
            return 0.0


def _media(part: Media) -> float:
    match part:
        case ImagePart():
            return _IMAGE
        case DocumentPart():
            if part.text is not None:
                return estimate_tokens(part.text)
            return _PAGE * max(1, math.ceil(_size(part.data) / _PAGE_BYTES))
        case AudioPart():
            return _size(part.data) / _AUDIO_BYTES_PER_TOKEN
        case VideoPart():
            return _VIDEO


def _tool(tool: Tool) -> float:
    described = estimate_tokens(tool.name) + estimate_tokens(tool.description or "")
    return _TOOL + described + (_json(tool.schema) if tool.schema else 0)


def _json(value: object) -> float:
    try:
        return estimate_body(msgspec.json.encode(value))
    except RecursionError:  # what could just be read can be too deep to be written: no estimate is worth a refusal
        return 0.0


def _size(data: str | None) -> int:
    """The bytes of base64 text."""
    return len(data) * 3 // 4 if data else 0
