"""How many tokens a text may have, for providers that do not say.

Four characters a token for alphabets, one and a half for Chinese, Japanese and Korean (wire notes 2026-11, "usage
conversion"). Only for figures that are marked `estimated`: nothing is refused or cut by these numbers.
"""

from __future__ import annotations

import math
import re

_WIDE = re.compile("[\u2e00-\u9fff\uac00-\udbff\uf900-\ufaff\uff00-\uffff\U00010000-\U0010ffff]")
_WIDE_HIGH = bytes([*range(0x2E, 0xA0), *range(0xAC, 0xDC), 0xF9, 0xFA, 0xFF])
"""The same characters by the upper byte of their first UTF-16 unit: scripts without spaces, symbols, emoji."""
_SHORT = 40
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_=-]{512,}")
_BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> float:
    """Return the tokens of a text as a fraction, so that pieces add up to the whole."""
    if text.isascii():
        return len(text) / 4
    wide = len(_WIDE.findall(text)) if len(text) < _SHORT else _wide(text)
    return (len(text) - wide) / 4 + wide / 1.5


def _wide(text: str) -> int:
    """The wide characters of a long text, without a step for each of them."""
    upper = text.encode("utf-16-le", "surrogatepass")[1::2]
    return len(upper) - len(upper.translate(None, _WIDE_HIGH))


def estimate_bytes(size: int) -> int:
    """Return the tokens of so many bytes of UTF-8: a wide character's three bytes come out nearly the same."""
    return math.ceil(max(0, size) / _BYTES_PER_TOKEN)


def estimate_body(body: bytes) -> int:
    """Return the tokens of a request from its JSON, media data left out (what an image counts, no text can tell)."""
    if len(body) < 512:
        return estimate_bytes(len(body))
    media = sum(match.end() - match.start() for match in _BASE64_RUN.finditer(body))
    return estimate_bytes(len(body) - media)
