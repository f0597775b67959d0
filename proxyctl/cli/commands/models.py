"""`models` and `explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from proxyctl.cli.completing import model_names
from proxyctl.cli.failures import FAILED, Failure
from proxyctl.cli.options import Json, MaybeName, context


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
            "--dialect", metavar="DIALECT", help="The client's: openai-chat, the default, or anthropic-messages."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show who would serve a model, in which order, and why.

    The same planner decides as for a real request; nothing is sent. Exits with 1 when nobody would serve it.
    """
    cli = context(ctx)
    report = cli.connect().plan(model, dialect or "")
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import models as views

        cli.output.show(report, views.explain)
    if report.error:
        near = (
            f"did you mean {' or '.join(f'`{one}`' for one in report.suggestions[:3])}?" if report.suggestions else ""
        )
        raise Failure(report.error, hint=near or report.hint, code=FAILED)
