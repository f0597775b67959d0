"""The bill so far, by provider and model, from the same counters that the metrics show."""

from __future__ import annotations

from decimal import Decimal

from proxyctl.admin.schema import CostLine, CostReport
from proxyctl.metering.metrics import Metrics, Spending

CURRENCY = "USD"


def cost_report(metrics: Metrics, provider: str | None = None) -> CostReport:
    """Return the costs since the last reset, the dearest first, unknown ones last; of one provider or of all."""
    found = [(key, spending) for key, spending in metrics.spending.items() if provider in (None, key[0])]
    lines = sorted((_line(*key, spending) for key, spending in found), key=_order)
    return CostReport(
        since=metrics.since,
        currency=CURRENCY,
        total=sum((spending.cost for _, spending in found), Decimal(0)),
        unpriced=sum(spending.unpriced for _, spending in found),
        lines=tuple(lines),
    )


def _line(provider: str, model: str, spending: Spending) -> CostLine:
    return CostLine(
        provider=provider,
        model=model,
        requests=spending.answers,
        tokens=spending.tokens.totals(),
        cost=spending.cost if spending.unpriced < spending.answers else None,
        unpriced=spending.unpriced,
        estimated=spending.estimated,
    )


def _order(line: CostLine) -> tuple[bool, Decimal, str, str]:
    return (line.cost is None, -(line.cost or Decimal(0)), line.provider, line.model)
