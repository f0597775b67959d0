"""Read JSON whose strings end in half a surrogate pair, as streams that cut text by UTF-16 units do.

Strict parsers refuse such text, and encoders cannot write it: the half must wait for its other half in the next delta
(wire notes 2026-11, "streaming grammars").
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import Raw

_HIGH = ("\ud800", "\udbff")
_LONE = re.compile("[\ud800-\udfff]")


def lenient_decode(data: bytes, kind: Any) -> Any:
    """Decode JSON to `kind`, accepting lone surrogates. Raises `msgspec.DecodeError`."""
    try:
        value = json.loads(data, object_hook=_with_raw_members)
    except (ValueError, RecursionError) as exc:
        raise msgspec.DecodeError(str(exc)) from exc
    try:
        return msgspec.convert(value, kind)
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


_RAW_MEMBERS = ("usage", "usageMetadata", "error")


def _with_raw_members(decoded: dict[str, Any]) -> dict[str, Any]:
    """Members that are read later, or never, must be JSON text again: `convert` makes none of a value."""
    for name in _RAW_MEMBERS:
        if name in decoded:
            decoded[name] = Raw(json.dumps(decoded[name]).encode())
    return decoded
