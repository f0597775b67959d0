"""`start`, `stop`, `restart`, `status`, `reload`: the daemon's life, from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.options import Json, context

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyctl.admin.schema import DaemonStatus
    from proxyctl.cli.context import CliContext
    from proxyctl.config.kinds import KindFacts
    from proxyctl.daemon.farewell import Progress
    from proxyctl.daemon.lifecycle import StopStep
    from proxyctl.daemon.lock import DaemonState
    from proxyctl.daemon.ready import Ready

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
    _tell_ready(cli, lifecycle.start(cli.paths, host=host, port=port))


def stop(ctx: typer.Context) -> None:
    """Stop the daemon after its running requests.

    It waits for them as long as server.drain_seconds says, and tells how many answers it had to cut.
    """
    from proxyctl.cli.views.figures import several
    from proxyctl.daemon import lifecycle

    cli = context(ctx)
    cli.check_config()
    cut = lifecycle.stop(cli.paths, say=_teller(cli), waits_for=_counter(cli))
    cli.output.data(f"stopped; {several(cut, 'answer was', 'answers were')} cut" if cut else "stopped")


def restart(ctx: typer.Context, host: Host = None, port: Port = None) -> None:
    """Stop the daemon if it runs, and start it.

    A config that is not valid or a port that is taken stops nothing.
    """
    from proxyctl.daemon import lifecycle

    cli = context(ctx)
    if cli.paths.config_file.exists():
        from proxyctl.config.load import load

        load(cli.paths.config_file, cli.kinds)  # what runs is not stopped for what could not start
    ready = lifecycle.restart(cli.paths, host=host, port=port, say=_teller(cli), waits_for=_counter(cli))
    _tell_ready(cli, ready)


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show whether the daemon runs, where, and since when.

    While it is stopping, the requests that it waits for are those that `proxyctl stop` saw last. Exits with 3 when it
    does not run.
    """
    from proxyctl.daemon.errors import StoppingError

    cli = context(ctx)
    try:
        now = cli.connect().daemon()
    except StoppingError as exc:
        if exc.found.progress is None:
            raise
        now = _on_its_way_down(exc.found.state, exc.found.progress, cli.now())
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


def _on_its_way_down(state: DaemonState, progress: Progress, now: float) -> DaemonStatus:
    """What its own files say of a daemon that takes no questions any more."""
    from proxyctl.admin.schema import DaemonStatus

    return DaemonStatus(
        pid=state.pid,
        instance=state.instance,
        version=state.version,
        address=state.address,
        started_at=state.started_at,
        uptime_seconds=max(0.0, now - state.started_at),
        config_path=state.config_path,
        log_path=state.log_path,
        active_exchanges=progress.active,
        draining=True,
    )


def _tell_ready(cli: CliContext, ready: Ready) -> None:
    """Say where the new daemon is, and what to do when it can serve nothing yet."""
    from proxyctl.cli.views import daemon

    cli.output.show(ready, daemon.started)
    report = cli.connect().status()
    if any(one.state in {"ready", "cooling", "failing"} for one in report.providers):
        return
    kinds = sorted((one for one in cli.kinds.values() if one.needs_key), key=lambda one: one.name != report.primary)
    cli.output.data("")
    cli.output.show([(one.name, _usual_variable(one)) for one in kinds if one.key_env], daemon.nobody)


def _usual_variable(kind: KindFacts) -> str:
    """The variable that bears the kind's own name, where it has several."""
    own = (name for name in kind.key_env if kind.name.upper() in name)
    return next(own, kind.key_env[0])


def _teller(cli: CliContext) -> Callable[[StopStep], None]:
    def tell(step: StopStep) -> None:
        if step in _STEPS:
            cli.output.say(_STEPS[step])

    return tell


def _counter(cli: CliContext) -> Callable[[int], None]:
    from proxyctl.cli.views.figures import several

    def tell(active: int) -> None:
        if active:
            cli.output.say(f"It waits for {several(active, 'open request')}.")

    return tell
