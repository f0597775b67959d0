"""One message's blocks of a messages request, to the canonical form.

A thinking block whose signature is one of our envelopes gives that signature back to the tool call behind it: this is
how another provider's proof survives a client of this dialect.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct, structs

from proxyctl.core.chat import (
    DocumentPart,
    ImagePart,
    OpaquePart,
    Part,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.anthropic_messages import wire
from proxyctl.dialects.anthropic_messages.citations import read_all
from proxyctl.dialects.data_url import media_type, standard_base64, text_of
from proxyctl.dialects.envelope import SIGNS_CALLS, is_envelope, opened
from proxyctl.dialects.names import made_up_id
from proxyctl.dialects.typed import decode_typed


class _RawBlocks(Struct):
    content: str | list[Raw] = ""


class _RawMessages(Struct):
    messages: list[_RawBlocks]


_raw_messages = msgspec.json.Decoder(_RawMessages)


class BlockReader:
    """Reads the blocks of one request; notes in `dropped` what the canonical form cannot carry."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._raw: list[_RawBlocks] | None = None
        self.dropped: list[str] = []

    def message(self, content: str | Sequence[wire.Block], index: int) -> list[Part]:
        """Read the content of message `index`. Raises `DecodeError`."""
        if isinstance(content, str):
            return [TextPart(text=content)] if content else []
        parts: list[Part] = []
        carried: Signature | None = None
        for position, block in enumerate(content):
            part = self._block(block, index, position)
            if isinstance(part, ThinkingPart) and part.signature is not None and part.signature.origin == SIGNS_CALLS:
                carried, part = part.signature, ThinkingPart(text=part.text)
                if not part.text:
                    continue
            elif isinstance(part, ToolCallPart) and carried is not None:
                part, carried = structs.replace(part, signature=carried), None
            parts.append(part)
        if carried is not None:
            parts.append(ThinkingPart(signature=carried))
        return parts

    def system(self, system: str | Sequence[wire.Block] | None) -> tuple[TextPart, ...]:
        if not system:
            return ()
        if isinstance(system, str):
            return (TextPart(text=system),)
        return tuple(
            TextPart(text=_required(block.text, f"system[{position}].text"), cache_ttl=_ttl(block))
            for position, block in enumerate(system)
        )

    def _block(self, block: wire.Block, index: int, position: int) -> Part:
        path = f"messages[{index}].content[{position}]"
        if (part := _plain(block, path)) is not None:
            return self._cited(part, block, path) if isinstance(part, TextPart) else part
        match block.type:
            case "thinking":
                return _thinking(block)
            case "redacted_thinking":
                return ThinkingPart(redacted=_required(block.data, f"{path}.data"))
            case "tool_use":
                return _call(block, path, (index, position))
            case "tool_result":
                return self._result(block, path)
            case _:
                return OpaquePart(dialect="anthropic-messages", label=block.type, raw=self._raw_block(index, position))

    def _cited(self, part: TextPart, block: wire.Block, path: str) -> TextPart:
        """A text with its sources, which only its own dialect may be given back."""
        if block.type != "text":
            return part
        found = read_all(block.citations, len(part.text))
        if None in found:
            self.dropped.append(f"{path}.citations")
        return structs.replace(part, citations=tuple(filter(None, found))) if found else part

    def _result(self, block: wire.Block, path: str) -> ToolResultPart:
        parts: list[TextPart | ImagePart | DocumentPart] = []
        content = decode_typed(wire.blocks_decoder, _raw(block.content, b'""'), under=f"{path}.content")
        if isinstance(content, str):
            parts = [TextPart(text=content)] if content else []
        else:
            for position, inner in enumerate(content):
                parts.append(self._inner(inner, f"{path}.content[{position}]"))
        return ToolResultPart(
            call_id=_required(block.tool_use_id, f"{path}.tool_use_id"),
            parts=tuple(parts),
            is_error=bool(block.is_error),
            cache_ttl=_ttl(block),
        )

    def _inner(self, block: wire.Block, path: str) -> TextPart | ImagePart | DocumentPart:
        if (part := _plain(block, path)) is not None:
            return part
        if block.type == "tool_reference":
            return TextPart(text=f"[tool available: {block.tool_name or block.name or ''}]")
        self.dropped.append(path)
        return TextPart(text=f"[{block.type}]")

    def _raw_block(self, index: int, position: int) -> bytes:
        if self._raw is None:
            self._raw = _raw_messages.decode(self._body).messages
        content = self._raw[index].content
        return bytes(content[position]) if isinstance(content, list) else b"{}"


