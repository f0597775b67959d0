"""One message of a chat-completions request, to the canonical form."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from proxyctl.core.chat import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.custom_tools import custom_arguments
from proxyctl.dialects.data_url import split_data_url, standard_base64
from proxyctl.dialects.documents import file_part
from proxyctl.dialects.envelope import SIGNATURE_STAND_IN
from proxyctl.dialects.names import made_up_id
from proxyctl.dialects.openai_chat import cited, wire


def decode_message(message: wire.Message, path: str, index: int, before: Sequence[Message]) -> Message:
    """Read one message. `index` is its place, `before` the messages read so far. Raises `DecodeError`."""
    match message.role:
        case "user":
            return Message("user", tuple(_content(message, path)))
        case "assistant":
            return Message("assistant", tuple(_assistant(message, path, index)))
        case "system" | "developer":
            return Message("system", tuple(_texts(message, path)))
        case "tool":
            if not message.tool_call_id:
                raise DecodeError("a tool message needs the id of its call", path=f"{path}.tool_call_id")
            return Message("user", (_result(message, message.tool_call_id, path),))
        case "function":
            return Message("user", (_result(message, _last_call_id(message.name or "", before), path),))
        case _:
            raise DecodeError(f"unknown role {message.role!r}", path=f"{path}.role")


def _assistant(message: wire.Message, path: str, index: int) -> list[Part]:
    parts: list[Part] = []
    if thinking := message.reasoning_content or message.reasoning:
        parts.append(ThinkingPart(text=thinking))
    parts += _cited(_said(message, path), message)
    if message.refusal:
        parts.append(RefusalPart(text=message.refusal))
    for position, call in enumerate(message.tool_calls or ()):
        parts.append(decode_call(call, f"{path}.tool_calls[{position}]", (index, position)))
    if message.function_call is not None:
        function = message.function_call
        parts.append(_function_call("", function, None, (index, 0)))
    return parts


def _cited(parts: list[Part], message: wire.Message) -> list[Part]:
    """The one text of a message with its sources, if each of them can be read; else the parts as they are."""
    if not bytes(message.annotations) or len(parts) != 1 or not isinstance(parts[0], TextPart):
        return parts
    found = cited.read_all(message.annotations, placed=True)
    citations = tuple(filter(None, found))
    return [replace(parts[0], citations=citations)] if len(citations) == len(found) else parts


def _said(message: wire.Message, path: str) -> list[Part]:
    """What an assistant's content holds: thinking too, where a client keeps it as Mistral writes it."""
    if not isinstance(message.content, list) or all(part.type != "thinking" for part in message.content):
        return _content(message, path)
    parts: list[Part] = []
    for index, part in enumerate(message.content):
        if part.type != "thinking" or part.thinking is None:
            parts.append(_part(part, f"{path}.content[{index}]"))
        elif text := part.thinking if isinstance(part.thinking, str) else "".join(one.text for one in part.thinking):
            parts.append(ThinkingPart(text=text))
    return parts


def decode_call(call: wire.ToolCall, path: str, place: tuple[int, int]) -> ToolCallPart:
    """Read a call. `place` is its message's and its own. Raises `DecodeError`."""
    google = call.extra_content.google if call.extra_content is not None else None
    proof = google.thought_signature if google is not None else None
    signature = Signature(proof, "gemini-generate") if proof and proof != SIGNATURE_STAND_IN else None
    if call.custom is not None:
        arguments = custom_arguments(call.custom.input)
        return _function_call(call.id, wire.Function(call.custom.name, arguments), signature, place)
    if call.function is None or not call.function.name:
        raise DecodeError("a tool call needs a function with a name", path=path)
    return _function_call(call.id, call.function, signature, place)


def _function_call(
    call_id: str, function: wire.Function, signature: Signature | None, place: tuple[int, int]
) -> ToolCallPart:
    arguments = function.arguments
    text = arguments if isinstance(arguments, str) else "" if arguments is None else _json(arguments)
    return ToolCallPart(
        id=call_id or made_up_id(*place, function.name, text),
        name=function.name,
        arguments=text,
        signature=signature,
    )


def _last_call_id(name: str, before: Sequence[Message]) -> str:
    """The call that a message of the old `function` role answers: the last one of that name."""
    for message in reversed(before):
        for part in reversed(message.parts):
            if isinstance(part, ToolCallPart) and part.name == name:
                return part.id
    return name or "function"


def _result(message: wire.Message, call_id: str, path: str) -> ToolResultPart:
    parts = [part for part in _content(message, path) if isinstance(part, (TextPart, ImagePart, DocumentPart))]
    return ToolResultPart(call_id=call_id, name=message.name or None, parts=tuple(parts))


def _texts(message: wire.Message, path: str) -> list[TextPart]:
    parts = _content(message, path)
    texts = [part for part in parts if isinstance(part, TextPart)]
    if len(texts) != len(parts):
        raise DecodeError("only text can stand here", path=f"{path}.content")
    return texts


def _content(message: wire.Message, path: str) -> list[Part]:
    if message.content is None:
        return []
    if isinstance(message.content, str):
        return [TextPart(text=message.content)] if message.content else []
    return [_part(part, f"{path}.content[{index}]") for index, part in enumerate(message.content)]


def _part(part: wire.ContentPart, path: str) -> Part:
    mark = part.prompt_cache_breakpoint or part.cache_control
    ttl = None if mark is None else mark.ttl or "5m"
    if part.type in ("text", "input_text") and part.text is not None:
        return TextPart(text=part.text, cache_ttl=ttl)
    if part.type == "image_url" and part.image_url is not None:
        return _image(part.image_url, ttl, f"{path}.image_url")
    if part.type == "input_audio" and part.input_audio is not None:
        data = standard_base64(part.input_audio.data, path=f"{path}.input_audio.data")
        return AudioPart(media_type=f"audio/{part.input_audio.format}", data=data)
    if part.type == "file" and part.file is not None:
        return _file(part.file, ttl, f"{path}.file")
    if part.type == "refusal" and part.refusal is not None:
        return RefusalPart(text=part.refusal)
    if part.type in ("text", "image_url", "input_audio", "file", "refusal"):
        raise DecodeError(f"a {part.type} part needs its {part.type!r}", path=path)
    raise DecodeError(f"unknown content type {part.type!r}", path=f"{path}.type")


def _image(image: wire.ImageURL | str, ttl: str | None, path: str) -> ImagePart:
    url, detail = (image, None) if isinstance(image, str) else (image.url, image.detail)
    if not url.startswith("data:"):
        return ImagePart(url=url, detail=detail, cache_ttl=ttl)
    media, data = split_data_url(url, path=path)
    return ImagePart(media_type=media, data=data, detail=detail, cache_ttl=ttl)


def _file(file: wire.File, ttl: str | None, path: str) -> Part:
    if file.file_data is None:
        raise UnsupportedError("a file id is known only to the provider that issued it", param=f"{path}.file_id")
    return file_part(file.file_data, title=file.filename, cache_ttl=ttl, path=f"{path}.file_data")


def _json(value: dict[str, object]) -> str:
    return msgspec.json.encode(value).decode()
