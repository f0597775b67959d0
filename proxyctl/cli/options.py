"""Options and arguments that several commands take, so that they read alike everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from proxyctl.cli.completing import provider_names
from proxyctl.cli.context import CliContext

Json = Annotated[bool, typer.Option("--json", help="Print the data as JSON.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The provider.", autocompletion=provider_names, show_default=False)
]
MaybeName = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="One provider; all without it.", autocompletion=provider_names),
]


def context(ctx: typer.Context) -> CliContext:
    found = ctx.obj
    assert isinstance(found, CliContext)  # noqa: S101 - the root callback has put it there
    return found
