"""What a store of records must do, and what may be asked of it.

A store may be slow (a database is): only the recorder's own task and the management API await it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from proxyctl.core.errors import ProxyctlError
from proxyctl.core.exchange import ExchangeRecord, Outcome


class StoreError(ProxyctlError):
    """The store could not keep or read records."""


class RecordQuery(Struct, frozen=True, kw_only=True):
    """Which records are wanted. All conditions hold together; `None` asks nothing.

    `provider` finds every exchange that tried it. `since` is in Unix seconds and compares the start. `status_class` is
    the hundreds digit. `model` is part of a name, or a glob when it holds `*`, `?` or `[`, and finds the requested, the
    upstream or the served name, without regard to case.
    """

    provider: str | None = None
    limit: int = 50
    since: float | None = None
    status: int | None = None
    status_class: int | None = None
    outcome: Outcome | None = None
    model: str | None = None

    def matches(self, record: ExchangeRecord) -> bool:
        return (
            (self.since is None or record.started_at >= self.since)
            and (self.status is None or record.status == self.status)
            and (self.status_class is None or record.status // 100 == self.status_class)
            and (self.outcome is None or record.outcome == self.outcome)
            and (self.provider is None or self.provider in tried(record))
            and (self.model is None or _names(record, self.model.lower()))
        )


class RecordStore(Protocol):
    """Keeps records. All methods raise `StoreError` and nothing else."""

    async def add(self, records: Sequence[ExchangeRecord]) -> None:
        """Keep these, oldest first."""
        ...

    async def page(self, query: RecordQuery) -> tuple[ExchangeRecord, ...]:
        """Return at most `query.limit` records that match, newest first."""
        ...

    async def find(self, record_id: str) -> ExchangeRecord | None: ...


def tried(record: ExchangeRecord) -> frozenset[str]:
    """The providers that had a part in an exchange; empty when none was asked."""
    names = {attempt.provider for attempt in record.attempts}
    if record.provider:
        names.add(record.provider)
    return frozenset(names)


def _names(record: ExchangeRecord, wanted: str) -> bool:
    names = (record.requested_model.lower(), record.upstream_model.lower(), record.served_model.lower())
    if any(mark in wanted for mark in "*?["):
        return any(fnmatch.fnmatchcase(name, wanted) for name in names)
    return any(wanted in name for name in names)
