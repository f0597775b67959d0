"""A conversation as Gemini's `contents`: roles `user` and `model` only, strictly alternating, the user first.

Expects a history that `history.repaired` has put in order: each call's result stands right behind its turn. Thought
signatures go back on exactly the part they came with. A newer model refuses a current turn whose steps do not prove
their first call; where the proof is lost, the documented stand-in is sent there, and never on a parallel batch's
siblings, where it makes answers empty. It stays on the steps of earlier turns, which nobody checks: taken away when the
next turn begins, it would change the beginning of every conversation, and providers cache by that.
Source: wire notes 2026-11, "Google Gemini" rules and "tools".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from msgspec import Raw

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
from proxyctl.core.losses import Losses
from proxyctl.dialects.calls import object_arguments
from proxyctl.dialects.documents import plain_text
from proxyctl.dialects.envelope import SIGNATURE_STAND_IN
from proxyctl.dialects.gemini_generate import media
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.traits import ModelTraits

Content = dict[str, Any]


class ContentWriter:
    """Writes one request's conversation; `losses` grow as it does."""

    def __init__(self, traits: ModelTraits, names: ToolNames, losses: Losses) -> None:
        self._traits = traits
        self._names = names
        self._losses = losses

    def write(self, messages: Iterable[Message]) -> list[Content]:
        """Return the contents; empty parts and turns are left out. Raises `UnsupportedError` for media."""
        contents: list[Content] = []
        for index, message in enumerate(messages):
            parts = self._parts(message, f"messages[{index}]")
            role = "model" if message.role == "assistant" else "user"
            if parts and contents and contents[-1]["role"] == role:
                contents[-1]["parts"] += parts
            elif parts:
                contents.append({"role": role, "parts": parts})
        if contents and contents[0]["role"] == "model":
            self._losses.add("messages[0]", "a conversation begins with the user: a blank user turn was put first")
            contents.insert(0, {"role": "user", "parts": [{"text": " "}]})
        if self._traits.signatures_required:
            self._sign_steps(contents)
        return contents

    def _parts(self, message: Message, path: str) -> list[Any]:
        results: list[Any] = []
        beside: list[Any] = []
        others: list[Any] = []
        for index, part in enumerate(message.parts):
            if isinstance(part, ToolResultPart):
                result, moved = self._result(part, f"{path}.parts[{index}]")
                results.append(result)
                beside += moved
            elif (written := self._part(part, f"{path}.parts[{index}]")) is not None:
                others.append(written)
        return [*results, *beside, *others]

    def _part(self, part: Part, path: str) -> Any:
        match part:
            case TextPart():
                written = self._signed({"text": part.text}, part.signature, path)
                return written if part.text or len(written) > 1 else None
            case RefusalPart():
                return {"text": part.text} if part.text else None
            case ThinkingPart():
                return self._thinking(part, path)
            case ToolCallPart():
                return self._call(part, path)
            case ImagePart():
                return media.image(part, self._traits, path)
            case DocumentPart():
                return media.document(part, self._traits, path)
            case AudioPart():
                return media.audio(part, self._traits, path)
            case VideoPart():
                return media.video(part, path)
            case OpaquePart(dialect="gemini-generate"):
                return Raw(part.raw)
            case _:
                self._losses.add(path, "Gemini has no form for this part")
                return None

    def _thinking(self, part: ThinkingPart, path: str) -> Content | None:
        """Thinking goes back only with Gemini's own proof: without it the text would be read as an answer."""
        written = self._signed({"text": part.text, "thought": True}, part.signature, path)
        if "thoughtSignature" in written:
            return written
        if part.text and part.signature is None:
            self._losses.add(path, "thinking without Gemini's own signature is not sent back")
        return None

    def _call(self, part: ToolCallPart, path: str) -> Content:
        arguments = object_arguments(part, self._losses)
        call: Content = {"name": self._names.forward(part.name), "args": Raw(arguments.encode())}
        if self._traits.tool_call_ids:
            call["id"] = part.id
        return self._signed({"functionCall": call}, part.signature, path)

    def _result(self, part: ToolResultPart, path: str) -> tuple[Content, list[Any]]:
        """Return the function response, and the media that must stand behind all responses of the turn."""
        texts: list[str] = []
        pictures: list[Any] = []
        for inner in part.parts:
            text = _text_of(inner)
            if text is not None:
                texts.append(text)
            elif isinstance(inner, ImagePart):
                pictures.append(media.image(inner, self._traits, path))
            elif isinstance(inner, DocumentPart):
                pictures.append(media.document(inner, self._traits, path))
        response: Content = {"name": self._names.forward(part.name or part.call_id)}
        if self._traits.tool_call_ids:
            response["id"] = part.call_id
        response["response"] = {"error" if part.is_error else "output": "\n".join(texts)}
        if pictures and self._traits.media_in_tool_results:
            response["parts"] = pictures
            pictures = []
        elif pictures:
            self._losses.add(path, "media of a tool result stand beside it: the model takes none inside")
        return {"functionResponse": response}, pictures

    def _signed(self, written: Content, signature: Signature | None, path: str) -> Content:
        if signature is None:
            return written
        if signature.origin != "gemini-generate" or not _is_base64(signature.value):
            self._losses.add(f"{path}.signature", "a signature that Gemini did not make is not sent to it")
            return written
        return {**written, "thoughtSignature": signature.value}

    def _sign_steps(self, contents: list[Content]) -> None:
        """Give the first call of each step a stand-in where it has no proof.

        It is a loss in the current turn only, the one since the last real user message: there the model goes on
        thinking from it.
        """
        is_current = True
        for content in reversed(contents):
            if content["role"] == "user":
                is_current = is_current and _first_with("functionResponse", content) is not None
                continue
            call = _first_with("functionCall", content)
            if call is not None and "thoughtSignature" not in call:
                call["thoughtSignature"] = SIGNATURE_STAND_IN
                if is_current:
                    self._losses.add(f"tool call {call['functionCall']['name']}", "its thought signature is lost")


def _first_with(name: str, content: Content) -> Content | None:
    return next((part for part in content["parts"] if isinstance(part, dict) and name in part), None)


def _text_of(part: TextPart | ImagePart | DocumentPart) -> str | None:
    if isinstance(part, TextPart):
        return part.text
    return plain_text(part) if isinstance(part, DocumentPart) else None


def _is_base64(text: str) -> bool:
    """Whether Google's JSON reader takes it as bytes: either alphabet, padded or not."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(plain)
