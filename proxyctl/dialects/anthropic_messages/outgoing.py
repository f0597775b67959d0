"""Encode a repaired history as messages: alternating turns of blocks, tool results first.

Thinking is sent back only with a signature that this dialect made, byte for byte; anything else is refused by the
provider. Source: wire notes 2026-11, "content parts", "tools", "reasoning".
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from proxyctl.core.chat import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages.cache import mark
from proxyctl.dialects.anthropic_messages.citations import told_again
from proxyctl.dialects.base import Fields
from proxyctl.dialects.calls import miss_signature, object_arguments
from proxyctl.dialects.names import ToolNames, fitted_id
from proxyctl.dialects.traits import ModelTraits

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_ID_LIMIT = 128
_OPENING = "(The conversation continues.)"


def encode_messages(messages: Sequence[Message], traits: ModelTraits, names: ToolNames, losses: Losses) -> list[Fields]:
    """`messages` must be `repaired`. Raises `UnsupportedError` for what the model or the dialect does not take."""
    writer = _Writer(traits, names, losses)
    turns: list[Fields] = []
    for index, message in enumerate(messages):
        blocks = writer.blocks(message, f"messages[{index}]")
        if not blocks:
            continue
        if turns and turns[-1]["role"] == message.role and message.role != "system":
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": message.role, "content": blocks})
    if turns and turns[0]["role"] == "assistant":
        losses.add("messages", "the conversation began with the assistant: a user turn was put before it")
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": _OPENING}]})
    if turns and turns[-1]["role"] == "assistant":
        _check_prefill(turns[-1], traits)
    return turns


def _check_prefill(turn: Fields, traits: ModelTraits) -> None:
    if not traits.prefill:
        raise UnsupportedError(
            "this model does not continue an assistant message",
            hint="end the conversation with a user message",
            param="messages",
        )
    last = turn["content"][-1]
    if last["type"] == "text":
        last["text"] = last["text"].rstrip() or "."


class _Writer:
    """Blocks of one request's messages, with what their writing needs."""

    def __init__(self, traits: ModelTraits, names: ToolNames, losses: Losses) -> None:
        self._traits = traits
        self._names = names
        self._losses = losses

    def blocks(self, message: Message, path: str) -> list[Fields]:
        blocks: list[Fields] = []
        for part in message.parts:
            block = self._block(part, path)
            if block is not None:
                blocks.append(block)
        return blocks

    def _block(self, part: Part, path: str) -> Fields | None:
        match part:
            case TextPart():
                return self._said(part, path)
            case RefusalPart():
                return _text(part.text, None)
            case ToolCallPart():
                return self._call(part)
            case ToolResultPart():
                return self._result(part, path)
            case ThinkingPart():
                return self._thinking(part, path)
            case ImagePart():
                return self._image(part, path)
            case DocumentPart():
                return self._document(part, path)
            case OpaquePart():
                return self._opaque(part, path)
            case AudioPart() | VideoPart():
                raise UnsupportedError(f"this target takes no {part.media_type}", param=path)

    def _said(self, part: TextPart, path: str) -> Fields | None:
        block = _text(part.text, part.cache_ttl)
        own = told_again(part.citations, self._losses, f"{path}.citations")
        return {**block, "citations": own} if block is not None and own else block

    def _opaque(self, part: OpaquePart, path: str) -> Fields | None:
        if part.dialect != "anthropic-messages":
            self._losses.add(path, f"{part.label} cannot be said in the target's dialect")
            return None
        block: Fields = msgspec.json.decode(part.raw)
        return block

    def _call(self, call: ToolCallPart) -> Fields:
        if call.signature is not None and call.signature.origin != "anthropic-messages":
            miss_signature(call, self._losses)
        block: Fields = {
            "type": "tool_use",
            "id": fitted_id(call.id, limit=_ID_LIMIT),
            "name": self._names.forward(call.name),
            "input": Raw(object_arguments(call, self._losses).encode("utf-8", "replace")),
        }
        return mark(block, call.cache_ttl)

    def _result(self, result: ToolResultPart, path: str) -> Fields:
        inner = [written for part in result.parts if (written := self._block(part, path)) is not None]
        block: Fields = {"type": "tool_result", "tool_use_id": fitted_id(result.call_id, limit=_ID_LIMIT)}
        if inner:
            block["content"] = inner
        if result.is_error:
            block["is_error"] = True
        return mark(block, result.cache_ttl)

    def _thinking(self, part: ThinkingPart, path: str) -> Fields | None:
        if part.redacted is not None:
            return {"type": "redacted_thinking", "data": part.redacted}
        if part.signature is not None and part.signature.origin == "anthropic-messages":
            return {"type": "thinking", "thinking": part.text, "signature": part.signature.value}
        self._losses.add(path, "thinking without Anthropic's own signature is not sent back")
        return None

    def _image(self, part: ImagePart, path: str) -> Fields:
        if not self._traits.images:
            raise UnsupportedError("this model takes no images", param=path)
        if part.url is not None:
            if not self._traits.image_urls:
                raise UnsupportedError("this target takes images as data only", param=path)
            return mark({"type": "image", "source": {"type": "url", "url": part.url}}, part.cache_ttl)
        if part.media_type not in _IMAGES:
            raise UnsupportedError(f"this target takes no {part.media_type}", param=path)
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
        return mark({"type": "image", "source": source}, part.cache_ttl)

    def _document(self, part: DocumentPart, path: str) -> Fields:
        if not self._traits.documents:
            raise UnsupportedError("this model takes no documents", param=path)
        if part.text is not None:
            source: Fields = {"type": "text", "media_type": "text/plain", "data": part.text}
        elif part.url is not None:
            source = {"type": "url", "url": part.url}
        elif part.media_type in (None, "application/pdf"):
            source = {"type": "base64", "media_type": "application/pdf", "data": part.data}
        else:
            raise UnsupportedError(f"this target takes no {part.media_type}", param=path)
        block: Fields = {"type": "document", "source": source}
        if part.title is not None:
            block["title"] = part.title
        return mark(block, part.cache_ttl)


def _text(text: str, ttl: str | None) -> Fields | None:
    """A text block; blank ones are refused by the provider and say nothing."""
    return mark({"type": "text", "text": text}, ttl) if text.strip() else None
