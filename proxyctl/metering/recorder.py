"""Takes records from the request path at once and hands them to the store at leisure.

`offer` never waits: it appends to a bounded queue, and what does not fit is counted as dropped. A store that fails
costs records, which are counted too, and never a request. Followers see each record as it is offered; a slow one loses
its oldest and is told how many. Readers find what was offered before they asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from types import TracebackType
from typing import Self

from proxyctl.core.exchange import ExchangeRecord
from proxyctl.metering.store.base import RecordQuery, RecordStore, StoreError

_log = logging.getLogger(__name__)


class Follower:
    """One reader of new records that match its query; leave the `with` block to stop following."""

    def __init__(self, recorder: Recorder, query: RecordQuery, size: int) -> None:
        self._recorder = recorder
        self._query = query
        self._waiting: deque[ExchangeRecord] = deque(maxlen=size)
        self._missed = 0
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        self._recorder.followers.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._recorder.followers.discard(self)

    def give(self, record: ExchangeRecord) -> None:
        if not self._query.matches(record):
            return
        if len(self._waiting) == self._waiting.maxlen:
            self._missed += 1
        self._waiting.append(record)
        self._news.set()

    async def take(self) -> tuple[int, tuple[ExchangeRecord, ...]]:
        """Wait for news; return how many were missed since the last call, and the records, oldest first."""
        await self._news.wait()
        self._news.clear()
        missed, self._missed = self._missed, 0
        records = tuple(self._waiting)
        self._waiting.clear()
        return missed, records


class Recorder:
    """The queue before a store. `dropped` counts the records that were lost."""

    def __init__(self, store: RecordStore, *, limit: int = 10_000) -> None:
        self._store = store
        self._limit = limit
        self._pending: deque[ExchangeRecord] = deque()
        self._work = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self.followers: set[Follower] = set()
        self.dropped = 0

    def offer(self, record: ExchangeRecord) -> None:
        """Take a record; never waits, never fails."""
        for follower in self.followers:
            follower.give(record)
        if len(self._pending) >= self._limit:
            self.dropped += 1
            return
        self._pending.append(record)
        self._work.set()

    def subscribe(self, query: RecordQuery, *, size: int = 256) -> Follower:
        """Follow new records; at most `size` of them wait for the reader."""
        return Follower(self, query, size)

    async def page(self, query: RecordQuery) -> tuple[ExchangeRecord, ...]:
        """Return what matches, newest first. Raises `StoreError`."""
        await self.flush()
        return await self._store.page(query)

    async def find(self, record_id: str) -> ExchangeRecord | None:
        """Return one record by its id. Raises `StoreError`."""
        await self.flush()
        return await self._store.find(record_id)

    def start(self) -> None:
        """Begin to write; needs a running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._write(), name="recorder")

    async def stop(self) -> None:
        """Write what is left and end."""
        if self._task is not None:
            self._ending = True
            self._work.set()
            await self._task
            self._task, self._ending = None, False
        await self.flush()

    async def flush(self) -> None:
        """Hand everything offered so far to the store."""
        async with self._writing:
            while self._pending:
                batch = tuple(self._pending)
                try:
                    await self._store.add(batch)
                except StoreError:
                    self.dropped += len(batch)
                    _log.exception("%d request records were lost: the store failed", len(batch))
                for _ in batch:  # only now: a cancelled write leaves them for the next one
                    self._pending.popleft()

    async def _write(self) -> None:
        while not self._ending:
            await self._work.wait()
            self._work.clear()
            await self.flush()
