"""`logs`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from proxyctl.cli.completing import names_and_show
from proxyctl.cli.context import CliContext, usage
from proxyctl.cli.failures import suggestion
from proxyctl.cli.options import Json, context
from proxyctl.core.exchange import Outcome

if TYPE_CHECKING:
    from proxyctl.client.admin import LogFilter

OUTCOMES: tuple[str, ...] = get_args(Outcome)
_SPAN = re.compile(r"(\d+)\s*(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME or show ID]",
        help="One provider, all without it; or one request, whole.",
        autocompletion=names_and_show,
        show_default=False,
    ),
]
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
    words: Words = None,
    follow: Follow = False,
    limit: Limit = 20,
    since: Since = None,
    status: Status = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Show the latest requests, or follow them.

    The newest comes last. With --json and --follow each record is one line.

    With `show` and an ID all that is kept of one request is shown: its attempts, usage, cost, and each field that was
    lost in translation, with the reason. The ID is the answer's header x-proxyctl-request-id; --json shows it too, and
    so does a wide terminal. Where no ID follows, `show` is a provider's name, if there is one of that name.
    """
    from proxyctl.client.admin import LogFilter

    cli = context(ctx)
    filtered = follow or since is not None or status is not None or model is not None
    name, record_id = _target(cli, words or [], filtered=filtered)
    if record_id:
        _show(cli, record_id, as_json=as_json)
        return
    wanted = LogFilter(
        provider=name,
        limit=limit,
        since=None if since is None else since_when(since, cli.now()),
        status=status_of(status or ""),
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


def _target(cli: CliContext, words: list[str], *, filtered: bool) -> tuple[str, str]:
    """The provider's name and the record's id that the words mean: at most one of them, else `""`."""
    match words:
        case []:
            return "", ""
        case ["show"] if "show" not in cli.configured_names():
            raise usage("`show` needs the ID of a request", "`proxyctl logs --json` names it, and so does the answer")
        case [name]:
            return name, ""
        case ["show", record_id] if filtered:
            raise usage("one request is neither filtered nor followed", f"`proxyctl logs show {record_id}` shows it")
        case ["show", record_id] if record_id:
            return "", record_id
        case _:
            raise usage(f"`{' '.join(words)}` is too much", "`proxyctl logs NAME`, or `proxyctl logs show ID`")


def _show(cli: CliContext, record_id: str, *, as_json: bool) -> None:
    record = cli.connect().record(record_id)
    if as_json:
        cli.output.json(record)
    else:
        from proxyctl.cli.views import logs as views

        cli.output.show(record, views.whole)


def _follow(cli: CliContext, wanted: LogFilter, *, as_json: bool) -> None:
    from proxyctl.client.watch import follow_logs

    output = cli.output
    records = follow_logs(cli.connect().endpoint, wanted)
    if as_json:
        for record in records:
            output.json_line(record)
    else:
        from proxyctl.cli.views.logs import line

        for record in records:
            output.line(line(record, output.look(output.console())))
    output.say("The daemon has ended the stream.")


def status_of(text: str) -> str:
    """A status as the daemon reads it: `429`, `5xx`, or an outcome."""
    said = text.strip().lower()
    if not said or said in OUTCOMES or re.fullmatch(r"[1-5](\d\d|xx)", said):
        return said
    hint = suggestion(said, OUTCOMES) or f"one like 429, one like 5xx, or {', '.join(OUTCOMES[:-1])} or {OUTCOMES[-1]}"
    raise usage(f"`{text}` is no status", hint)


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
