"""Header values that more than one part reads, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

_LONGEST_WAIT = 7 * 86_400.0


def retry_after_seconds(headers: Mapping[bytes, bytes], now: float) -> float | None:
    """How long a server asks to wait, in seconds from `now`; `None` when it does not say or says nonsense.

    Reads `retry-after-ms` (what SDKs prefer), then `retry-after` as seconds or as an HTTP date. Never negative, at
    most a week: an absurd value must not take a provider out of use for good.
    """
    if (milliseconds := _number(headers.get(b"retry-after-ms"))) is not None:
        return min(milliseconds / 1000, _LONGEST_WAIT)
    value = headers.get(b"retry-after")
    if (seconds := _number(value)) is not None:
        return min(seconds, _LONGEST_WAIT)
    if value is None:
        return None
    try:
        at = parsedate_to_datetime(value.decode("latin-1"))
    except ValueError:
        return None
    moment = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return min(max(0.0, moment - now), _LONGEST_WAIT)


def _number(value: bytes | None) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
