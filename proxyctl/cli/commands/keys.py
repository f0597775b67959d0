"""`providers key`: put a key into the secrets file. It comes from a prompt or standard input, never from argv."""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.commands.modes import tell_the_daemon
from proxyctl.cli.context import CliContext, usage
from proxyctl.cli.failures import Failure
from proxyctl.cli.options import Name, context

if TYPE_CHECKING:
    from proxyctl.client.admin import AdminClient

SECRETS_FILE = "secrets file"
"""The label of a key that was stored here."""

_KEY = re.compile(r"[\x21-\x7e]+")
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*=[^=]")
_STORED = re.compile(r"""["']secret:([a-z0-9][a-z0-9-]*)["']""")


def key(
    ctx: typer.Context,
    name: Name,
    rest: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    forget: Annotated[bool, typer.Option("--remove", help="Forget the stored key.")] = False,
) -> None:
    """Store a provider's key, from a hidden prompt or standard input.

    It goes into a file that only you can read, never into the config. To read it from a file: `proxyctl providers key
    NAME < FILE`. A variable of the environment or of .env wins over it.
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
    running = tell_the_daemon(cli, [name], of_any_config=True)
    if not forget:
        _tell_what_wins(cli, name, running)


def _tell_what_wins(cli: CliContext, name: str, running: AdminClient | None) -> None:
    """Say so when the key that was just stored is not the one in use: what a variable holds comes first."""
    labels = _used(cli, name) if running is None else _used_by(running, name)
    if labels and not {SECRETS_FILE, f"secret:{name}"} & set(labels):
        verb = "is" if len(labels) == 1 else "are"
        cli.output.say(f"But it is not used while {' and '.join(labels)} {verb} set, which wins over a stored key.")


def _used_by(client: AdminClient, name: str) -> tuple[str, ...]:
    """The labels of the keys that the daemon uses for a provider."""
    return tuple(key.label for one in client.status().providers if one.name == name for key in one.credentials)


def _used(cli: CliContext, name: str) -> tuple[str, ...]:
    """The labels of the keys that a daemon would use that is started here; none for what is no provider."""
    from proxyctl.config.load import load
    from proxyctl.config.model import ProviderSettings
    from proxyctl.config.problems import ConfigError
    from proxyctl.config.secrets import KeySources, resolve

    try:
        provider = load(cli.paths.config_file, cli.kinds).providers.get(name)
    except ConfigError:
        provider = None
    if provider is None and name in cli.kinds:
        provider = ProviderSettings(name=name, kind=name, mode="off")
    if provider is None:
        return ()
    sources = KeySources.read(cli.paths, cli.environ, Path.cwd())
    return tuple(credential.label for credential in resolve(provider, cli.kinds, sources))


def _read_key(name: str) -> str:
    """The key that was typed or piped in, without the blanks round it. Raises `Failure`, and never repeats it."""
    try:
        text = getpass.getpass(f"Key for {name} (not shown): ") if sys.stdin.isatty() else sys.stdin.read()
    except UnicodeDecodeError:
        raise _no_key("it is not text", "is it the right file?") from None
    text = text.strip(" \t\r\n")
    if not text:
        raise Failure(
            "no key was given", hint=f"`proxyctl providers key {name}` asks for it, or reads it with `< FILE`"
        )
    if len(text.splitlines()) > 1:
        raise _no_key("it has several lines", "give the key alone, on one line")
    if re.search(r"\s", text):
        raise _no_key("it holds spaces", "give the key alone")
    if _ASSIGNMENT.match(text):
        raise _no_key("it begins with a variable's name", "give only what stands behind the `=`")
    if text[0] in "\"'`" or text[-1] in "\"'`":
        raise _no_key("it stands in quotes", "give it without them")
    if not _KEY.fullmatch(text):
        raise _no_key("it holds characters that no header may carry", "copy it again, as plain text")
    return text


def _no_key(why: str, hint: str) -> Failure:
    return Failure(f"this is no key: {why}", hint=f"{hint}; nothing was stored")


def _entries(config_file: Path) -> tuple[str, ...]:
    """The names that the config reads from the secrets file, as `secret:NAME`."""
    try:
        return tuple(_STORED.findall(config_file.read_text("utf-8", "replace")))
    except OSError:
        return ()
