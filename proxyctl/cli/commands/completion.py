"""`completion`: print a shell's script. Loading it is one line, which the script's head names."""

from __future__ import annotations

from typing import Annotated

import typer

from proxyctl.cli.context import usage
from proxyctl.cli.failures import suggestion
from proxyctl.cli.options import context
from proxyctl.cli.scripts import SCRIPTS


def shells() -> list[str]:
    return list(SCRIPTS)


def completion(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", autocompletion=shells)],
) -> None:
    """Print a shell's completion script.

    bash: source <(proxyctl completion bash). zsh: the same with zsh, after compinit. fish: proxyctl completion fish |
    source. Put the line into the shell's start file to keep it.
    """
    script = SCRIPTS.get(shell.lower())
    if script is None:
        hint = suggestion(shell, tuple(SCRIPTS)) or f"the shells are {', '.join(SCRIPTS)}"
        raise usage(f"there is no completion for `{shell}`", hint)
    context(ctx).output.data(script.rstrip("\n"))
