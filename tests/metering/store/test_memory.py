from __future__ import annotations

import pytest

from proxyctl.metering.store.base import RecordQuery, tried
from proxyctl.metering.store.memory import MemoryStore


async def ids(store: MemoryStore, **wanted) -> list[str]:
    return [record.id for record in await store.page(RecordQuery(**wanted))]


async def test_the_newest_come_first_and_no_more_than_asked_for(make_record, make_attempt) -> None:
    store = MemoryStore()
    await store.add([make_record(make_attempt(), id=str(number)) for number in range(5)])

    assert await ids(store, limit=2) == ["4", "3"]
    assert await ids(store, limit=0) == []


async def test_each_provider_keeps_its_own_last_words(make_record, make_attempt) -> None:
    store = MemoryStore(kept=3)
    await store.add([make_record(make_attempt("quiet"), id="quiet")])
    await store.add([make_record(make_attempt("busy"), id=f"busy-{number}") for number in range(50)])
    await store.add([make_record(id="refused")])

    assert await ids(store, limit=100) == ["refused", "busy-49", "busy-48", "busy-47", "quiet"]
    assert await ids(store, provider="busy") == ["busy-49", "busy-48", "busy-47"]
    assert await ids(store, provider="nobody") == []


async def test_an_exchange_stands_with_everybody_who_was_tried_and_once_in_all(make_record, make_attempt) -> None:
    store = MemoryStore()
    failed = make_attempt("alpha", outcome="error")
    await store.add([make_record(failed, failed, make_attempt("beta"), id="moved")])

    assert await ids(store) == await ids(store, provider="alpha") == await ids(store, provider="beta") == ["moved"]


async def test_a_record_is_found_by_its_id(make_record, make_attempt) -> None:
    store = MemoryStore()
    wanted = make_record(make_attempt("beta"), id="wanted")
    await store.add([make_record(make_attempt(), id="other"), wanted])

    assert await store.find("wanted") is wanted
    assert await store.find("gone") is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["refused", "late", "cut", "fine"]),
        ({"since": 1_500.0}, ["refused", "late"]),
        ({"status": 429}, ["late"]),
        ({"status_class": 4}, ["refused", "late"]),
        ({"status_class": 2}, ["cut", "fine"]),
        ({"outcome": "interrupted"}, ["cut"]),
        ({"outcome": "ok", "status_class": 4}, []),
        ({"model": "SONNET"}, ["cut"]),
        ({"model": "fast"}, ["fine"]),
        ({"model": "flash-*"}, ["fine"]),
        ({"model": "*-[01]"}, ["fine"]),
        ({"model": "0125"}, ["cut"]),
        ({"model": "sonnet?"}, []),
    ],
)
async def test_filters_hold_together(make_record, make_attempt, wanted, expected) -> None:
    store = MemoryStore()
    answered = make_attempt("alpha", model="flash-1")
    cut = make_attempt("beta", model="claude-sonnet", served_model="claude-sonnet-0125", outcome="interrupted")
    limited = make_attempt("alpha", model="big", outcome="error", started_at=2_000.0)
    await store.add(
        [
            make_record(answered, id="fine", requested_model="fast"),
            make_record(cut, id="cut", requested_model="default", usage=None),
            make_record(limited, id="late", started_at=2_000.0, status=429, requested_model="big"),
            make_record(id="refused", started_at=1_500.0, status=404, requested_model="unheard-of"),
        ]
    )

    assert await ids(store, **wanted) == expected


def test_who_was_tried(make_record, make_attempt) -> None:
    assert tried(make_record()) == frozenset()
    assert tried(make_record(make_attempt("alpha", outcome="error"), make_attempt("beta"))) == {"alpha", "beta"}
