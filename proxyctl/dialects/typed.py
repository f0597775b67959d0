"""Decode JSON to typed values, with errors that say where: shared by the dialects that clients speak."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from proxyctl.core.errors import DecodeError

T = TypeVar("T")


def understood(value: Any, kind: type[T]) -> T | None:
    """A decoded JSON value as `kind`, `None` when it is something else: for members that no answer may fail by."""
    try:
        return None if value is None else msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeError):
        return None


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
