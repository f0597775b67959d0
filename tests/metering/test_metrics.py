from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.clock import ManualClock
from proxyctl.core.exchange import AttemptRecord, ExchangeRecord, Outcome
from proxyctl.core.usage import Usage, UsageSource
from proxyctl.metering.costs import cost_report
from proxyctl.metering.metrics import OTHER_MODELS, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(ManualClock(now=5_000.0))


def test_an_answer_is_counted_where_it_came_from(metrics: Metrics, make_attempt, make_record) -> None:
    usage = Usage(input=7, cache_read=6, cache_write_5m=2, cache_write_1h=3, tool_input=1, output=9, reasoning=4)

    metrics.observe(make_record(make_attempt("alpha", usage=usage, cost=Decimal("0.5"))))

    alpha = metrics.of("alpha")
    assert (alpha.requests, alpha.succeeded, alpha.attempts, alpha.attempt_failures) == (1, 1, 1, 0)
    assert alpha.cost == Decimal("0.5")
    tokens = alpha.tokens
    assert (tokens.input, tokens.cache_read, tokens.cache_write, tokens.tool_input) == (7, 6, 5, 1)
    assert (tokens.output, tokens.reasoning) == (9, 4)
    assert metrics.of("beta").requests == 0


def test_a_fallback_counts_its_failure_and_its_answer(metrics: Metrics, make_attempt, make_record) -> None:
    failed = make_attempt("alpha", outcome="error", error_kind="rate_limit", error="alpha: too many")

    metrics.observe(make_record(failed, make_attempt("beta")))

    alpha, beta = metrics.of("alpha"), metrics.of("beta")
    assert (alpha.requests, alpha.attempts, alpha.attempt_failures) == (0, 1, 1)
    assert alpha.attempt_errors == {"rate_limit": 1}
    assert alpha.errors == {}
    assert (beta.requests, beta.succeeded, beta.attempts) == (1, 1, 1)
    assert metrics.snapshot().total.attempts == 2
    assert metrics.last("alpha") == ("alpha: too many", 1000.0)


def test_a_failed_attempt_that_used_tokens_costs_money_where_it_ran(metrics, make_attempt, make_record) -> None:
    """The provider charges for what it produced, whoever gave the answer in the end."""
    cut = make_attempt("alpha", outcome="error", error_kind="upstream", usage=Usage(output=3), cost=Decimal(2))

    metrics.observe(make_record(cut, make_attempt("beta", cost=Decimal(1))))

    assert metrics.of("alpha").cost == 2
    assert metrics.of("beta").cost == 1
    assert metrics.snapshot().total.cost == 3


def test_a_refusal_of_our_own_counts_in_the_total_only(metrics: Metrics, make_record) -> None:
    metrics.observe(make_record(error_kind="not_found"))

    report = metrics.snapshot(["alpha"])
    assert (report.total.requests, report.total.failed, report.total.errors) == (1, 1, {"not_found": 1})
    assert [(one.name, one.requests) for one in report.providers] == [("alpha", 0)]


def test_a_failure_without_a_class_is_still_counted(metrics: Metrics, make_attempt, make_record) -> None:
    metrics.observe(make_record(make_attempt(outcome="error")))

    assert metrics.of("alpha").errors == {"unknown": 1}


@pytest.mark.parametrize(("source", "expected"), [("reported", (0, 0)), ("estimated", (1, 0)), ("partial", (0, 1))])
def test_doubtful_usage_is_counted_as_such(metrics, make_attempt, make_record, source, expected) -> None:
    metrics.observe(make_record(make_attempt(usage=Usage(input=1, source=source))))

    alpha = metrics.of("alpha")
    assert (alpha.estimated, alpha.partial) == expected


def test_usage_without_a_price_is_not_free(metrics: Metrics, make_attempt, make_record) -> None:
    metrics.observe(make_record(make_attempt(cost=None)))
    metrics.observe(make_record(make_attempt(cost=Decimal(0))))

    alpha = metrics.of("alpha")
    assert (alpha.cost, alpha.unpriced) == (0, 1)


def test_times_are_the_providers_own_and_the_callers_in_total(metrics, make_attempt, make_record) -> None:
    failed = make_attempt("alpha", outcome="error", duration_ms=9_000.0)
    answered = make_attempt("beta", duration_ms=100.0, first_token_ms=50.0)

    metrics.observe(make_record(failed, answered, duration_ms=9_100.0, first_token_ms=9_050.0, gateway_ms=0.4))

    report = metrics.snapshot()
    assert metrics.of("alpha").latency_ms.p50 is None
    assert metrics.of("beta").latency_ms.p50 == pytest.approx(100, rel=0.01)
    assert metrics.of("beta").first_token_ms.p99 == pytest.approx(50, rel=0.01)
    assert report.total.latency_ms.p50 == pytest.approx(9_100, rel=0.01)
    assert report.total.first_token_ms.p50 == pytest.approx(9_050, rel=0.01)
    assert report.total.gateway_ms.p90 == pytest.approx(0.4, rel=0.01)


def test_the_gauge_shows_what_runs(metrics: Metrics) -> None:
    metrics.begin("alpha")
    metrics.begin("alpha")
    metrics.begin("beta")
    metrics.end("alpha")

    assert metrics.of("alpha").active == metrics.of("beta").active == 1
    assert metrics.snapshot().total.active == 2


