"""Signatures in the one slot that Gemini's clients carry back: `thoughtSignature`, which must be base64.

Gemini's own are handed on byte for byte. Another provider's travels as base64 of our envelope, and a provider's
encrypted thinking likewise, under a mark of its own. None of ours may ever reach Gemini: the beginnings of both are
fixed, so a body that holds one is known by its bytes. Source: wire notes 2026-11, "signatures, round trip".
"""

from __future__ import annotations

import base64
import binascii
import re

from proxyctl.core.chat import Signature, ThinkingPart
from proxyctl.dialects.envelope import PREFIX, SIGNATURE_STAND_IN, opened, seal

_REDACTED = "gwr1."
FOREIGN_MARKS = tuple(base64.b64encode(mark.encode())[: len(mark) * 8 // 6] for mark in (PREFIX, _REDACTED))
"""How the JSON text of our own signatures begins."""
_COMMON = FOREIGN_MARKS[0][:3]
"""What both begin with, so that a large body is searched once."""
_FOREIGN = re.compile(rb'ignature"\s*:\s*"(?:' + b"|".join(FOREIGN_MARKS) + b")")


UNPROVEN = base64.b64encode(seal(None).encode()).decode()
"""Stands on the first call of an answer that nobody signed: as such it is known to come from another provider, and the
history is translated, which gives it what newer models demand of every step."""


def holds_foreign(contents: bytes) -> bool:
    """Whether one of our own signatures stands in these contents."""
    return _COMMON in contents and _FOREIGN.search(contents) is not None


def written_signature(signature: Signature) -> str:
    """What stands in the slot."""
    if signature.origin == "gemini-generate":
        return signature.value
    return base64.b64encode(seal(signature).encode()).decode()


def written_redaction(data: str) -> str:
    return base64.b64encode((_REDACTED + data).encode()).decode()


def read_signature(value: str | None) -> Signature | None:
    """The signature in the slot; `None` for the stand-in that clients write where they have none."""
    if not value or value == SIGNATURE_STAND_IN:
        return None
    ours = _ours(value)
    return Signature(value, "gemini-generate") if ours is None else opened(ours)


def read_redaction(value: str | None) -> ThinkingPart | None:
    """The encrypted thinking in the slot, if that is what stands there."""
    ours = _ours(value) if value else None
    if ours is None or not ours.startswith(_REDACTED):
        return None
    return ThinkingPart(redacted=ours.removeprefix(_REDACTED))


def _ours(value: str) -> str | None:
    """The text of a signature that this gateway wrote."""
    if not any(value.encode("utf-8", "replace").startswith(mark) for mark in FOREIGN_MARKS):
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text if text.startswith((PREFIX, _REDACTED)) else None