def _plain(block: wire.Block, path: str) -> TextPart | ImagePart | DocumentPart | None:
    """What may stand in a message and in a tool's result alike; `None` for every other kind of block."""
    match block.type:
        case "text":
            return TextPart(text=_required(block.text, f"{path}.text"), cache_ttl=_ttl(block))
        case "image":
            return _image(block, path)
        case "document":
            return _document(block, path)
        case "search_result":
            return _search_result(block, path)
        case _:
            return None


def _thinking(block: wire.Block) -> ThinkingPart:
    text, value = block.thinking or "", block.signature or ""
    if is_envelope(value):
        return ThinkingPart(text=text, signature=opened(value))
    return ThinkingPart(text=text, signature=Signature(value, "anthropic-messages") if value else None)


def _call(block: wire.Block, path: str, place: tuple[int, int]) -> ToolCallPart:
    name = block.name
    if not name:
        raise DecodeError("a tool's name is required", path=f"{path}.name")
    arguments = _raw(block.input, b"{}").decode()
    return ToolCallPart(
        id=block.id or made_up_id(*place, name, arguments), name=name, arguments=arguments, cache_ttl=_ttl(block)
    )


def _image(block: wire.Block, path: str) -> ImagePart:
    source = _source(block, path)
    if source.type == "url":
        return ImagePart(url=_required(source.url, f"{path}.source.url"), cache_ttl=_ttl(block))
    data = standard_base64(_required(source.data, f"{path}.source.data"), path=f"{path}.source.data")
    return ImagePart(media_type=media_type(source.media_type or ""), data=data, cache_ttl=_ttl(block))


def _document(block: wire.Block, path: str) -> DocumentPart:
    source = _source(block, path)
    ttl, title = _ttl(block), block.title
    match source.type:
        case "url":
            return DocumentPart(url=_required(source.url, f"{path}.source.url"), title=title, cache_ttl=ttl)
        case "text":
            return DocumentPart(text=_required(source.data, f"{path}.source.data"), title=title, cache_ttl=ttl)
        case "content":
            return DocumentPart(text=_text_content(source.content, path), title=title, cache_ttl=ttl)
        case _:
            where = f"{path}.source.data"
            data = standard_base64(_required(source.data, where), path=where)
            media = media_type(source.media_type or "application/pdf")
            if media.startswith("text/"):
                return DocumentPart(text=text_of(data, path=where), title=title, cache_ttl=ttl)
            return DocumentPart(media_type=media, data=data, title=title, cache_ttl=ttl)


def _search_result(block: wire.Block, path: str) -> TextPart:
    source = block.source if isinstance(block.source, str) else ""
    head = " ".join(filter(None, (block.title, f"({source})" if source else "")))
    return TextPart(text=f"{head}\n{_text_content(block.content, path)}".strip(), cache_ttl=_ttl(block))


def _text_content(content: Raw, path: str) -> str:
    blocks = decode_typed(wire.blocks_decoder, _raw(content, b'""'), under=f"{path}.content")
    return blocks if isinstance(blocks, str) else "\n".join(block.text for block in blocks if block.text)


def _source(block: wire.Block, path: str) -> wire.Source:
    if not isinstance(block.source, wire.Source):
        raise DecodeError(f"a block of type {block.type!r} needs a source", path=f"{path}.source")
    if block.source.type == "file":
        raise UnsupportedError("a file id is known only to the provider that issued it", param=f"{path}.source")
    if block.source.type not in ("base64", "url", "text", "content"):
        raise DecodeError(f"unknown source type {block.source.type!r}", path=f"{path}.source.type")
    return block.source


def _required(value: str | None, path: str) -> str:
    if value is None:
        raise DecodeError("a text is required", path=path)
    return value


def _raw(value: Raw, missing: bytes) -> bytes:
    text = bytes(value)
    return missing if text in (b"", b"null") else text


def _ttl(block: wire.Block) -> str | None:
    return None if block.cache_control is None else block.cache_control.ttl or "5m"
