"""Change single elements of a JSON list that passes through, and leave every other byte alone.

Numbers keep their digits, and the provider's cache finds the rest as it was.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import msgspec
from msgspec import Raw

from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json

Change = Callable[[Raw, int, Losses], Raw | None]
"""An element and its place to what stands for it, `None` for nothing; it notes what is lost with that."""

raw_list_decoder = msgspec.json.Decoder(list[Raw])


def changed(elements: Raw, change: Change, losses: Losses) -> Raw:
    """The list with each element changed.

    The same value, and no loss, where nothing changes or something cannot be read: then the provider says so.
    """
    noted = Losses()
    try:
        before = raw_list_decoder.decode(elements)
        after = [change(element, place, noted) for place, element in enumerate(before)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecodeError):
        return elements
    if all(map(operator.is_, before, after)):
        return elements
    losses.add_all(noted)
    return Raw(encode_json([element for element in after if element is not None]))
