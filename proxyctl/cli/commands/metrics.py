"""`metrics` and `costs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.context import CliContext, usage
from proxyctl.cli.options import Json, MaybeName, context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxyctl.admin.schema import MetricsReport, ProviderMetrics


def metrics(
    ctx: typer.Context,
    name: MaybeName = None,
    live: Annotated[bool, typer.Option("--live", help="Follow the numbers until Ctrl-C.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Start counting anew.")] = False,
    as_json: Json = False,
) -> None:
    """Show requests, errors, tokens, cost and times per provider."""
    cli = context(ctx)
    if reset and name is not None:
        raise usage("--reset is for all providers", "leave the name out")
    if reset:
        cli.connect().reset_metrics()
        cli.output.data("Counting starts anew.")
        return
    if live:
        watch(cli, name, as_json=as_json)
        return
    client = cli.connect()
    found = client.metrics() if name is None else client.provider_metrics(name)
    if as_json:
        cli.output.json(found)
        return
    from proxyctl.cli.views import metrics as views

    cli.output.show(found, views.either)


def costs(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what each model cost.

    A model without a known price is shown as unknown, and the total says how many answers it leaves out.
    """
    cli = context(ctx)
    report = cli.connect().costs()
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import metrics as views

        cli.output.show(report, views.costs)


def watch(cli: CliContext, name: str | None = None, *, as_json: bool = False) -> None:
    """Show the counters again whenever they change, all of them or one provider's, until the daemon ends.

    Where nobody watches, print a line for each.
    """
    from proxyctl.client.watch import follow_metrics, follow_provider_metrics

    endpoint = cli.connect().endpoint
    reports = follow_metrics(endpoint) if name is None else follow_provider_metrics(endpoint, name)
    output = cli.output
    if as_json:
        for report in reports:
            output.json_line(report)
    elif output.is_terminal:
        _redraw(cli, reports)
    else:
        from proxyctl.cli.views.metrics import summary

        for report in reports:
            output.line(summary(report, output.look(output.console())))
    output.say("The daemon has ended the stream.")


def _redraw(cli: CliContext, reports: Iterable[MetricsReport | ProviderMetrics]) -> None:
    """Each report in the place of the last one. The cursor comes back however it ends."""
    from rich.live import Live

    from proxyctl.cli.views.metrics import either

    console = cli.output.console()
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        for report in reports:
            live.update(either(report, cli.output.look(console)), refresh=True)
