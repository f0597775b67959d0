"""`models` and `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.completing import model_names
from proxyctl.cli.context import CliContext, usage
from proxyctl.cli.failures import FAILED, Failure, suggestion
from proxyctl.cli.options import Json, MaybeName, context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyctl.admin.schema import PlanReport
    from proxyctl.client.admin import AdminClient

INBOUND = ("openai-chat", "openai-responses", "anthropic-messages", "gemini-generate")
"""The dialects that clients of the gateway speak; a test compares them with the registry's."""


def models(ctx: typer.Context, name: MaybeName = None, as_json: Json = False) -> None:
    """List the models that the providers offer, with their prices.

    Prices are in USD per million tokens.
    """
    cli = context(ctx)
    report = cli.connect().models(name or "")
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import models as views

        cli.output.show(report, views.render)


def explain(
    ctx: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="As a client would write it.", autocompletion=model_names)
    ],
    dialect: Annotated[
        str | None,
        typer.Option(
            "--dialect", metavar="DIALECT", help=f"The client's: {', '.join(INBOUND)}. Default: {INBOUND[0]}."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show who would serve a model, in which order, and why.

    The same planner decides as for a real request; nothing is sent. Exits with 1 when nobody would serve it.
    """
    cli = context(ctx)
    if dialect is not None and dialect not in INBOUND:
        raise usage(
            f"no client of the gateway speaks `{dialect}`",
            suggestion(dialect, INBOUND) or f"the dialects are {', '.join(INBOUND)}",
        )
    client = cli.connect()
    report = client.plan(model, dialect or "")
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import models as views

        cli.output.show(report, views.explain)
    if report.error:
        raise Failure(report.error, hint=_advice(cli, client, report), code=FAILED)


def _advice(cli: CliContext, client: AdminClient, report: PlanReport) -> str:
    """What would help, without what the table has just said: names that somebody really offers, else where they are."""
    offered = _offered(cli, client) if report.suggestions else set()
    near = [f"`{one}`" for one in report.suggestions if one in offered][:3]
    said = report.hint
    for told in (*(f"{one.provider}: {one.reason}" for one in report.skipped), _meant(report.suggestions)):
        said = said.replace(told, "")
    pieces = [piece.strip() for piece in said.split(";") if piece.strip()]
    if near:
        pieces.insert(0, f"did you mean {' or '.join(near)}?")
    return "; ".join(pieces) or "`proxyctl models` lists what can be asked for, `proxyctl health` who answers"


def _meant(names: Sequence[str]) -> str:
    """As the daemon words its suggestions; among them may be models that nobody has listed."""
    return f"did you mean {' or '.join(f'`{one}`' for one in names)}?"


def _offered(cli: CliContext, client: AdminClient) -> set[str]:
    """The names that would find somebody: what providers list, and what the config maps or calls by its own names."""
    offered = {name for one in client.models().models for name in (one.id, f"{one.provider}:{one.id}")}
    raw = cli.raw_config()
    aliases, providers = raw.get("aliases"), raw.get("providers")
    offered |= set(aliases) if isinstance(aliases, dict) else set()
    for provider, table in providers.items() if isinstance(providers, dict) else ():
        models = table.get("models") if isinstance(table, dict) else None
        offered |= {f"{provider}:{name}" for name in models} if isinstance(models, dict) else set()
    return offered