def test_a_reset_forgets_counts_but_not_what_runs(make_attempt, make_record) -> None:
    clock = ManualClock(now=5_000.0)
    metrics = Metrics(clock)
    metrics.observe(make_record(make_attempt("alpha"), id="1"))
    metrics.begin("beta")
    clock.advance(60)

    since = metrics.reset()

    report = metrics.snapshot()
    assert since == report.since == 5_060.0
    assert report.total.requests == 0
    assert [(one.name, one.active) for one in report.providers] == [("beta", 1)]
    assert cost_report(metrics).lines == ()
    metrics.end("beta")
    assert metrics.snapshot().total.active == 0


def test_every_change_can_be_noticed(metrics: Metrics, make_record) -> None:
    versions = [metrics.version]
    for change in (lambda: metrics.begin("a"), lambda: metrics.observe(make_record()), metrics.reset):
        change()
        versions.append(metrics.version)

    assert versions == sorted(set(versions))


def test_names_that_a_server_makes_up_do_not_fill_the_memory(metrics, make_attempt, make_record) -> None:
    for number in range(1_200):
        metrics.observe(make_record(make_attempt(served_model=f"model-{number}")))

    lines = {line.model: line.requests for line in cost_report(metrics).lines}
    assert len(lines) == 1_001
    assert lines[OTHER_MODELS] == 200
    assert metrics.of("alpha").requests == 1_200


names = st.sampled_from(["alpha", "beta", "gamma"])
outcomes: st.SearchStrategy[Outcome] = st.sampled_from(get_args(Outcome))
counts = st.integers(0, 10_000)
usages = st.builds(
    Usage,
    input=counts,
    cache_read=counts,
    cache_write=counts,
    tool_input=counts,
    output=counts,
    reasoning=counts,
    source=st.sampled_from(get_args(UsageSource)),
)
attempts = st.builds(
    AttemptRecord,
    provider=names,
    model=st.sampled_from(["one", "two"]),
    lane=st.just("passthrough"),
    outcome=outcomes,
    started_at=st.just(1.0),
    duration_ms=st.floats(0, 1e6),
    served_model=st.sampled_from(["", "one", "two-0125"]),
    error_kind=st.sampled_from(["", "timeout", "rate_limit"]),
    usage=st.none() | usages,
    cost=st.none() | st.decimals(0, 100, places=6),
)


@st.composite
def records(draw: st.DrawFn) -> ExchangeRecord:
    tries = tuple(draw(st.lists(attempts, max_size=4)))
    return ExchangeRecord(
        id="px_1",
        started_at=1.0,
        dialect="openai-chat",
        requested_model="one",
        outcome=draw(outcomes),
        status=200,
        stream=False,
        duration_ms=draw(st.floats(0, 1e6)),
        provider=tries[-1].provider if tries else "",
        error_kind=draw(st.sampled_from(["", "timeout", "upstream"])),
        gateway_ms=draw(st.none() | st.floats(0, 1e3)),
        attempts=tries,
    )


@given(seen=st.lists(records(), max_size=30))
def test_totals_are_the_sums_of_the_records(seen: list[ExchangeRecord]) -> None:
    metrics = Metrics(ManualClock())
    for record in seen:
        metrics.observe(record)

    total = metrics.snapshot().total
    used = [attempt for record in seen for attempt in record.attempts if attempt.usage is not None]
    assert total.requests == len(seen)
    assert total.requests == total.succeeded + total.failed + total.interrupted + total.client_closed
    assert sum(total.errors.values()) == total.failed + total.interrupted
    assert sum(total.attempt_errors.values()) == total.attempt_failures
    assert total.attempts == sum(len(record.attempts) for record in seen)
    assert total.tokens.input == sum(attempt.usage.input for attempt in used)
    assert total.tokens.reasoning == sum(attempt.usage.reasoning for attempt in used)
    assert total.cost == sum((attempt.cost for attempt in used if attempt.cost is not None), Decimal(0))
    assert total.unpriced == sum(attempt.cost is None for attempt in used)


@given(seen=st.lists(records(), max_size=30))
def test_providers_and_refusals_add_up_to_the_total(seen: list[ExchangeRecord]) -> None:
    metrics = Metrics(ManualClock())
    for record in seen:
        metrics.observe(record)

    report = metrics.snapshot()
    unasked = sum(not record.provider for record in seen)
    assert report.total.requests == unasked + sum(one.requests for one in report.providers)
    for figure in ("attempts", "attempt_failures", "cost", "unpriced", "estimated", "partial"):
        assert getattr(report.total, figure) == sum(getattr(one, figure) for one in report.providers), figure
    for kind in ("input", "cache_read", "cache_write", "tool_input", "output", "reasoning"):
        assert getattr(report.total.tokens, kind) == sum(getattr(one.tokens, kind) for one in report.providers), kind
    by_outcome = Counter(record.outcome for record in seen)
    assert report.total.failed == by_outcome["error"] + by_outcome["refused"]


@given(seen=st.lists(records(), max_size=30))
def test_the_bill_is_that_of_the_metrics(seen: list[ExchangeRecord]) -> None:
    metrics = Metrics(ManualClock())
    for record in seen:
        metrics.observe(record)

    bill, total = cost_report(metrics), metrics.snapshot().total
    assert bill.total == total.cost == sum((line.cost or Decimal(0) for line in bill.lines), Decimal(0))
    assert bill.unpriced == total.unpriced == sum(line.unpriced for line in bill.lines)
    assert sum(line.tokens.output for line in bill.lines) == total.tokens.output
    assert cost_report(metrics, "alpha").total == metrics.of("alpha").cost
