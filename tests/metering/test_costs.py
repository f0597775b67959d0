from __future__ import annotations

from decimal import Decimal

from proxyctl.core.clock import ManualClock
from proxyctl.core.usage import Usage
from proxyctl.metering.costs import cost_report
from proxyctl.metering.metrics import Metrics


def test_lines_go_by_provider_and_served_model_the_dearest_first(make_attempt, make_record) -> None:
    metrics = Metrics(ManualClock(now=9.0))
    for attempt in (
        make_attempt("alpha", model="small", cost=Decimal("0.01")),
        make_attempt("beta", model="alias", served_model="big-0125", cost=Decimal("0.50")),
        make_attempt("alpha", model="small", cost=Decimal("0.02")),
        make_attempt("alpha", model="nameless", cost=None, usage=Usage(output=1, source="estimated")),
    ):
        metrics.observe(make_record(attempt))

    bill = cost_report(metrics)

    assert [(line.provider, line.model, line.cost, line.requests) for line in bill.lines] == [
        ("beta", "big-0125", Decimal("0.50"), 1),
        ("alpha", "small", Decimal("0.03"), 2),
        ("alpha", "nameless", None, 1),
    ]
    assert (bill.total, bill.unpriced, bill.currency, bill.since) == (Decimal("0.53"), 1, "USD", 9.0)
    assert bill.lines[-1].estimated == 1


def test_a_line_that_is_priced_in_part_says_both(make_attempt, make_record) -> None:
    metrics = Metrics(ManualClock())
    metrics.observe(make_record(make_attempt(cost=Decimal(1))))
    metrics.observe(make_record(make_attempt(cost=None)))

    (line,) = cost_report(metrics).lines

    assert (line.cost, line.unpriced, line.requests) == (1, 1, 2)


def test_a_free_model_costs_nothing_and_is_known(make_attempt, make_record) -> None:
    metrics = Metrics(ManualClock())
    metrics.observe(make_record(make_attempt(cost=Decimal(0))))

    (line,) = cost_report(metrics).lines

    assert (line.cost, line.unpriced) == (Decimal(0), 0)


def test_answers_without_usage_are_not_on_the_bill(make_attempt, make_record) -> None:
    metrics = Metrics(ManualClock())
    metrics.observe(make_record(make_attempt(outcome="error", error_kind="timeout")))

    assert cost_report(metrics).lines == ()
