from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from proxyctl.admin.schema import (
    AdminError,
    CostReport,
    ExchangeRecord,
    LogPage,
    Loss,
    MetricsReport,
    ProviderMetrics,
    ResetResult,
    StatusReport,
)

NOW = 1_795_500_000.0


async def ask(client, path, shape, status: int = 200, **more):
    method = more.pop("method", "GET")
    answer = await client.open(path, method=method, **more)
    body = await answer.get_data()
    assert (answer.status_code, answer.content_type) == (status, "application/json"), body
    return msgspec.json.decode(body, type=shape)


async def test_status_shows_each_provider_as_routing_sees_it(client, state, record) -> None:
    state.meter.observe(record("beta"))
    state.meter.observe(record("beta", outcome="error", status=502, error_kind="timeout"))

    report = await ask(client, "/providers/status", StatusReport)

    assert report.primary == "alpha"
    alpha, beta, gone = report.providers
    assert (alpha.name, alpha.kind, alpha.mode, alpha.primary, alpha.state) == (
        "alpha", "alpha-kind", "pooled", True, "ready",
    )  # fmt: skip
    assert (alpha.models, alpha.models_updated_at, alpha.base_url) == (2, NOW - 10, "https://alpha.test/v1")
    assert alpha.credentials[0].label == "ALPHA_API_KEY"
    assert (beta.requests, beta.errors, beta.weight, beta.priority) == (2, 1, 2.0, 5)
    assert beta.dialects == ("anthropic-messages", "openai-chat")
    assert beta.last_used_at == NOW - 30
    assert (gone.state, gone.note, gone.base_url) == ("off", "switched off", "https://gone.test")


async def test_metrics_name_everybody_configured_and_add_up(client, state, record) -> None:
    state.meter.observe(record("beta"))

    report = await ask(client, "/providers/metrics", MetricsReport)

    assert [(one.name, one.requests) for one in report.providers] == [("alpha", 0), ("beta", 1), ("gone", 0)]
    assert report.total.requests == 1
    assert report.since == NOW


async def test_one_providers_metrics_have_its_cost(client, state, record) -> None:
    state.meter.observe(record("alpha"))

    alpha = await ask(client, "/providers/metrics/alpha", ProviderMetrics)

    assert (alpha.name, alpha.cost, alpha.unpriced) == ("alpha", Decimal("0.42"), 0)


async def test_money_is_a_string_on_the_wire(client, state, record) -> None:
    state.meter.observe(record("alpha"))

    answer = await client.get("/providers/costs")

    assert (await answer.get_json())["total"] == "0.42"


async def test_costs_leave_the_unknown_out_and_say_so(client, state, record) -> None:
    state.meter.observe(record("alpha"))
    state.meter.observe(record("beta"))

    bill = await ask(client, "/providers/costs", CostReport)

    assert (bill.total, bill.unpriced, bill.currency) == (Decimal("0.42"), 1, "USD")
    assert [(line.provider, line.cost) for line in bill.lines] == [("alpha", Decimal("0.42")), ("beta", None)]
    assert (await ask(client, "/providers/costs?provider=beta", CostReport)).total == 0


async def test_a_reset_zeroes_counters_and_keeps_records(client, state, record, token) -> None:
    state.meter.observe(record("alpha"))
    state.clock.advance(5)

    result = await ask(client, "/providers/metrics/reset", ResetResult, method="POST", headers=token)

    assert result.reset_at == NOW + 5
    assert (await ask(client, "/providers/metrics", MetricsReport)).total.requests == 0
    assert len((await ask(client, "/providers/logs", LogPage)).records) == 1


async def test_logs_are_newest_first_and_limited(client, state, record) -> None:
    for number in range(60):
        state.meter.observe(record(id=f"px_{number}"))

    page = await ask(client, "/providers/logs", LogPage)

    assert len(page.records) == 50
    assert page.records[0].id == "px_59"
    assert page.dropped == 0
    assert len((await ask(client, "/providers/logs?limit=1000", LogPage)).records) == 60


