"""Carry one dialect's signature through a client of another dialect, in that client's own signature slot.

Form: `gws1.` + base64url of JSON `{"p": origin dialect, "s": [signature]}`, without padding. An envelope without a
signature marks thinking that nobody signed. Envelopes are ours: they are opened when they come back and never sent to a
provider (wire notes 2026-11, "reasoning").
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from msgspec import Struct

from proxyctl.core.chat import DialectName, Signature

PREFIX = "gws1."
SIGNS_CALLS: DialectName = "gemini-generate"
"""The dialect whose proofs belong to calls; those of the others belong to the thinking that they stand with."""

SIGNATURE_STAND_IN = "skip_thought_signature_validator"
"""What Google's models take where a signature is lost; some clients write it themselves. It proves nothing."""


class _Content(Struct, omit_defaults=True):
    p: DialectName | None = None
    s: list[str] = []


_decoder = msgspec.json.Decoder(_Content)


def seal(signature: Signature | None) -> str:
    """Wrap a signature, or the lack of one, for a client that expects some signature."""
    content = _Content() if signature is None else _Content(signature.origin, [signature.value])
    return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(content)).rstrip(b"=").decode()


def is_envelope(text: str) -> bool:
    return text.startswith(PREFIX)


def opened(text: str) -> Signature | None:
    """Return the signature in an envelope, `None` when there is none or the envelope is damaged."""
    if not is_envelope(text):
        return None
    packed = text[len(PREFIX) :]
    try:
        content = _decoder.decode(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (binascii.Error, ValueError):
        return None
    return Signature(content.s[0], content.p) if content.s and content.p else None
