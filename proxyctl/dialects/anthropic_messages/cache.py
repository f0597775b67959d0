"""Cache marks: at most four in a request, the last ones win, because they cover the longest prefix.

Source: wire notes 2026-11, "prompt caching".
"""

from __future__ import annotations

from proxyctl.dialects.base import Fields

MAX_MARKS = 4
_MARK = "cache_control"


def mark(block: Fields, ttl: str | None) -> Fields:
    """Mark a block for caching as the caller wished; other dialects' longer times become one hour."""
    if ttl is not None:
        block[_MARK] = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": "1h"}
    return block


def limit_marks(body: Fields) -> None:
    """Take the earliest marks off until four are left, in the provider's reading order: tools, system, turns."""
    marked = [block for block in (*body.get("tools", ()), *body.get("system", ()), *_blocks(body)) if _MARK in block]
    for block in marked[: max(0, len(marked) - MAX_MARKS)]:
        del block[_MARK]


def _blocks(body: Fields) -> list[Fields]:
    found: list[Fields] = []
    for message in body["messages"]:
        for block in message["content"]:
            inner = block.get("content")
            if isinstance(inner, list):
                found += inner
            found.append(block)
    return found
