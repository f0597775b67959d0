"""Take reasoning items out of an input that passes through; every other item keeps its bytes."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import UNPROVEN, encode_json


class _Head(Struct):
    type: str | None = None


_head = msgspec.json.Decoder(_Head)
_raw_items = msgspec.json.Decoder(list[Raw])


def without_reasoning(items: Raw, losses: Losses) -> Raw:
    """The same value where it cannot be read: then the provider says so."""
    try:
        written = _raw_items.decode(items)
        kinds = [_head.decode(item).type for item in written]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return items
    for index, kind in enumerate(kinds):
        if kind == "reasoning":
            losses.add(f"input[{index}]", UNPROVEN)
    return Raw(encode_json([item for item, kind in zip(written, kinds, strict=True) if kind != "reasoning"]))
