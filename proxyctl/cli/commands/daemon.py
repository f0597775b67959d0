"""`start`, `stop`, `restart`, `status`, `reload`: the daemon's life, from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.options import Json, context

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyctl.cli.context import CliContext
    from proxyctl.daemon.lifecycle import StopStep

Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Listen there, whatever the config says.")]
Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65_535, metavar="PORT", help="This port; 0 is any free one."),
]

_STEPS = {
    "asked": "Asked the daemon to stop; it finishes what is under way.",
    "refused": "The daemon does not take the request to stop.",
    "terminated": "It has not stopped yet: sent SIGTERM.",
    "killed": "It has not stopped yet: sent SIGKILL.",
}


def start(
    ctx: typer.Context,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay in this terminal, and log to it.")] = False,
    host: Host = None,
    port: Port = None,
) -> None:
    """Start the daemon, and wait until it is ready.

    The first start writes a config from the keys that it finds in the environment and in .env. --host and --port win
    over the config.
    """
    from proxyctl.daemon import lifecycle

    cli = context(ctx)
    if foreground:
        lifecycle.foreground(cli.paths, host=host, port=port)
    ready = lifecycle.start(cli.paths, host=host, port=port)
    from proxyctl.cli.views import daemon

    cli.output.show(ready, daemon.started)


def stop(ctx: typer.Context) -> None:
    """Stop the daemon after its running requests."""
    from proxyctl.daemon import lifecycle

    cli = context(ctx)
    lifecycle.stop(cli.paths, say=_teller(cli))
    cli.output.data("stopped")


def restart(ctx: typer.Context, host: Host = None, port: Port = None) -> None:
    """Stop the daemon if it runs, and start it."""
    from proxyctl.daemon import lifecycle

    cli = context(ctx)
    if cli.paths.config_file.exists():
        from proxyctl.config.load import load

        load(cli.paths.config_file, cli.kinds)  # what runs is not stopped for what could not start
    ready = lifecycle.restart(cli.paths, host=host, port=port, say=_teller(cli))
    from proxyctl.cli.views import daemon

    cli.output.show(ready, daemon.started)


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show whether the daemon runs, where, and since when.

    Exits with 3 when it does not run.
    """
    cli = context(ctx)
    now = cli.connect().daemon()
    if as_json:
        cli.output.json(now)
    else:
        from proxyctl.cli.views import daemon

        cli.output.show(now, daemon.render)


def reload(ctx: typer.Context, as_json: Json = False) -> None:
    """Make the running daemon read its config again.

    A config that is not valid changes nothing, and every mistake is told with its line. Exits with 4 then.
    """
    cli = context(ctx)
    result = cli.connect().reload()
    if as_json:
        cli.output.json(result)
        return
    for change in result.changed or ("nothing changed",):
        cli.output.data(change)


def _teller(cli: CliContext) -> Callable[[StopStep], None]:
    def tell(step: StopStep) -> None:
        if step in _STEPS:
            cli.output.say(_STEPS[step])

    return tell
