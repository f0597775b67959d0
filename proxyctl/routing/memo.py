"""Plans that come out the same each time, remembered: most requests of a healthy gateway get one.

A plan may be kept only if making it used nothing that changes from request to request: nothing was out of use, no turn
was drawn, no session was asked for. What remains is decided by the name, by what the request needs, and by sizes below
the smallest limit of all candidates. Whatever else changes (the configuration, the catalogue) has a revision.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from proxyctl.core.exchange import Peek
from proxyctl.routing.needs import BYTES_PER_TOKEN, ModelFacts

if TYPE_CHECKING:
    from proxyctl.routing.plan import Plan

_SIZE = 2048

Key = tuple[str, bool, bool, bool, bool, bool, bool, bool]


class _Kept(NamedTuple):
    plan: Plan
    max_output: float
    size: float


class PlanMemo:
    """The kept plans of one snapshot. A full memo starts anew: invented names must not cost memory."""

    __slots__ = ("_kept", "_revision")

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept] = {}
        self._revision = -1

    def find(self, key: Key, peek: Peek, revision: int) -> Plan | None:
        """The kept plan, if it holds for a request of this size under this revision of the catalogue."""
        if revision != self._revision:
            self._kept.clear()
            self._revision = revision
            return None
        kept = self._kept.get(key)
        if kept is None or peek.size > kept.size or (peek.max_output or 0) > kept.max_output:
            return None
        return kept.plan

    def keep(self, key: Key, peek: Peek, facts: Iterable[ModelFacts], plan: Plan) -> None:
        """Keep a plan made from candidates with these facts, unless the request came near one of their limits."""
        max_output = size = math.inf
        for known in facts:
            max_output = min(max_output, known.max_output or math.inf)
            size = min(size, (known.context or math.inf) * BYTES_PER_TOKEN)
        if peek.size > size or (peek.max_output or 0) > max_output:
            return
        if len(self._kept) >= _SIZE:
            self._kept.clear()
        self._kept[key] = _Kept(plan, max_output, size)


def key_of(peek: Peek, *, substitute: bool, prefix_fallback: bool) -> Key:
    """All that decides a quiet plan, sizes aside."""
    return (
        peek.model,
        substitute,
        prefix_fallback,
        peek.has_tools,
        peek.has_images,
        peek.has_documents,
        peek.wants_thinking,
        peek.wants_json_schema,
    )
