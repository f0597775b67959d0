"""`providers set|add|remove`: edits of the config file, and a reload when a daemon runs.

They work without a daemon. The file is only replaced by a valid one (`config.edit`), so a reload after it cannot fail
for what was edited here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.completing import mode_names, names_and_modes
from proxyctl.cli.context import CliContext, usage
from proxyctl.cli.failures import Failure, explained, suggestion
from proxyctl.cli.options import Name, context

if TYPE_CHECKING:
    from proxyctl.client.admin import AdminClient

MODES = ("off", "exclusive", "pooled", "fallback")

Words = Annotated[
    list[str],
    typer.Argument(metavar="NAME... MODE", help="The providers, then their mode.", autocompletion=names_and_modes),
]

Mode = Annotated[
    str,
    typer.Option("--mode", metavar="MODE", help="off, exclusive, pooled or fallback.", autocompletion=mode_names),
]


def set_mode(
    ctx: typer.Context,
    words: Words,
) -> None:
    """Set the mode of one or several providers.

    off: never used. exclusive: takes all traffic alone. pooled: shares the first choice with the primary. fallback:
    used when the first choice fails. A running daemon is reloaded; without one the mode counts from the next start.
    """
    from proxyctl.config.edit import set_mode as edit_mode
    from proxyctl.config.kinds import MODES as KNOWN

    cli = context(ctx)
    *names, said = words
    mode = next((mode for mode in KNOWN if mode == said.lower()), None)
    if mode is None:
        raise _no_mode(said)
    if not names:
        raise usage("no provider is named", f"for example `proxyctl providers set NAME {mode}`")
    if mode == "exclusive" and len(names) > 1:
        raise usage("only one provider can be exclusive", "use pooled for several")
    known = tuple(dict.fromkeys([*cli.configured_names(), *cli.kinds]))
    for name in names:
        cli.check_name(name, known)
    for name in names:
        change = edit_mode(cli.paths.config_file, cli.kinds, name, mode)
        cli.output.data(_told(change.name, change.before, change.after))
        for demoted in change.demoted:
            cli.output.data(f"{demoted.name}: exclusive -> {demoted.after}, to make room for {name}")
    tell_the_daemon(cli, names if mode != "off" else [])


def _no_mode(said: str) -> Failure:
    return usage(f"there is no mode `{said}`", suggestion(said, MODES) or f"the modes are {', '.join(MODES)}")


def _told(name: str, before: str | None, after: str) -> str:
    if before == after:
        return f"{name}: {after}, as it was"
    return f"{name}: {before} -> {after}" if before else f"{name}: added as {after}"


def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, also as a prefix: NAME:model.")],
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="Where it is, such as http://127.0.0.1:11434/v1.")
    ] = None,
    key_env: Annotated[
        str | None, typer.Option("--key-env", metavar="VARIABLE", help="The environment variable with its key.")
    ] = None,
    mode: Mode = "fallback",
) -> None:
    """Add a provider to the config: any OpenAI-compatible server.

    One of the known kinds needs no address. A key is never given here: name its variable, or store it afterwards with
    `proxyctl providers key NAME`.
    """
    from proxyctl.config.edit import add_provider
    from proxyctl.config.problems import EditError
    from proxyctl.config.references import variable_in

    cli = context(ctx)
    if mode not in MODES:
        raise _no_mode(mode)
    if name in cli.configured_names():
        raise Failure(f"there is a provider `{name}` already", hint=f"`proxyctl providers set {name} MODE` changes it")
    if base_url is None and name not in cli.kinds:
        raise usage(f"`{name}` needs an address", f"`proxyctl providers add {name} --base-url URL`")
    values: dict[str, str] = {"mode": mode}
    if base_url is not None:
        values["base_url"] = base_url
    if key_env is not None:
        reference = f"${key_env.removeprefix('$')}"
        if variable_in(reference) is None:
            # What stands there may be a key: it is not repeated.
            raise usage("`--key-env` takes the name of an environment variable", f"`proxyctl providers key {name}`")
        values["key"] = reference
    try:
        add_provider(cli.paths.config_file, cli.kinds, name, values)
    except EditError as exc:
        refused = explained(exc) or Failure(str(exc))
        raise usage(refused.message, refused.hint) from None
    cli.output.data(f"{name}: added as {mode}")
    tell_the_daemon(cli, [name])


def remove(ctx: typer.Context, name: Name) -> None:
    """Remove a provider from the config.

    A key that was stored for it stays: `proxyctl providers key NAME --remove` forgets it.
    """
    from proxyctl.config.edit import remove_provider

    cli = context(ctx)
    cli.check_name(name, cli.configured_names())
    removal = remove_provider(cli.paths.config_file, cli.kinds, name)
    tiers = f", also from the tiers {', '.join(removal.tiers)}" if removal.tiers else ""
    cli.output.data(f"{name}: removed{tiers}")
    tell_the_daemon(cli, [])


def tell_the_daemon(cli: CliContext, names: list[str], *, of_any_config: bool = False) -> AdminClient | None:
    """Reload a running daemon, and say what keeps the named providers from taking part; its client, if it was told.

    `of_any_config` for what counts whatever config it runs with, such as the stored keys.
    """
    client = cli.running()
    if client is None:
        cli.output.say("No daemon runs: this counts from the next `proxyctl start`.")
        return None
    if not of_any_config and cli.state is not None and not cli.is_config_of(cli.state):
        cli.output.say(f"The running daemon has another config, {cli.state.config_path}: nothing changes for it.")
        return None
    client.reload()
    cli.output.say("The running daemon has reloaded.")
    for one in client.status().providers:
        if one.name in names and one.note:
            cli.output.say(f"{one.name} is {one.state}: {one.note}")
    return client
