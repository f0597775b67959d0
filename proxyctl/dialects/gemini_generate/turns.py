"""Read a request's contents: roles, parts, calls and their results, to the canonical form.

Three things are not as they look. Clients that kept a streamed answer send each of its pieces as a content of its own,
so a model's neighbouring contents are one turn, and pieces of one thought are one part again (its proof came last).
Calls and results of older models have no ids: a result belongs to the first waiting call of its name. And a result's
object may be wrapped in any of half a dozen words.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, structs

from proxyctl.core.chat import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.data_url import media_type, standard_base64, text_of
from proxyctl.dialects.gemini_generate import asked
from proxyctl.dialects.gemini_generate.signatures import read_redaction, read_signature
from proxyctl.dialects.names import made_up_id
from proxyctl.dialects.raw_lists import raw_list_decoder
from proxyctl.dialects.typed import decode_typed

_USERS = frozenset({None, "", "user", "function", "tool"})
_WRAPPINGS = ("output", "result", "return_value", "content")
_EMPTY = (b"", b"null", b"{}")


class ContentReader:
    """Reads one request's contents in order; notes in `dropped` what the canonical form cannot carry."""

    def __init__(self) -> None:
        self.dropped: list[str] = []
        self._waiting: list[ToolCallPart] = []
        self._written = b""

    def conversation(self, contents: Raw) -> tuple[Message, ...]:
        """Raises `DecodeError` and `UnsupportedError` with the path of what is wrong."""
        messages: list[Message] = []
        for index, content in enumerate(self._decoded(contents, "contents")):
            message = self._message(content, f"contents[{index}]", index)
            if messages and message.role == messages[-1].role == "assistant":
                messages[-1] = Message("assistant", _joined([*messages[-1].parts, *message.parts]))
            elif message.parts:
                messages.append(message)
        return tuple(messages)

    def system(self, instruction: Raw) -> tuple[TextPart, ...]:
        """The instruction's texts: a content, a list of them, or a bare text."""
        texts: list[TextPart] = []
        for index, content in enumerate(self._decoded(instruction, "systemInstruction")):
            for position, part in enumerate(self._parts(content, "systemInstruction", index)):
                if isinstance(part, TextPart):
                    texts.append(TextPart(text=part.text))
                else:
                    self.dropped.append(f"systemInstruction.parts[{position}]")
        return tuple(texts)

    def _decoded(self, value: Raw, path: str) -> list[asked.Content]:
        """Read in one go what is written in full, as all SDKs do; short forms cost a second look."""
        self._written = bytes(value)
        try:
            return asked.contents_decoder.decode(self._written)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            self._written = asked.long_form(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise DecodeError(f"not valid JSON: {exc}", path=path) from exc
        return decode_typed(asked.contents_decoder, self._written, under=path)

    def _message(self, content: asked.Content, path: str, index: int) -> Message:
        parts = self._parts(content, path, index)
        if content.role == "model":
            return Message("assistant", _joined(parts))
        if content.role not in _USERS and content.role != "system":
            raise DecodeError(f"{content.role!r} is neither user nor model", path=f"{path}.role")
        if any(isinstance(part, ToolCallPart) for part in parts):
            raise DecodeError("a functionCall belongs to the model", path=f"{path}.parts")
        return Message("system" if content.role == "system" else "user", tuple(parts))

    def _parts(self, content: asked.Content, path: str, index: int) -> list[Part]:
        parts: list[Part] = []
        for position, part in enumerate(content.parts or ()):
            read = self._part(part, f"{path}.parts[{position}]", (index, position))
            if read is not None:
                parts.append(read)
        return parts

    def _part(self, part: asked.Part, path: str, place: tuple[int, int]) -> Part | None:
        for name, value in (("videoMetadata", part.video_metadata), ("mediaResolution", part.media_resolution)):
            if bytes(value) not in _EMPTY:
                self.dropped.append(f"{path}.{name}")
        if part.function_call is not None:
            return self._call(part.function_call, part.thought_signature, path, place)
        if part.function_response is not None:
            return self._result(part.function_response, path, place)
        if part.inline_data is not None:
            return _inline(part.inline_data, f"{path}.inlineData")
        if part.file_data is not None:
            return _file(part.file_data, f"{path}.fileData")
        if part.thought:
            signed = ThinkingPart(text=part.text or "", signature=read_signature(part.thought_signature))
            return read_redaction(part.thought_signature) or signed
        if part.text is not None or part.thought_signature:
            signature = read_signature(part.thought_signature)
            return TextPart(text=part.text or "", signature=signature) if part.text or signature else None
        return self._opaque(place)

    def _opaque(self, place: tuple[int, int]) -> OpaquePart | None:
        """A part of a kind that only Gemini knows; an empty one is none."""
        content = raw_list_decoder.decode(self._written)[place[0]]
        parts = msgspec.json.decode(content, type=dict[str, Raw])["parts"]
        text = bytes(raw_list_decoder.decode(parts)[place[1]])
        label = next(iter(msgspec.json.decode(text, type=dict[str, Raw])), "")
        return OpaquePart(dialect="gemini-generate", label=label, raw=text) if label else None

    def _call(self, call: asked.FunctionCall, signature: str | None, path: str, place: tuple[int, int]) -> ToolCallPart:
        if not call.name:
            raise DecodeError("a function's name is required", path=f"{path}.functionCall.name")
        arguments = bytes(call.args).decode()
        if arguments in ("", "null"):
            arguments = "{}"
        if not arguments.startswith("{"):
            raise DecodeError("arguments are an object", path=f"{path}.functionCall.args")
        read = ToolCallPart(
            id=call.id or made_up_id(*place, call.name, arguments),
            name=call.name,
            arguments=arguments,
            signature=read_signature(signature),
        )
        self._waiting.append(read)
        return read

    def _result(self, result: asked.FunctionResponse, path: str, place: tuple[int, int]) -> ToolResultPart:
        text, is_error = _response(result.response or {})
        parts: list[TextPart | ImagePart | DocumentPart] = [TextPart(text=text)] if text else []
        for position, inner in enumerate(result.parts or ()):
            where = f"{path}.functionResponse.parts[{position}]"
            media = _media(inner, where)
            if isinstance(media, (TextPart, ImagePart, DocumentPart)):
                parts.append(media)
            else:
                raise UnsupportedError("a tool's result holds text, images or documents", param=where)
        call_id = self._called(result) or result.id or made_up_id(*place, result.name, text)
        return ToolResultPart(call_id=call_id, name=result.name or None, parts=tuple(parts), is_error=is_error)

    def _called(self, result: asked.FunctionResponse) -> str:
        """The id of the waiting call that this answers: the one it names, else the first of its function."""
        by_id = [call for call in self._waiting if result.id and call.id == result.id]
        by_name = [call for call in self._waiting if call.name == result.name]
        for call in (*by_id, *by_name):
            self._waiting.remove(call)
            return call.id
        return ""


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    """A model's parts with the pieces of one text, and of one thought, put together; a proof ends a piece."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        match last, part:
            case TextPart(signature=None), TextPart():
                joined[-1] = structs.replace(last, text=last.text + part.text, signature=part.signature)
            case ThinkingPart(signature=None, redacted=None), ThinkingPart(redacted=None):
                joined[-1] = structs.replace(last, text=last.text + part.text, signature=part.signature)
            case _:
                joined.append(part)
    return tuple(joined)


def _response(fields: dict[str, Raw]) -> tuple[str, bool]:
    """A result's text, and whether it is an error."""
    if set(fields) == {"error"}:
        return _text(fields["error"]), True
    said = {name: inner for name, inner in fields.items() if name != "name"}
    if len(said) == 1 and (len(fields) == 1 or "content" in said):
        [(name, inner)] = said.items()
        if name in _WRAPPINGS:
            return _text(inner), False
    return (_text(Raw(msgspec.json.encode(fields))) if fields else ""), False


def _text(value: Raw) -> str:
    text = bytes(value)
    if text.startswith(b'"'):
        return asked.text_decoder.decode(text)
    return msgspec.json.format(text.decode(), indent=-1)


def _media(part: asked.ResponsePart, path: str) -> Part | None:
    if part.inline_data is not None:
        return _inline(part.inline_data, f"{path}.inlineData")
    return _file(part.file_data, f"{path}.fileData") if part.file_data is not None else None


def _inline(blob: asked.Blob, path: str) -> Part:
    kind = media_type(blob.mime_type)
    data = standard_base64(blob.data, path=f"{path}.data")
    family = kind.partition("/")[0]
    match family:
        case "image":
            return ImagePart(media_type=kind, data=data)
        case "audio":
            return AudioPart(media_type=kind, data=data)
        case "video":
            return VideoPart(media_type=kind, data=data)
        case "text":
            return DocumentPart(text=text_of(data, path=f"{path}.data"), title=blob.display_name)
        case "":
            raise DecodeError("a media type is required", path=f"{path}.mimeType")
        case _:
            return DocumentPart(media_type=kind, data=data, title=blob.display_name)


def _file(file: asked.FileData, path: str) -> Part:
    kind = media_type(file.mime_type)
    address = file.file_uri
    if not address:
        raise DecodeError("an address is required", path=f"{path}.fileUri")
    if kind.startswith("video/") or "youtube.com/" in address or "youtu.be/" in address:
        return VideoPart(media_type=kind or "video/mp4", url=address)
    if not address.startswith(("https://", "http://")) or "/v1beta/files/" in address:
        raise UnsupportedError("a stored file is known only to the provider that keeps it", param=path)
    if kind.startswith("image/"):
        return ImagePart(media_type=kind, url=address)
    if kind.startswith("audio/"):
        raise UnsupportedError("sound can be sent as inline data only", param=path)
    return DocumentPart(media_type=kind or None, url=address, title=file.display_name)
