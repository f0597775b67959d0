"""The last records, in memory: gone at a restart, which is what a user without a database gets.

Each provider has its own ring, so a busy one does not push out the last words of a quiet one. An exchange that tried
three providers stands in three rings; exchanges that no provider was asked for share one.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from proxyctl.core.exchange import ExchangeRecord
from proxyctl.metering.store.base import RecordQuery, tried

_NOBODY = frozenset({""})

_Entry = tuple[int, ExchangeRecord]


class MemoryStore:
    """Keeps the last `kept` records of each provider."""

    def __init__(self, kept: int = 1000) -> None:
        self._kept = kept
        self._rings: dict[str, deque[_Entry]] = {}
        self._sequence = 0

    async def add(self, records: Sequence[ExchangeRecord]) -> None:
        for record in records:
            self._sequence += 1
            entry = (self._sequence, record)
            for name in tried(record) or _NOBODY:
                ring = self._rings.get(name)
                if ring is None:
                    ring = self._rings[name] = deque(maxlen=self._kept)
                ring.append(entry)

    async def page(self, query: RecordQuery) -> tuple[ExchangeRecord, ...]:
        found = (record for record in self._newest_first(query.provider) if query.matches(record))
        return tuple(islice(found, query.limit))

    async def find(self, record_id: str) -> ExchangeRecord | None:
        return next((record for record in self._newest_first(None) if record.id == record_id), None)

    def _newest_first(self, provider: str | None) -> Iterator[ExchangeRecord]:
        if provider is not None:
            rings = [ring for ring in (self._rings.get(provider),) if ring is not None]
        else:
            rings = list(self._rings.values())
        last = 0
        for sequence, record in heapq.merge(*(reversed(ring) for ring in rings), key=lambda entry: -entry[0]):
            if sequence != last:
                yield record
            last = sequence
