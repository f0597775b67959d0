"""A conversation as Cohere's v2 messages: the system first, a tool's result as its own message, the plan before calls.

Expects a history that `history.repaired` has put in order. A tool message holds text only, so pictures in a result
follow in a user message. Source: wire notes 2026-11, "Cohere v2" rules and "tools".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proxyctl.core.chat import (
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
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.calls import miss_signature, object_arguments
from proxyctl.dialects.data_url import data_url
from proxyctl.dialects.documents import plain_text
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.sources import not_sent_back
from proxyctl.dialects.traits import ModelTraits

WireMessage = dict[str, Any]
_ERROR_MARK = "Error: "


class MessageWriter:
    """Writes one request's conversation; `losses` grow as it does."""

    def __init__(self, traits: ModelTraits, names: ToolNames, losses: Losses) -> None:
        self._traits = traits
        self._names = names
        self._losses = losses

    def write(self, messages: Iterable[Message]) -> list[WireMessage]:
        """Return the messages behind the system's; empty ones are left out. Raises `UnsupportedError` for media."""
        written: list[WireMessage] = []
        for index, message in enumerate(messages):
            path = f"messages[{index}]"
            if message.role == "assistant":
                written += self._assistant(message.parts, path)
            else:
                written += self._user(message.parts, path)
        return written

    def _assistant(self, parts: Sequence[Part], path: str) -> list[WireMessage]:
        not_sent_back(parts, self._losses, path)
        thinking: list[dict[str, str]] = []
        texts: list[str] = []
        calls: list[dict[str, Any]] = []
        for part in parts:
            match part:
                case TextPart() | RefusalPart():
                    texts.append(part.text)
                case ThinkingPart():
                    thinking += self._thinking(part, path)
                case ToolCallPart():
                    calls.append(self._call(part))
                case _:
                    self._losses.add(path, "Cohere has no form for this part of an assistant message")
        text = "".join(texts)
        content: list[dict[str, str]] = list(thinking)
        message: WireMessage = {"role": "assistant"}
        if calls:
            message["tool_calls"] = calls
            if text:
                message["tool_plan"] = text
        elif text:
            content.append({"type": "text", "text": text})
        if thinking:
            message["content"] = content
        elif content:
            message["content"] = text
        return [message] if calls or text else []

    def _thinking(self, part: ThinkingPart, path: str) -> list[dict[str, str]]:
        if part.text and part.signature is None and self._traits.thinking != "none":
            return [{"type": "thinking", "thinking": part.text}]
        if part.text or part.signature is not None or part.redacted is not None:
            self._losses.add(path, "thinking that another provider signed, or the model cannot take, is not sent back")
        return []

    def _call(self, part: ToolCallPart) -> dict[str, Any]:
        miss_signature(part, self._losses)
        arguments = object_arguments(part, self._losses)
        return {
            "id": part.id,
            "type": "function",
            "function": {"name": self._names.forward(part.name), "arguments": arguments},
        }

    def _user(self, parts: Sequence[Part], path: str) -> list[WireMessage]:
        results: list[WireMessage] = []
        content: list[dict[str, Any]] = []
        for index, part in enumerate(parts):
            where = f"{path}.parts[{index}]"
            if isinstance(part, ToolResultPart):
                result, pictures = self._result(part, where)
                results.append(result)
                content += pictures
            elif (item := self._item(part, where)) is not None:
                content.append(item)
        if not content:
            return results
        texts = [item["text"] for item in content if item["type"] == "text"]
        plain = texts[0] if len(texts) == len(content) == 1 else content
        return [*results, {"role": "user", "content": plain}]

    def _item(self, part: Part, path: str) -> dict[str, Any] | None:
        match part:
            case TextPart() | RefusalPart():
                return {"type": "text", "text": part.text} if part.text else None
            case ImagePart():
                return self._image(part, path)
            case DocumentPart():
                text = plain_text(part)
                if text is None:
                    raise UnsupportedError("Cohere takes documents as plain text only.", param=path)
                return {"type": "text", "text": text}
            case OpaquePart():
                self._losses.add(path, f"{part.label} cannot be said in the target's dialect")
                return None
            case _:
                raise UnsupportedError("Cohere takes text and images only.", param=path)

    def _image(self, part: ImagePart, path: str) -> dict[str, Any]:
        if not self._traits.images:
            raise UnsupportedError("This model takes no images.", param=path)
        url = data_url(part.media_type or "image/png", part.data) if part.data is not None else part.url
        if url is None:
            raise UnsupportedError("An image needs data or a URL.", param=path)
        return {"type": "image_url", "image_url": {"url": url}}

    def _result(self, part: ToolResultPart, path: str) -> tuple[WireMessage, list[dict[str, Any]]]:
        """Return the tool message, and the pictures that follow in a user message, under a line naming the tool."""
        texts: list[str] = []
        pictures: list[dict[str, Any]] = []
        for inner in part.parts:
            if isinstance(inner, TextPart):
                texts.append(inner.text)
            elif isinstance(inner, ImagePart):
                pictures.append(self._image(inner, path))
            else:
                item = self._item(inner, path)
                texts += [item["text"]] if item else []
        if pictures:
            self._losses.add(path, "images of a tool result follow in a user message")
            pictures.insert(0, {"type": "text", "text": f"Image returned by tool {part.name or part.call_id}:"})
        if part.is_error:
            self._losses.add(path, "a failed tool result is marked in its text only")
        mark = _ERROR_MARK if part.is_error else ""
        return {"role": "tool", "tool_call_id": part.call_id, "content": mark + "\n".join(texts)}, pictures
