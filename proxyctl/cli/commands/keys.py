"""`providers key`: put a key into the secrets file. It comes from a prompt or standard input, never from argv."""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from proxyctl.cli.commands.modes import tell_the_daemon
from proxyctl.cli.context import usage
from proxyctl.cli.failures import Failure
from proxyctl.cli.options import Name, context

_KEY = re.compile(r"[\x21-\x7e]+")
_STORED = re.compile(r"""["']secret:([a-z0-9][a-z0-9-]*)["']""")


def key(
    ctx: typer.Context,
    name: Name,
    rest: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    forget: Annotated[bool, typer.Option("--remove", help="Forget the stored key.")] = False,
) -> None:
    """Store a provider's key, from a hidden prompt or standard input.

    It goes into a file that only you can read, never into the config. To read it from a file: `proxyctl providers key
    NAME < FILE`.
    """
    from proxyctl.config.secret import Secret
    from proxyctl.config.vault import remove_entry, write_entry

    cli = context(ctx)
    if rest:
        # It is in the shell's history and the process list by now: say so, and do not repeat it.
        raise usage("a key is not taken from the command line, where others can see it", "leave it out and be asked")
    cli.check_name(name, tuple(dict.fromkeys([*cli.configured_names(), *cli.kinds, *_entries(cli.paths.config_file)])))
    if forget:
        if not remove_entry(cli.paths.secrets_file, name):
            raise Failure(
                f"no key is stored for {name}", hint=f"`proxyctl providers show {name}` says where its keys are"
            )
        cli.output.data(f"{name}: the stored key is forgotten")
    else:
        replaced = write_entry(cli.paths.secrets_file, name, Secret(_read_key(name)))
        cli.output.data(f"{name}: {'another key is stored in its place' if replaced else 'the key is stored'}")
    tell_the_daemon(cli, [name])


def _read_key(name: str) -> str:
    text = getpass.getpass(f"Key for {name} (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    text = text.strip()
    if not text:
        raise Failure("no key was given", hint="nothing was changed")
    if not _KEY.fullmatch(text):
        raise Failure("this is no key: it holds spaces or characters that no header may carry", hint="copy it again")
    return text


def _entries(config_file: Path) -> tuple[str, ...]:
    """The names that the config reads from the secrets file, as `secret:NAME`."""
    try:
        return tuple(_STORED.findall(config_file.read_text("utf-8", "replace")))
    except OSError:
        return ()
