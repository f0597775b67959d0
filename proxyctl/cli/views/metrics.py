"""`metrics` and `costs`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from proxyctl.admin.schema import CostLine, CostReport, MetricsReport, ProviderMetrics, Quantiles, TokenTotals
from proxyctl.cli.views.figures import (
    NONE,
    UNKNOWN,
    Look,
    age,
    count,
    duration,
    moment,
    one_line,
    several,
    share,
    sum_in_column,
    sum_of_money,
)
from proxyctl.cli.views.tables import Cell, Column, facts, name, note, stacked, table


def tokens_in(tokens: TokenTotals) -> int:
    return tokens.input + tokens.cache_read + tokens.cache_write + tokens.tool_input


def tokens_out(tokens: TokenTotals) -> int:
    return tokens.output + tokens.reasoning


def render(report: MetricsReport, look: Look) -> RenderableType:
    """One row a provider that was asked anything, and their sum."""
    columns = [
        Column("Provider"),
        Column("Requests", right=True),
        Column("OK", right=True, spare=2),
        Column("In", right=True, spare=3),
        Column("Out", right=True, spare=4),
        Column("Cost", right=True),
        Column("First token", right=True, spare=6),
        Column("Latency", right=True, spare=5),
    ]
    if look.wide:
        columns += [
            Column("Active", right=True, spare=10),
            Column("Failed", right=True, spare=11),
            Column("Cut", right=True, spare=12),
            Column("Left", right=True, spare=13),
            Column("Cached", right=True, spare=14),
            Column("Reasoning", right=True, spare=15),
            Column("p90", right=True, spare=16),
            Column("p99", right=True, spare=17),
        ]
    asked = [one for one in report.providers if one.requests or one.attempts or one.active]
    rows = [_row(name(one.name), one, look) for one in asked]
    rows.append(_row(Text("total", style="bold"), report.total, look))
    return stacked(table(columns, rows), _errors(report), note(_since(report, look)))


def _row(title: Text, one: ProviderMetrics, look: Look) -> list[Cell]:
    row: list[Cell] = [
        title,
        count(one.requests),
        share(one.succeeded, one.requests),
        count(tokens_in(one.tokens)),
        count(tokens_out(one.tokens)),
        sum_in_column(one.cost, one.unpriced),
        duration(one.first_token_ms.p50),
        duration(one.latency_ms.p50),
    ]
    if look.wide:
        row += [
            count(one.active),
            count(one.failed),
            count(one.interrupted),
            count(one.client_closed),
            count(one.tokens.cache_read),
            count(one.tokens.reasoning),
            duration(one.latency_ms.p90),
            duration(one.latency_ms.p99),
        ]
    return row


def _errors(report: MetricsReport) -> RenderableType | None:
    """The classes of failure, per provider, the most frequent first: of answers, and of tries that moved on."""
    lines = [(f"{one.name} errors", _classes(one.errors)) for one in report.providers if one.errors]
    lines += [
        (f"{one.name} failed tries", _classes(one.attempt_errors))
        for one in report.providers
        if one.attempt_errors and one.attempt_errors != one.errors
    ]
    return facts(iter(lines)) if lines else None


def _classes(errors: dict[str, int]) -> str:
    ordered = sorted(errors.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{one_line(kind)} {number:,}" for kind, number in ordered)


def _since(report: MetricsReport, look: Look) -> str:
    said = f"Since {age(report.since, look)}; times are medians of the latest requests."
    if report.total.unpriced:
        said += f" Cost leaves out {several(report.total.unpriced, 'answer')} whose price is unknown."
    if report.total.estimated:
        said += f" Tokens of {several(report.total.estimated, 'answer')} are estimated."
    return said


def either(found: MetricsReport | ProviderMetrics, look: Look) -> RenderableType:
    """All providers in a table, or one in detail."""
    return render(found, look) if isinstance(found, MetricsReport) else details(found, look)


def summary(found: MetricsReport | ProviderMetrics, look: Look) -> RenderableType:
    """The counters in one line, for a reader that is no terminal."""
    total = found.total if isinstance(found, MetricsReport) else found
    told = (
        moment(look.now, look),
        several(total.requests, "request"),
        f"{share(total.succeeded, total.requests)} ok",
        several(total.active, "active", "active"),
        f"{count(tokens_in(total.tokens))} in {count(tokens_out(total.tokens))} out",
        f"{sum_of_money(total.cost, total.unpriced)} cost",
        f"median {duration(total.latency_ms.p50)}",
    )
    return Text("  ".join(told))


def details(one: ProviderMetrics, look: Look) -> RenderableType:
    """Everything that is counted for one provider."""
    del look
    return facts(_details(one))


def _details(one: ProviderMetrics) -> Iterator[tuple[str, Cell]]:
    yield "provider", name(one.name)
    yield "requests", f"{one.requests:,}, {share(one.succeeded, one.requests)} ok"
    yield "failed", f"{one.failed:,}"
    yield "interrupted", f"{one.interrupted:,}"
    yield "client left", f"{one.client_closed:,}"
    yield "active", f"{one.active:,}"
    yield "attempts", f"{one.attempts:,}, {one.attempt_failures:,} failed"
    if one.errors:
        yield "errors", _classes(one.errors)
    yield "tokens in", _tokens_in(one.tokens)
    yield "tokens out", f"{tokens_out(one.tokens):,}, {one.tokens.reasoning:,} of them reasoning"
    if one.estimated:
        yield "estimated", several(one.estimated, "answer")
    yield "cost", sum_of_money(one.cost, one.unpriced)
    yield "latency", _quantiles(one.latency_ms)
    yield "first token", _quantiles(one.first_token_ms)
    yield "gateway", _quantiles(one.gateway_ms)


def _tokens_in(tokens: TokenTotals) -> str:
    parts = (("from cache", tokens.cache_read), ("to cache", tokens.cache_write), ("tools", tokens.tool_input))
    told = [f"{number:,} {what}" for what, number in parts if number]
    return f"{tokens_in(tokens):,}" + (f" ({', '.join(told)})" if told else "")


def _quantiles(found: Quantiles) -> str:
    if found.p50 is None:
        return NONE
    return f"{duration(found.p50)} median, {duration(found.p90)} p90, {duration(found.p99)} p99"


def costs(report: CostReport, look: Look) -> RenderableType:
    columns = [
        Column("Provider"),
        Column("Model", fold=True),
        Column("Requests", right=True),
        Column("In", right=True, spare=3),
        Column("Out", right=True, spare=4),
        Column("Cost", right=True),
    ]
    if look.wide:
        columns[4:4] = [Column("Cached", right=True, spare=14)]
    rows = [_cost_row(line, look) for line in report.lines]
    total = Text.assemble(
        ("Total ", "bold"),
        (sum_of_money(report.total, report.unpriced), "bold"),
        f" since {age(report.since, look)}.",
    )
    left_out = None
    if report.unpriced:
        left_out = note(f"The price of {several(report.unpriced, 'answer')} is unknown: the sums leave them out.")
    return stacked(table(columns, rows) if rows else None, total, left_out)


def _cost_row(line: CostLine, look: Look) -> list[Cell]:
    row: list[Cell] = [
        name(line.provider),
        one_line(line.model),
        count(line.requests),
        count(tokens_in(line.tokens)),
        count(tokens_out(line.tokens)),
        UNKNOWN if line.cost is None else sum_in_column(line.cost, line.unpriced),
    ]
    if look.wide:
        row[4:4] = [count(line.tokens.cache_read)]
    return row
