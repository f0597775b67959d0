"""Encode a repaired history as chat-completion messages.

Tool results become tool messages; what they hold beside text follows in one user message behind all of them, because
a tool message takes text only. Source: wire notes 2026-11, "content parts" and "tools".
"""

from __future__ import annotations

from collections.abc import Sequence

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
from proxyctl.dialects.base import Fields
from proxyctl.dialects.calls import miss_signature, object_arguments
from proxyctl.dialects.data_url import data_url
from proxyctl.dialects.names import ToolNames, fitted_id
from proxyctl.dialects.sources import not_sent_back
from proxyctl.dialects.traits import ModelTraits


def encode_messages(
    system: Sequence[TextPart], messages: Sequence[Message], traits: ModelTraits, names: ToolNames, losses: Losses
) -> list[Fields]:
    """`messages` must be `repaired`. Raises `UnsupportedError` for media that the target does not take."""
    writer = _Writer(traits, names, losses)
    writer.instruct(system)
    for index, message in enumerate(messages):
        writer.write(message, f"messages[{index}]")
    if messages and messages[-1].role == "assistant" and not traits.prefill:
        raise UnsupportedError("this model does not continue an assistant message", param="messages")
    return writer.written


class _Writer:
    """The messages written so far, with what their writing needs."""

    def __init__(self, traits: ModelTraits, names: ToolNames, losses: Losses) -> None:
        self._traits = traits
        self._names = names
        self._losses = losses
        self.written: list[Fields] = []

    def instruct(self, parts: Sequence[TextPart]) -> None:
        """Write a system message: one text, unless parts of it are marked for a target that knows the marks."""
        said = [part for part in parts if part.text]
        if self._traits.cache_marks and any(part.cache_ttl for part in said):
            content: object = [self._text(part) for part in said]
        else:
            content = "\n\n".join(part.text for part in said)
        if said:
            self.written.append({"role": self._traits.system_role, "content": content})

    def write(self, message: Message, path: str) -> None:
        if message.role == "system":
            self.instruct([part for part in message.parts if isinstance(part, TextPart)])
        elif message.role == "assistant":
            self._assistant(message, path)
        else:
            self._user(message, path)

    def _assistant(self, message: Message, path: str) -> None:
        not_sent_back(message.parts, self._losses, path)
        texts: list[str] = []
        calls: list[Fields] = []
        thoughts: list[str] = []
        for part in message.parts:
            match part:
                case TextPart() | RefusalPart():
                    texts.append(part.text)
                case ToolCallPart():
                    calls.append(self._call(part))
                case ThinkingPart():
                    thoughts += self._thoughts(part, path)
                case _:
                    self._left_out(part, path)
        text = "".join(texts)
        if not text and not calls:
            return
        document: Fields = {"role": "assistant", "content": text or None}
        field = self._traits.reasoning_in
        if field is not None and (thoughts or (calls and self._traits.reasoning_required)):
            document[field] = "\n".join(thoughts) or " "
        if calls:
            document["tool_calls"] = calls
        self.written.append(document)

    def _thoughts(self, part: ThinkingPart, path: str) -> list[str]:
        """Thinking goes back only where the target asks for it, and never another provider's."""
        if self._traits.reasoning_in is not None and part.signature is None and part.text:
            return [part.text]
        self._losses.add(path, "thinking was left out: the target does not take it back")
        return []

    def _call(self, call: ToolCallPart) -> Fields:
        miss_signature(call, self._losses)
        arguments = object_arguments(call, self._losses)
        function = {"name": self._names.forward(call.name), "arguments": arguments}
        return {"id": fitted_id(call.id), "type": "function", "function": function}

    def _user(self, message: Message, path: str) -> None:
        content: list[Fields] = []
        for part in message.parts:
            if isinstance(part, ToolResultPart):
                self._result(part, path, content)
        for part in message.parts:
            if not isinstance(part, ToolResultPart):
                content += self._content(part, path)
        if len(content) == 1 and content[0].keys() == {"type", "text"}:
            self.written.append({"role": "user", "content": content[0]["text"]})
        elif content:
            self.written.append({"role": "user", "content": content})

    def _result(self, result: ToolResultPart, path: str, moved: list[Fields]) -> None:
        """Write the tool message; media go to `moved`, for the user message behind the batch."""
        texts: list[str] = []
        media: list[Fields] = []
        for part in result.parts:
            if isinstance(part, TextPart):
                texts.append(part.text)
            else:
                media += self._content(part, path)
        if media:
            self._losses.add(f"tool result {result.call_id}", "its images or files follow in a user message")
            kind = "Image" if all(entry["type"] == "image_url" for entry in media) else "File"
            moved += [{"type": "text", "text": f"{kind} returned by tool {result.name}:"}, *media]
            texts = texts or [f"({kind.lower()} in the next message)"]
        text = "\n".join(texts)
        if result.is_error:
            self._losses.add(f"tool result {result.call_id}", "the error flag became a prefix of its text")
            text = f"Error: {text}"
        content: object = text
        if self._traits.cache_marks and (ttl := _mark_of(result)) is not None:
            content = [self._text(TextPart(text=text, cache_ttl=ttl))]
        self.written.append({"role": "tool", "tool_call_id": fitted_id(result.call_id), "content": content})

    def _content(self, part: Part, path: str) -> list[Fields]:
        match part:
            case TextPart():
                return [self._text(part)] if part.text else []
            case RefusalPart():
                return [{"type": "text", "text": part.text}] if part.text else []
            case ImagePart():
                return [self._marked(self._image(part, path), part.cache_ttl)]
            case DocumentPart():
                return [self._marked(self._document(part, path), part.cache_ttl)]
            case AudioPart():
                if not self._traits.audio:
                    raise UnsupportedError("this model takes no audio", param=path)
                return [_audio(part, path)]
            case VideoPart():
                raise UnsupportedError("video cannot be sent in this target's dialect", param=path)
            case _:
                self._left_out(part, path)
                return []

    def _text(self, part: TextPart) -> Fields:
        return self._marked({"type": "text", "text": part.text}, part.cache_ttl)

    def _marked(self, entry: Fields, ttl: str | None) -> Fields:
        if ttl is not None and self._traits.cache_marks:
            entry["cache_control"] = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": "1h"}
        return entry

    def _image(self, part: ImagePart, path: str) -> Fields:
        if not self._traits.images:
            raise UnsupportedError("this model takes no images", param=path)
        if part.url is not None and not self._traits.image_urls:
            raise UnsupportedError(
                "this target takes images as data only", hint="send the image as a data URL", param=path
            )
        image: Fields = {"url": part.url or data_url(part.media_type, part.data or "")}
        if part.detail is not None:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}

    def _document(self, part: DocumentPart, path: str) -> Fields:
        if part.text is not None:
            text = f"{part.title}:\n{part.text}" if part.title else part.text
            return {"type": "text", "text": text}
        if not self._traits.documents or part.data is None:
            raise UnsupportedError("this model takes no documents of this kind", param=path)
        media = part.media_type or "application/pdf"
        return {"type": "file", "file": {"filename": part.title or "document", "file_data": data_url(media, part.data)}}

    def _left_out(self, part: Part, path: str) -> None:
        label = part.label if isinstance(part, OpaquePart) else type(part).__name__
        self._losses.add(path, f"{label} cannot be said in the target's dialect")


def _mark_of(result: ToolResultPart) -> str | None:
    """The cache mark of a tool's result: its own, or that of the last part in it that has one."""
    marks = [result.cache_ttl, *(part.cache_ttl for part in result.parts)]
    return next((mark for mark in reversed(marks) if mark is not None), None)


def _audio(part: AudioPart, path: str) -> Fields:
    kind = part.media_type.removeprefix("audio/")
    if kind not in ("wav", "mp3"):
        raise UnsupportedError(f"{part.media_type} cannot be sent in this target's dialect", param=path)
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}
