"""`models` and `explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from proxyctl.cli.completing import model_names
from proxyctl.cli.context import usage
from proxyctl.cli.failures import FAILED, Failure, suggestion
from proxyctl.cli.options import Json, MaybeName, context

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
    report = cli.connect().plan(model, dialect or "")
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import models as views

        cli.output.show(report, views.explain)
    if report.error:
        usual = "`proxyctl models` lists what can be asked for, `proxyctl health` who answers"
        raise Failure(report.error, hint="; ".join(report.advice) or usual, code=FAILED)
