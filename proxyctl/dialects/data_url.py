"""Media inside JSON: `data:` URLs and base64, in the one form that every provider takes (standard alphabet, padded)."""

from __future__ import annotations

import base64
import binascii
import string
from urllib.parse import unquote_to_bytes

from proxyctl.core.errors import DecodeError

_SPELLINGS = {"image/jpg": "image/jpeg", "audio/mpeg": "audio/mp3", "audio/x-wav": "audio/wav"}
_LETTERS = string.ascii_letters.encode() + string.digits.encode() + b"+/"
_URL_SAFE = str.maketrans("-_", "+/", " \r\n\t")


def media_type(name: str) -> str:
    """The usual spelling of a media type, lower case, without parameters."""
    plain = name.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def standard_base64(text: str, *, path: str = "") -> str:
    """Base64 in the standard alphabet with padding. Raises `DecodeError` when its length or its letters cannot be."""
    if not text.isascii():
        raise DecodeError("not base64", path=path)
    if any(letter in text for letter in "-_ \r\n\t"):
        text = text.translate(_URL_SAFE)
    text = text.rstrip("=")
    if not text or len(text) % 4 == 1 or text.encode().translate(None, _LETTERS):
        raise DecodeError("not base64", path=path)
    return text + "=" * (-len(text) % 4)


def split_data_url(url: str, *, path: str = "") -> tuple[str, str]:
    """Return a data URL's media type and base64 data. Raises `DecodeError`."""
    head, comma, data = url.removeprefix("data:").partition(",")
    if not comma:
        raise DecodeError("a data URL without data", path=path)
    name = media_type(head) or "text/plain"
    if head.lower().endswith(";base64"):
        return name, standard_base64(data, path=path)
    return name, base64.b64encode(unquote_to_bytes(data)).decode()


def text_of(data: str, *, path: str = "") -> str:
    """The UTF-8 text in base64 data. Raises `DecodeError`."""
    try:
        return base64.b64decode(data).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise DecodeError("not UTF-8 text in base64", path=path) from exc


def data_url(media: str | None, data: str) -> str:
    return f"data:{media or 'application/octet-stream'};base64,{data}"
