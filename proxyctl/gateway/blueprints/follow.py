"""Server-sent events of the management API: counters as they change, records as they come.

A stream here has no end of its own: it ends when the daemon drains or the reader leaves. It never holds up what it
shows. Comments go out in quiet times, so that both sides notice a dead connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

from proxyctl.dialects.sse import frame
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.base import RecordQuery

QUIET_SECONDS = 15.0
_KEEP_ALIVE = b":\n\n"
_encode = msgspec.json.Encoder().encode


async def follow_metrics(
    read: Callable[[], msgspec.Struct],
    version: Callable[[], int],
    draining: asyncio.Event,
    *,
    every: float,
    quiet_seconds: float = QUIET_SECONDS,
) -> AsyncIterator[bytes]:
    """Yield an event `metrics` now, and whenever `version` changed, at most once in `every` seconds."""
    seen: int | None = None
    quiet = 0.0
    while True:
        if version() != seen:
            seen, quiet = version(), 0.0
            yield frame(_encode(read()), "metrics")
        elif quiet >= quiet_seconds:
            quiet = 0.0
            yield _KEEP_ALIVE
        if await _set_within(draining, every):
            return
        quiet += every


async def follow_records(
    recorder: Recorder, query: RecordQuery, draining: asyncio.Event, *, quiet_seconds: float = QUIET_SECONDS
) -> AsyncIterator[bytes]:
    """Yield an event `record` for the last `query.limit` records, oldest first, then for each new one.

    A reader that is too slow misses the oldest; a comment says how many.
    """
    with recorder.subscribe(query) as follower:
        past = await recorder.page(query)
        known = {record.id for record in past}
        for record in reversed(past):
            yield frame(_encode(record), "record")
        ended = asyncio.create_task(draining.wait())
        news = asyncio.create_task(follower.take())
        try:
            while not ended.done():
                await asyncio.wait({news, ended}, timeout=quiet_seconds, return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    if not ended.done():
                        yield _KEEP_ALIVE
                    continue
                missed, records = news.result()
                news = asyncio.create_task(follower.take())
                if missed:
                    yield b": %d records missed\n\n" % missed
                for record in records:
                    if record.id not in known:
                        yield frame(_encode(record), "record")
        finally:
            ended.cancel()
            news.cancel()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
