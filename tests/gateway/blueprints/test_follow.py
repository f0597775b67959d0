"""Streams over real sockets, served as in the daemon."""

from __future__ import annotations

import asyncio

import msgspec

from proxyctl.admin.schema import ExchangeRecord, MetricsReport, ProviderMetrics
from proxyctl.gateway.blueprints.follow import follow_metrics, follow_records
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.base import RecordQuery
from proxyctl.metering.store.memory import MemoryStore


def read(event: bytes, name: str, shape):
    head, data = event.split(b"\n", 1)
    assert head == b"event: " + name.encode()
    return msgspec.json.decode(data.removeprefix(b"data: "), type=shape)


async def until(condition) -> None:
    """Let the server work until it is so; ten seconds are for a server that hangs."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_records_come_as_they_happen_after_the_latest_ones(open_stream, state, record) -> None:
    for name in ("one", "two", "three"):
        state.meter.observe(record(id=name))
    stream = await open_stream("/providers/logs?follow=1&limit=2")

    assert b"content-type: text/event-stream" in stream.head
    assert [read(await stream.event(), "record", ExchangeRecord).id for _ in range(2)] == ["two", "three"]
    state.meter.observe(record(id="four"))
    assert read(await stream.event(), "record", ExchangeRecord).id == "four"


async def test_a_filter_holds_for_what_comes(open_stream, state, record) -> None:
    stream = await open_stream("/providers/logs/beta?follow=1&status=ok")
    await until(lambda: state.recorder.followers)
    state.meter.observe(record("alpha", id="other"))
    state.meter.observe(record("beta", id="failed", outcome="error"))
    state.meter.observe(record("beta", id="wanted"))

    assert read(await stream.event(), "record", ExchangeRecord).id == "wanted"


async def test_metrics_come_now_and_at_each_change(open_stream, state, record) -> None:
    stream = await open_stream("/providers/metrics?follow=1")
    assert read(await stream.event(), "metrics", MetricsReport).total.requests == 0

    state.meter.observe(record())

    assert read(await stream.event(), "metrics", MetricsReport).total.requests == 1


async def test_one_provider_can_be_followed(open_stream, state) -> None:
    stream = await open_stream("/providers/metrics/alpha?follow=1")
    assert read(await stream.event(), "metrics", ProviderMetrics).active == 0

    state.metrics.begin("alpha")

    assert read(await stream.event(), "metrics", ProviderMetrics).active == 1


async def test_streams_end_well_when_the_daemon_drains(open_stream, state, record) -> None:
    logs = await open_stream("/providers/logs?follow=1")
    metrics = await open_stream("/providers/metrics?follow=1")
    await metrics.event()
    await until(lambda: state.recorder.followers)
    state.meter.observe(record(id="last"))
    assert read(await logs.event(), "record", ExchangeRecord).id == "last"

    state.draining.set()

    assert (await logs.event(), await metrics.event()) == (b"", b"")


async def test_a_reader_that_leaves_is_forgotten(open_stream, state) -> None:
    stream = await open_stream("/providers/logs?follow=1")
    await until(lambda: state.recorder.followers)

    await stream.leave()

    await until(lambda: not state.recorder.followers)


async def test_a_slow_reader_is_told_what_it_missed(record) -> None:
    recorder, draining = Recorder(MemoryStore()), asyncio.Event()
    events = follow_records(recorder, RecordQuery(limit=1), draining)
    recorder.offer(record(id="first"))
    await anext(events)
    for number in range(300):
        recorder.offer(record(id=f"later-{number}"))

    assert await anext(events) == b": 44 records missed\n\n"
    assert read((await anext(events)).removesuffix(b"\n\n"), "record", ExchangeRecord).id == "later-44"
    await events.aclose()
    assert not recorder.followers


async def test_nothing_is_told_twice_and_nothing_is_lost_between_past_and_future(record) -> None:
    """Records that arrive while the past is read stand in both."""

    class Late(MemoryStore):
        async def page(self, query: RecordQuery):
            found = await super().page(query)
            recorder.offer(record(id="meanwhile"))
            return found

    recorder, draining = Recorder(Late()), asyncio.Event()
    recorder.offer(record(id="past"))
    events = follow_records(recorder, RecordQuery(), draining)

    seen = [read((await anext(events)).removesuffix(b"\n\n"), "record", ExchangeRecord).id for _ in range(2)]

    assert seen == ["past", "meanwhile"]
    draining.set()
    assert [event async for event in events] == []


async def test_quiet_streams_stay_alive() -> None:
    draining = asyncio.Event()
    records = follow_records(Recorder(MemoryStore()), RecordQuery(), draining, quiet_seconds=0.001)
    metrics = follow_metrics(Quiet, lambda: 1, draining, every=0.001, quiet_seconds=0.003)

    assert await anext(metrics) == b"event: metrics\ndata: {}\n\n"
    assert await anext(metrics) == await anext(records) == b":\n\n"
    await records.aclose()
    await metrics.aclose()


class Quiet(msgspec.Struct):
    """A report of nothing."""
