"""Event streams: every event once, its end told from its loss."""

from __future__ import annotations

import pytest

from proxyctl.admin.schema import AdminError, ExchangeRecord, MetricsReport, ProviderMetrics
from proxyctl.client.admin import LogFilter
from proxyctl.client.errors import CutError, RefusedError, StrangerError
from proxyctl.client.watch import events, follow_logs, follow_metrics, follow_provider_metrics

from .stand_in import StandIn, event, stream


def record(number: int) -> ExchangeRecord:
    return ExchangeRecord(
        id=f"px_{number}",
        started_at=float(number),
        dialect="openai-chat",
        requested_model="m",
        outcome="ok",
        status=200,
        stream=False,
        duration_ms=1.0,
    )


@pytest.mark.parametrize(
    ("wire", "data"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"data:1\n\n", [b"1"]),
        (b"data:  1\n\n", [b" 1"]),
        (b"event: metrics\nid: 7\ndata: 1\n\n", [b"1"]),
        (b"data: 1\ndata: 2\n\n", [b"1\n2"]),
        (b":\n\n: a comment\n\ndata: 1\n\n", [b"1"]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"]),
        (b"\n\n\n", []),
        (b"data: 1\n\ndata: cut", [b"1"]),
        (b"data: 1\n\ndata: cut\n", [b"1"]),
        (b"", []),
    ],
)
def test_events_in_lines(wire: bytes, data: list[bytes]) -> None:
    assert list(events(wire.splitlines(keepends=True))) == data


def test_metrics_are_followed(daemon: StandIn) -> None:
    reports = [MetricsReport(since=1.0, total=ProviderMetrics(name="total", requests=n), providers=()) for n in (0, 1)]
    daemon.says("GET", "/providers/metrics", stream([b": hello\n\n", *(event(one, "metrics") for one in reports)]))

    assert list(follow_metrics(daemon.endpoint)) == reports
    assert daemon.received[0].query == {"follow": "1"}
    assert daemon.received[0].headers["accept"] == "text/event-stream"


def test_one_providers_metrics_are_followed(daemon: StandIn) -> None:
    found = ProviderMetrics(name="groq", requests=4)
    daemon.says("GET", "/providers/metrics/groq", stream([event(found)]))

    assert list(follow_provider_metrics(daemon.endpoint, "groq")) == [found]


def test_logs_are_followed_with_their_filter(daemon: StandIn) -> None:
    daemon.says("GET", "/providers/logs/groq", stream([event(record(1)) + event(record(2))]))

    got = list(follow_logs(daemon.endpoint, LogFilter(provider="groq", limit=3, status="ok")))

    assert got == [record(1), record(2)]
    assert daemon.received[0].query == {"limit": "3", "status": "ok", "follow": "1"}


def test_a_broken_stream_is_not_an_end(daemon: StandIn) -> None:
    daemon.says("GET", "/providers/logs", stream([event(record(1))], cut=True))

    got = []
    with pytest.raises(CutError):
        got.extend(follow_logs(daemon.endpoint, LogFilter()))


def test_leaving_early_closes_the_connection(daemon: StandIn) -> None:
    daemon.says("GET", "/providers/logs", stream(event(record(n)) for n in range(100)))
    following = follow_logs(daemon.endpoint, LogFilter())

    assert next(following) == record(0)
    following.close()


def test_a_refusal_instead_of_a_stream(daemon: StandIn) -> None:
    daemon.answers("GET", "/providers/logs/x", AdminError(code="unknown_provider", message="no x"), 404)

    with pytest.raises(RefusedError, match="no x"):
        next(follow_logs(daemon.endpoint, LogFilter(provider="x")))


def test_an_answer_that_is_no_stream(daemon: StandIn) -> None:
    daemon.answers("GET", "/providers/metrics", {})

    with pytest.raises(StrangerError, match="no event stream came"):
        next(follow_metrics(daemon.endpoint))


@pytest.mark.parametrize("data", [b"{", b'{"since": "x"}', b"\xff"])
def test_an_event_that_cannot_be_read(daemon: StandIn, data: bytes) -> None:
    daemon.says("GET", "/providers/metrics", stream([event(data)]))

    with pytest.raises(StrangerError, match="an event that we cannot read"):
        next(follow_metrics(daemon.endpoint))
