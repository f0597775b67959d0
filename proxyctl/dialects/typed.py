"""Decode JSON to typed values, with errors that say where: shared by the dialects that clients speak."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw

from proxyctl.core.errors import DecodeError

T = TypeVar("T")


def understood(value: Raw, kind: type[T]) -> T | None:
    """A member's JSON text as `kind`, `None` when it is something else or not there.

    For members that no answer may fail by: they must be `Raw` where they stand, because a number that no machine holds
    (`1e400`) fails whatever is decoded with it.
    """
    text = bytes(value)
    try:
        return None if text in (b"", b"null") else msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def fits(decoder: msgspec.json.Decoder[T], body: bytes) -> bool:
    """Whether a body is what the decoder reads."""
    try:
        decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def decode_typed(decoder: msgspec.json.Decoder[T], body: bytes, *, under: str = "") -> T:
    """Raises `DecodeError` whose path points at the first wrong value; `under` is where `body` stands."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        message, _, place = str(exc).rpartition(" - at `$")
        if not message:
            message, place = str(exc), ""
        raise DecodeError(message, path=(under + place.rstrip("`")).lstrip(".")) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError(f"not valid JSON: {exc}", path=under) from exc
    except RecursionError as exc:
        raise DecodeError("nested too deeply", path=under) from exc
