"""Take thoughts and their signatures out of contents that pass through.

A step's first call is signed with the stand-in, without which newer models refuse a call (wire notes 2026-11,
"Gemini").
"""

from __future__ import annotations

from msgspec import Raw

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import UNPROVEN, decode_fields, encode_json
from proxyctl.dialects.envelope import SIGNATURE_STAND_IN
from proxyctl.dialects.raw_lists import changed, raw_list_decoder

_SIGNATURE = "thoughtSignature"
_SIGNATURES = (_SIGNATURE, "thought_signature")
_CALLS = ("functionCall", "function_call")


def without_thoughts(contents: Raw, losses: Losses) -> Raw:
    """The same value where it cannot be read: then the provider says so."""
    return changed(contents, _content, losses)


def _content(content: Raw, place: int, losses: Losses) -> Raw | None:
    """A content without thoughts, `None` when it was nothing else."""
    fields = decode_fields(bytes(content))
    if bytes(fields.get("role", b"")) != b'"model"' or "parts" not in fields:
        return content
    parts = [decode_fields(bytes(part)) for part in raw_list_decoder.decode(fields["parts"])]
    kept: list[dict[str, object]] = []
    for part in parts:
        if bytes(part.get("thought", b"")) == b"true":
            continue
        bare: dict[str, object] = {name: value for name, value in part.items() if name not in _SIGNATURES}
        if _is_call(bare) and not any(map(_is_call, kept)):
            bare[_SIGNATURE] = SIGNATURE_STAND_IN
        kept.append(bare)
    if any(name in part for part in parts for name in _SIGNATURES) or len(kept) < len(parts):
        losses.add(f"contents[{place}].parts", UNPROVEN)
    return Raw(encode_json({**fields, "parts": kept})) if kept else None


def _is_call(part: dict[str, object]) -> bool:
    return any(name in part for name in _CALLS)