async def test_logs_of_a_provider_are_those_that_tried_it(client, state, record) -> None:
    state.meter.observe(record("alpha", id="a"))
    state.meter.observe(record("beta", id="b"))

    page = await ask(client, "/providers/logs/beta", LogPage)

    assert [one.id for one in page.records] == ["b"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("since=15m", ["new"]),
        ("since=2h", ["new", "old"]),
        (f"since={NOW - 60}", ["new"]),
        ("since=2026-11-24T05:50:00Z", ["new"]),
        ("since=2026-11-24T06:50:00+01:00", ["new"]),
        ("since=2026-11-24T06:50:00%2B01:00", ["new"]),
        ("since=2026-11-24", ["new", "old"]),
        ("since=0001-01-01T00:00:00%2B23:59", ["new", "old"]),
        ("status=429", ["old"]),
        ("status=4xx", ["old"]),
        ("status=2XX", ["new"]),
        ("status=ok", ["new"]),
        ("status=error", ["old"]),
        ("model=opus", ["new"]),
        ("model=fast*", ["old"]),
        ("limit=1", ["new"]),
        ("since=&status=&model=", ["new", "old"]),
    ],
)
async def test_logs_are_filtered(client, state, record, query, expected) -> None:
    """Now is 2026-11-24T06:00:00Z; the old record is an hour old."""
    attempts = ()
    state.meter.observe(
        record(id="old", started_at=NOW - 3_600, status=429, outcome="error", requested_model="fast-1",
               upstream_model="", attempts=attempts)
    )  # fmt: skip
    state.meter.observe(record(id="new"))

    page = await ask(client, f"/providers/logs?{query}", LogPage)

    assert [one.id for one in page.records] == expected


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/providers/logs?limit=1001", "limit: "),
        ("/providers/logs?limit=-1", "limit: "),
        ("/providers/logs?limit=many", "limit: "),
        ("/providers/logs?limit=99999999999999999999999", "limit: "),
        ("/providers/logs?since=yesterday", "since: 'yesterday'"),
        ("/providers/logs?since=nan", "since: 'nan'"),
        ("/providers/logs?since=-5", "since: '-5'"),
        ("/providers/logs?since=9999999999999d", "since: '9999999999999d'"),
        ("/providers/logs?since=1e999", "since: '1e999'"),
        ("/providers/logs?since=2026-02-30", "since: '2026-02-30'"),
        ("/providers/logs?status=600", "status: '600'"),
        ("/providers/logs?status=6xx", "status: '6xx'"),
        ("/providers/logs?status=fine", "status: 'fine'"),
        ("/providers/logs?follow=maybe", "follow: "),
        ("/providers/logs?limit=1&limit=2", "'limit' is given 2 times"),
        ("/providers/logs?modle=x", "`modle`"),
        ("/providers/metrics?verbose=1", "`verbose`"),
        ("/providers/status?x=", "`x`"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_refused_in_words(client, path, told) -> None:
    error = await ask(client, path, AdminError, 400)

    assert error.code == "bad_request"
    assert told in error.message


async def test_a_misspelt_parameter_is_told_the_right_ones(client) -> None:
    error = await ask(client, "/providers/logs?modle=x", AdminError, 400)

    assert error.hint == "the parameters are: limit, since, status, model, follow"


@pytest.mark.parametrize(
    "path", ["/providers/metrics/alhpa", "/providers/logs/alhpa", "/providers/costs?provider=alhpa"]
)
async def test_an_unknown_provider_is_answered_with_the_near_ones(client, path) -> None:
    error = await ask(client, path, AdminError, 404)

    assert (error.code, error.hint) == ("unknown_provider", "did you mean alpha?")


async def test_a_name_far_from_all_is_answered_with_all(client) -> None:
    error = await ask(client, "/providers/metrics/xyz", AdminError, 404)

    assert error.hint == "the providers are: alpha, beta, gone"


async def test_a_provider_that_was_removed_can_still_be_looked_up(client, state, record) -> None:
    state.meter.observe(record("removed"))

    assert (await ask(client, "/providers/metrics/removed", ProviderMetrics)).requests == 1


async def test_a_record_is_found_by_its_id_with_its_cost(client, state, record) -> None:
    state.meter.observe(record(id="px_wanted"))

    found = await ask(client, "/providers/records/px_wanted", ExchangeRecord)

    assert (found.id, found.cost, found.attempts[0].model) == ("px_wanted", Decimal("0.42"), "claude-opus-5-5")


async def test_a_record_has_its_whole_ledger(client, state, record) -> None:
    losses = tuple(Loss(f"messages[{number}].name", "it has no counterpart there") for number in range(1000))
    state.meter.observe(record(id="px_lossy", losses=losses))

    found = await ask(client, "/providers/records/px_lossy", ExchangeRecord)

    assert found.losses == losses


async def test_a_record_that_is_gone_is_not_found(client) -> None:
    error = await ask(client, "/providers/records/px_none", AdminError, 404)

    assert error.code == "not_found"
