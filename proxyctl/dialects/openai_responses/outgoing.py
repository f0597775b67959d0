"""Encode a repaired history as input items.

A reasoning item goes back only if its proof is this dialect's own; its id is made of the proof, because the same
conversation must give the same bytes. Source: wire notes 2026-11, "content parts", "tools" and "reasoning".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b

import msgspec

from proxyctl.core.chat import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    RefusalPart,
    Signature,
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
from proxyctl.dialects.custom_tools import custom_input
from proxyctl.dialects.data_url import data_url
from proxyctl.dialects.names import ToolNames, fitted_id
from proxyctl.dialects.openai_responses.document import annotation, summary_part
from proxyctl.dialects.sources import is_cited
from proxyctl.dialects.traits import ModelTraits

_OWN = "openai-responses"


class ItemWriter:
    """The items written so far, with what their writing needs. `custom` are the names of the free-text tools."""

    def __init__(self, traits: ModelTraits, names: ToolNames, custom: Collection[str], losses: Losses) -> None:
        self._traits = traits
        self._names = names
        self._custom = custom
        self._losses = losses
        self.items: list[Fields] = []

    def write(self, messages: Sequence[Message]) -> list[Fields]:
        """`messages` must be `repaired`. Raises `UnsupportedError` for media that the target does not take."""
        for index, message in enumerate(messages):
            path = f"messages[{index}]"
            if message.role == "system":
                text = "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart) and part.text)
                self._say("developer", text)
            elif message.role == "assistant":
                self._assistant(message.parts, path)
            else:
                self._user(message.parts, path)
        return self.items

    def _say(self, role: str, text: str) -> None:
        if text:
            self.items.append({"role": role, "content": text})

    def _assistant(self, parts: Sequence[Part], path: str) -> None:
        texts: list[TextPart | RefusalPart] = []
        for part in parts:
            if isinstance(part, (TextPart, RefusalPart)):
                texts.append(part)
                continue
            self._said(texts, path)
            texts = []
            match part:
                case ThinkingPart():
                    self._thinking(part, path)
                case ToolCallPart():
                    self._call(part)
                case OpaquePart(dialect="openai-responses"):
                    self.items.append(msgspec.json.decode(part.raw))
                case _:
                    self._left_out(part, path)
        self._said(texts, path)

    def _said(self, texts: Sequence[TextPart | RefusalPart], path: str) -> None:
        """One text, unless some of it has sources, which stand beside their own."""
        if not any(map(is_cited, texts)):
            self._say("assistant", "".join(part.text for part in texts))
            return
        content: list[Fields] = []
        for part in texts:
            citations = part.citations if isinstance(part, TextPart) else ()
            told = (annotation(citation, self._losses, f"{path}.citations") for citation in citations)
            annotations = [one for one in told if one is not None]
            if part.text:
                content.append({"type": "output_text", "text": part.text, "annotations": annotations})
        if content:
            self.items.append({"role": "assistant", "content": content})

    def _thinking(self, part: ThinkingPart, path: str) -> None:
        if part.signature is None or part.signature.origin != _OWN:
            self._losses.add(path, "thinking was left out: the target takes back only its own")
            return
        self._reasoning(part.signature, [summary_part(part.text)] if part.text else [])

    def _reasoning(self, signature: Signature, summary: list[Fields]) -> None:
        proof = signature.value
        made = blake2b(proof.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
        self.items.append({"type": "reasoning", "id": f"rs_{made}", "summary": summary, "encrypted_content": proof})

    def _call(self, call: ToolCallPart) -> None:
        if call.signature is not None and call.signature.origin == _OWN:
            self._reasoning(call.signature, [])
        else:
            miss_signature(call, self._losses)
        named: Fields = {"call_id": fitted_id(call.id), "name": self._names.forward(call.name)}
        arguments = object_arguments(call, self._losses)
        if call.name in self._custom:
            self.items.append({"type": "custom_tool_call", **named, "input": custom_input(arguments)})
        else:
            self.items.append({"type": "function_call", **named, "arguments": arguments})

    def _user(self, parts: Sequence[Part], path: str) -> None:
        content: list[Fields] = []
        for part in parts:
            if isinstance(part, ToolResultPart):
                self._result(part, path)
            else:
                content += self._content(part, path)
        if len(content) == 1 and content[0]["type"] == "input_text":
            self._say("user", content[0]["text"])
        elif content:
            self.items.append({"role": "user", "content": content})

    def _result(self, result: ToolResultPart, path: str) -> None:
        content = [entry for part in result.parts for entry in self._content(part, path)]
        if result.is_error:
            self._losses.add(f"tool result {result.call_id}", "the error flag became a prefix of its text")
            content.insert(0, {"type": "input_text", "text": "Error: "})
        output: object = content
        if all(entry["type"] == "input_text" for entry in content):
            output = ("" if result.is_error else "\n").join(entry["text"] for entry in content)
        kind = "custom_tool_call_output" if result.name in self._custom else "function_call_output"
        self.items.append({"type": kind, "call_id": fitted_id(result.call_id), "output": output})

    def _content(self, part: Part, path: str) -> list[Fields]:
        match part:
            case TextPart() | RefusalPart():
                return [{"type": "input_text", "text": part.text}] if part.text else []
            case ImagePart():
                return [self._image(part, path)]
            case DocumentPart():
                return [self._document(part, path)]
            case AudioPart() | VideoPart():
                kind = "audio" if isinstance(part, AudioPart) else "video"
                raise UnsupportedError(f"{kind} cannot be sent in this target's dialect", param=path)
            case _:
                self._left_out(part, path)
                return []

    def _image(self, part: ImagePart, path: str) -> Fields:
        if not self._traits.images:
            raise UnsupportedError("this model takes no images", param=path)
        url = part.url or data_url(part.media_type, part.data or "")
        return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}

    def _document(self, part: DocumentPart, path: str) -> Fields:
        if part.text is not None:
            text = f"{part.title}:\n{part.text}" if part.title else part.text
            return {"type": "input_text", "text": text}
        if not self._traits.documents:
            raise UnsupportedError("this model takes no documents of this kind", param=path)
        if part.url is not None:
            return {"type": "input_file", "file_url": part.url}
        data = data_url(part.media_type or "application/pdf", part.data or "")
        return {"type": "input_file", "filename": part.title or "document", "file_data": data}

    def _left_out(self, part: Part, path: str) -> None:
        label = part.label if isinstance(part, OpaquePart) else type(part).__name__
        self._losses.add(path, f"{label} cannot be said in the target's dialect")
