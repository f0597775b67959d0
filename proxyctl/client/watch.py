"""Follow the daemon's event streams: `?follow=1` on metrics and logs.

Each event's data is one JSON value of a known shape. Comments keep the connection alive and are passed over. A stream
that the daemon ends is over; one that breaks raises `CutError`, because "nothing more happened" would be a guess.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

import msgspec

from proxyctl.admin.schema import ExchangeRecord, MetricsReport, ProviderMetrics
from proxyctl.client.admin import LogFilter, refusal, segment
from proxyctl.client.connection import Answer, Endpoint, Query, open_call
from proxyctl.client.errors import StrangerError

T = TypeVar("T")

_EVENTS = "text/event-stream"


def follow_metrics(endpoint: Endpoint) -> Generator[MetricsReport]:
    """The state of the counters now, and again whenever it changed."""
    return _follow(endpoint, "/providers/metrics", {"follow": 1}, MetricsReport)


def follow_provider_metrics(endpoint: Endpoint, name: str) -> Generator[ProviderMetrics]:
    """One provider's counters, in the same way."""
    return _follow(endpoint, f"/providers/metrics/{segment(name)}", {"follow": 1}, ProviderMetrics)


def follow_logs(endpoint: Endpoint, wanted: LogFilter) -> Generator[ExchangeRecord]:
    """Records in the order in which they happen: first the latest `limit` ones, oldest first, then each new one."""
    return _follow(endpoint, wanted.path(), {**wanted.query(), "follow": 1}, ExchangeRecord)


def events(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event in a stream of lines. An event that the end of the stream cuts short is not one."""
    data: list[bytes] = []
    for line in lines:
        text = line.rstrip(b"\r\n")
        if text.startswith(b"data:"):
            data.append(text[5:].removeprefix(b" "))
        elif not text and data:
            yield b"\n".join(data)
            data = []


def _follow(endpoint: Endpoint, path: str, query: Query, shape: type[T]) -> Generator[T]:
    headers = {"accept": _EVENTS}
    with open_call(endpoint, "GET", path, query=query, headers=headers) as answer:
        if answer.status >= 400:
            raise refusal(endpoint, Answer(answer.status, answer.headers, answer.read()))
        if not answer.headers.get("content-type", "").startswith(_EVENTS):
            raise StrangerError(endpoint.address, "no event stream came")
        decoder = msgspec.json.Decoder(shape)
        for data in events(answer):
            try:
                value = decoder.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise StrangerError(endpoint.address, f"an event that we cannot read: {exc}") from None
            yield value
