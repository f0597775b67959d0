"""Read JSON whose strings end in half a surrogate pair, as streams that cut text by UTF-16 units do.

Strict parsers refuse such text, and encoders cannot write it: the half must wait for its other half in the next delta
(wire notes 2026-11, "streaming grammars").
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, inspect

_HIGH = ("\ud800", "\udbff")
_LONE = re.compile("[\ud800-\udfff]")


Decoded = TypeVar("Decoded")


def forgiving(decoder: msgspec.json.Decoder[Decoded], data: bytes) -> Decoded:
    """Decode JSON, strictly if that is possible, else accepting lone surrogates.

    Raises `msgspec.DecodeError` for what is no such value, bad UTF-8 and a thousand levels included.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value: Decoded = lenient_decode(data, decoder.type)
        return value


def lenient_decode(data: bytes, kind: Any) -> Any:
    """Decode JSON to `kind`, accepting lone surrogates. Raises `msgspec.DecodeError`."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise msgspec.DecodeError(str(exc)) from exc
    try:
        return msgspec.convert(_with_raw_members(value, _type_of(kind)), kind)
    except UnicodeEncodeError as exc:  # half a character where none may be, in a number's place for example
        raise msgspec.DecodeError(str(exc)) from exc


def whole(text: str) -> str:
    """Text that can be encoded: surrogates in pairs are joined, lone ones become U+FFFD."""
    if not _LONE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class SurrogateJoiner:
    """Holds back a high surrogate at the end of a delta until its low half comes, one memory for each part."""

    def __init__(self) -> None:
        self._held: dict[int, str] = {}

    def join(self, index: int, text: str) -> str:
        if self._held:
            text = self._held.pop(index, "") + text
        if text and _HIGH[0] <= text[-1] <= _HIGH[1]:
            self._held[index] = text[-1]
            text = text[:-1]
        return text if text.isascii() else whole(text)

    def drop(self, index: int) -> str:
        """The part is over: what is still held can no longer become a character."""
        return "\ufffd" if self._held.pop(index, "") else ""


_type_of = cache(inspect.type_info)


def _with_raw_members(value: Any, kind: inspect.Type) -> Any:
    """Members that are `Raw` must be JSON text again: `convert` makes none of a value."""
    match kind:
        case inspect.RawType():
            return Raw(whole(json.dumps(value, ensure_ascii=False)).encode())
        case inspect.StructType() if isinstance(value, dict):
            members = {field.encode_name: field.type for field in kind.fields if field.encode_name in value}
            return value | {name: _with_raw_members(value[name], member) for name, member in members.items()}
        case inspect.ListType() if isinstance(value, list):
            return [_with_raw_members(item, kind.item_type) for item in value]
        case inspect.UnionType():
            for one in kind.types:
                value = _with_raw_members(value, one)
    return value
