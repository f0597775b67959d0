"""`logs`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.context import CliContext, usage
from proxyctl.cli.options import Json, MaybeName, context

if TYPE_CHECKING:
    from proxyctl.client.admin import LogFilter

_SPAN = re.compile(r"(\d+)\s*(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with each new request until Ctrl-C.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, metavar="N", help="How many of the latest.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Not older: 10m, 2h, 1d or 2026-01-31T12:00.")
]
Status = Annotated[
    str | None, typer.Option("--status", metavar="STATUS", help="Only this status, class or outcome: 429, 5xx, error.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="MODEL", help="Only models with this in their name, or a glob.")
]


def logs(
    ctx: typer.Context,
    name: MaybeName = None,
    follow: Follow = False,
    limit: Limit = 20,
    since: Since = None,
    status: Status = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Show the latest requests, or follow them.

    The newest comes last. With --json and --follow each record is one line.
    """
    from proxyctl.client.admin import LogFilter

    cli = context(ctx)
    wanted = LogFilter(
        provider=name or "",
        limit=limit,
        since=None if since is None else since_when(since, cli.now()),
        status=status or "",
        model=model or "",
    )
    if follow:
        _follow(cli, wanted, as_json=as_json)
        return
    page = cli.connect().logs(wanted)
    if as_json:
        cli.output.json(page)
    else:
        from proxyctl.cli.views import logs as views

        cli.output.show(page, views.render)


def _follow(cli: CliContext, wanted: LogFilter, *, as_json: bool) -> None:
    from proxyctl.client.watch import follow_logs

    output = cli.output
    records = follow_logs(cli.endpoint, wanted)
    if as_json:
        for record in records:
            output.json_line(record)
    else:
        from proxyctl.cli.views.logs import line

        for record in records:
            output.line(line(record, output.look(output.console())))
    output.say("The daemon has ended the stream.")


def since_when(text: str, now: float) -> float:
    """Unix seconds for `10m`, `2h`, a date with or without a time (this machine's zone), or Unix seconds themselves."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found:
        return now - int(found[1]) * _SECONDS[found[2]]
    if re.fullmatch(r"\d{9,}(\.\d+)?", text):
        return float(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise usage(f"`{text}` is no time", "for example `--since 10m`, `--since 2h`, `--since 2026-01-31`") from None
