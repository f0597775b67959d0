from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from proxyctl.core.exchange import ExchangeRecord
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.base import RecordQuery, StoreError
from proxyctl.metering.store.memory import MemoryStore

EVERYTHING = RecordQuery(limit=1_000)


class GatedStore(MemoryStore):
    """A store that is as slow as the test wants, and as broken."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.broken = False

    async def add(self, records: Sequence[ExchangeRecord]) -> None:
        self.entered.set()
        await self.gate.wait()
        if self.broken:
            raise StoreError("the disk is full")
        await super().add(records)


async def test_a_reader_finds_what_was_offered_before(make_record, make_attempt) -> None:
    recorder = Recorder(MemoryStore())
    recorder.offer(make_record(make_attempt(), id="a"))

    assert [record.id for record in await recorder.page(EVERYTHING)] == ["a"]
    recorder.offer(make_record(make_attempt(), id="b"))
    found = await recorder.find("b")
    assert found is not None


async def test_the_writer_works_without_a_reader(make_record) -> None:
    store = GatedStore()
    recorder = Recorder(store)
    recorder.start()
    recorder.offer(make_record(id="a"))
    await store.entered.wait()

    store.gate.set()
    await recorder.stop()

    assert [record.id for record in await store.page(EVERYTHING)] == ["a"]


async def test_a_slow_store_never_holds_up_the_offer(make_record) -> None:
    store = GatedStore()
    recorder = Recorder(store, limit=3)
    recorder.start()
    for number in range(10):
        recorder.offer(make_record(id=str(number)))

    assert recorder.dropped == 7
    store.gate.set()
    await recorder.stop()
    assert [record.id for record in await store.page(EVERYTHING)] == ["2", "1", "0"]


async def test_stopping_loses_nothing(make_record) -> None:
    store = GatedStore()
    recorder = Recorder(store)
    recorder.start()
    recorder.offer(make_record(id="first"))
    await store.entered.wait()
    recorder.offer(make_record(id="second"))

    stopping = asyncio.create_task(recorder.stop())
    store.gate.set()
    await stopping

    assert [record.id for record in await store.page(EVERYTHING)] == ["second", "first"]
    assert recorder.dropped == 0


async def test_a_write_that_is_cancelled_is_done_again(make_record) -> None:
    store = GatedStore()
    recorder = Recorder(store)
    recorder.offer(make_record(id="a"))
    reading = asyncio.create_task(recorder.page(EVERYTHING))
    await store.entered.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    store.gate.set()

    assert [record.id for record in await recorder.page(EVERYTHING)] == ["a"]


async def test_a_store_that_fails_costs_records_and_says_so(make_record, caplog: pytest.LogCaptureFixture) -> None:
    store = GatedStore()
    store.gate.set()
    store.broken = True
    recorder = Recorder(store)
    recorder.offer(make_record(id="lost"))
    await recorder.flush()
    store.broken = False
    recorder.offer(make_record(id="kept"))

    kept = await recorder.page(EVERYTHING)

    assert [record.id for record in kept] == ["kept"]
    assert recorder.dropped == 1
    assert "1 request records were lost" in caplog.text


async def test_a_follower_sees_what_matches_from_then_on(make_record, make_attempt) -> None:
    recorder = Recorder(MemoryStore())
    recorder.offer(make_record(make_attempt("alpha"), id="before"))
    with recorder.subscribe(RecordQuery(provider="alpha")) as follower:
        recorder.offer(make_record(make_attempt("alpha"), id="one"))
        recorder.offer(make_record(make_attempt("beta"), id="other"))
        recorder.offer(make_record(make_attempt("alpha"), id="two"))

        missed, records = await follower.take()

    assert missed == 0
    assert [record.id for record in records] == ["one", "two"]


async def test_a_slow_follower_loses_the_oldest_and_learns_how_many(make_record) -> None:
    recorder = Recorder(MemoryStore())
    with recorder.subscribe(RecordQuery(), size=3) as follower:
        for number in range(10):
            recorder.offer(make_record(id=str(number)))

        assert len(follower._waiting) == 3
        missed, records = await follower.take()
        recorder.offer(make_record(id="next"))
        later = await follower.take()

    assert missed == 7
    assert [record.id for record in records] == ["7", "8", "9"]
    assert (later[0], later[1][0].id) == (0, "next")


async def test_who_stops_following_is_forgotten() -> None:
    recorder = Recorder(MemoryStore())
    with recorder.subscribe(RecordQuery()):
        assert len(recorder.followers) == 1

    assert not recorder.followers


async def test_a_follower_that_waits_is_woken(make_record) -> None:
    recorder = Recorder(MemoryStore())
    with recorder.subscribe(RecordQuery()) as follower:
        taking = asyncio.create_task(follower.take())
        await asyncio.sleep(0)
        assert not taking.done()
        recorder.offer(make_record(id="news"))

        _, records = await taking

    assert [record.id for record in records] == ["news"]
