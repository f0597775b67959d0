"""Take reasoning items out of an input that passes through."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.losses import Losses
from proxyctl.dialects.base import UNPROVEN
from proxyctl.dialects.raw_lists import changed


class _Head(Struct):
    type: str | None = None


_head = msgspec.json.Decoder(_Head)


def without_reasoning(items: Raw, losses: Losses) -> Raw:
    """The same value where it cannot be read: then the provider says so."""
    return changed(items, _unless_reasoning, losses)


def _unless_reasoning(item: Raw, place: int, losses: Losses) -> Raw | None:
    if _head.decode(item).type != "reasoning":
        return item
    losses.add(f"input[{place}]", UNPROVEN)
    return None
