"""`providers list|show|test|reset` and `health`: questions to the daemon about its providers."""

from __future__ import annotations

from typing import Annotated

import typer

from proxyctl.cli.failures import FAILED, unknown_name
from proxyctl.cli.options import Json, Name, context


def show_all(ctx: typer.Context, as_json: Json = False) -> None:
    """List the providers, their modes, and whether they can serve."""
    cli = context(ctx)
    report = cli.connect().status()
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import providers

        cli.output.show(report, providers.render)


def show(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show all that is known of one provider."""
    cli = context(ctx)
    report = cli.connect().status()
    found = next((one for one in report.providers if one.name == name), None)
    if found is None:
        known = tuple(one.name for one in report.providers)
        raise unknown_name("provider", name, known, listing="proxyctl providers list")
    if as_json:
        cli.output.json(found)
    else:
        from proxyctl.cli.views import providers

        cli.output.show(found, providers.details)


def ask(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Ask a provider whether it answers; never a paid call.

    The question is its free list of models. Exits with 1 when it fails.
    """
    cli = context(ctx)
    client = cli.connect()
    found = client.test_provider(name)
    if as_json:
        cli.output.json(found)
    else:
        from proxyctl.cli.views import providers

        cli.output.show(found, providers.tested)
    if found.health != "ok":
        raise typer.Exit(FAILED)


def reset(ctx: typer.Context, name: Name) -> None:
    """Drop a provider's waits, so that it is tried at once."""
    cli = context(ctx)
    client = cli.connect()
    for change in client.reset_provider(name).changed or (f"{name}: nothing was waiting",):
        cli.output.data(change)


def health(
    ctx: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Ask every provider now; never a paid call.")] = False,
    as_json: Json = False,
) -> None:
    """Show which providers answer.

    Exits with 1 when nobody can serve.
    """
    cli = context(ctx)
    report = cli.connect().health(check=check)
    if as_json:
        cli.output.json(report)
    else:
        from proxyctl.cli.views import providers

        cli.output.show(report, providers.health)
    if not report.ok:
        raise typer.Exit(FAILED)
