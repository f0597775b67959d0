"""`demo`: a daemon on simulated providers, with traffic, so that everything can be seen without a key.

The daemon is a real one with a home of its own; the user's own daemon and config are not touched.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from proxyctl.cli.commands.metrics import watch
from proxyctl.cli.context import DEFAULT_PORT, CliContext
from proxyctl.cli.demo_home import DemoHome, simulator_url, start_simulator, stop_simulator
from proxyctl.cli.failures import NOT_RUNNING, Failure
from proxyctl.cli.options import context

if TYPE_CHECKING:
    from proxyctl.simulator.traffic import Progress

PIPED_REQUESTS = 20
PAUSE_SECONDS = 1.0
LOG_LINES = 10


def demo(
    ctx: typer.Context,
    requests: Annotated[
        int | None,
        typer.Option("--requests", min=1, max=100_000, metavar="N", help="Send so many, show the sums, and return."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, metavar="PORT", help="0 is any free one.")
    ] = None,
    end: Annotated[bool, typer.Option("--stop", help="End the demo's daemon and simulator.")] = False,
) -> None:
    """Run a daemon on simulated providers, no key needed, and send it traffic.

    Without --requests the numbers are shown live until Ctrl-C. The demo's daemon goes on until `proxyctl demo --stop`,
    so that you can point a client at it; your own daemon and config are not touched.
    """
    cli = context(ctx)
    home = DemoHome.of(cli)
    if end:
        _stop(cli, home)
        return
    address = _begin(cli, home, port)
    of_demo = home.context()
    if requests is None and cli.output.is_terminal:
        _watch(of_demo, address)
        return
    _send(cli, address, requests or PIPED_REQUESTS)
    _summary(of_demo)
    _what_next(cli, home, address)


def _begin(cli: CliContext, home: DemoHome, port: int | None) -> str:
    """The address of the demo's daemon, started now unless it runs with its simulator."""
    from proxyctl.daemon.probe import Running, look
    from proxyctl.simulator.setup import demo_config

    paths = home.context().paths
    sight = look(paths)
    if isinstance(sight, Running) and simulator_url(home) and port in {None, sight.state.port}:
        cli.output.say(f"The demo runs at {sight.state.address} already.")
        return sight.state.address
    _end_remains(home)
    home.clear()
    simulator = start_simulator(home)
    paths.config_file.write_text(demo_config(simulator, DEFAULT_PORT if port is None else port))
    _plan_faults(simulator)
    try:
        address = _start(cli, home, port)
    except BaseException:
        stop_simulator(home)
        raise
    cli.output.say(f"Simulated providers at {simulator}, the daemon at {address}.")
    return address


def _start(cli: CliContext, home: DemoHome, port: int | None) -> str:
    from proxyctl.daemon import lifecycle
    from proxyctl.daemon.errors import PortTakenError

    paths = home.context().paths
    with home.as_environment():
        try:
            return lifecycle.start(paths, port=port).address
        except PortTakenError as exc:
            if port is not None:
                raise Failure(exc.message, hint="`proxyctl demo` without --port finds a free one") from None
            cli.output.say(f"{exc.message}; taking a free one.")
        return lifecycle.start(paths, port=0).address


def _plan_faults(simulator: str) -> None:
    """Failures that the gateway rides out, so that there is something to see."""
    import msgspec

    from proxyctl.client.connection import Endpoint, call
    from proxyctl.simulator.setup import demo_faults

    call(Endpoint(simulator), "POST", "/_control/faults", body=msgspec.json.encode(demo_faults()))


def _stop(cli: CliContext, home: DemoHome) -> None:
    if not _end_remains(home):
        raise Failure("no demo runs", hint="`proxyctl demo` starts one", code=NOT_RUNNING)
    home.clear()
    home.folder.rmdir()
    cli.output.data("The demo has ended.")
    if cli.environ.get("PROXYCTL_HOME") == str(home.folder):
        cli.output.say("This shell still looks at it: `unset PROXYCTL_HOME`.")


def _end_remains(home: DemoHome) -> bool:
    """End what runs of the demo; whether there was anything."""
    from proxyctl.daemon import errors, lifecycle

    try:
        lifecycle.stop(home.context().paths, drain_seconds=1.0)
        stopped = True
    except errors.NotRunningError:
        stopped = False
    return stop_simulator(home) or stopped


def _send(cli: CliContext, address: str, count: int) -> None:
    """Send the traffic, and say how it went: some of it is meant to fail."""
    from proxyctl.cli.views.figures import several

    cli.output.say(f"Sending {several(count, 'request')} …")

    async def send_all() -> list[Progress]:
        from proxyctl.simulator.traffic import send

        return [progress async for progress in send(address, count)]

    answered = sum(progress.error is None for progress in asyncio.run(send_all()))
    ended = f"{answered:,} of {several(count, 'request')} answered"
    cli.output.say(f"{ended}; the simulator fails on purpose now and then, and some ask for unknown models.")


def _summary(of_demo: CliContext) -> None:
    from proxyctl.cli.views import logs, metrics
    from proxyctl.client.admin import LogFilter

    client, output = of_demo.connect(), of_demo.output
    output.show(client.metrics(), metrics.render)
    output.data("")
    output.show(client.costs(), metrics.costs)
    output.data("")
    output.show(client.logs(LogFilter(limit=LOG_LINES)), logs.render)


def _what_next(cli: CliContext, home: DemoHome, address: str) -> None:
    from proxyctl.cli.views.daemon import base_urls

    output = cli.output
    output.data("")
    output.show(address, lambda where, _look: base_urls(where))
    output.data(
        f"\n"
        f"The demo goes on. Point a client at it (any key will do), but no agent that may run commands: its models\n"
        f"are simulated, and call whatever tools they are given. Or look at it in this shell:\n"
        f"  export PROXYCTL_HOME={_quoted(home)}\n"
        f"  proxyctl metrics --live\n"
        f'  proxyctl chat "Hello" --model claude-sonnet-5-5\n'
        f"  proxyctl providers set groq exclusive\n"
        f"  proxyctl explain claude-sonnet-5-5\n"
        f"End it with `proxyctl demo --stop`."
    )


def _quoted(home: DemoHome) -> str:
    import shlex

    return shlex.quote(str(home.folder))


def _watch(of_demo: CliContext, address: str) -> None:
    """Traffic in the background, the numbers in front, until Ctrl-C."""
    ended = threading.Event()
    thread = threading.Thread(target=_drip, args=(address, ended), daemon=True)
    thread.start()
    of_demo.output.say(
        f"Clients may use {address}/v1 meanwhile. Ctrl-C ends the view, `proxyctl demo --stop` the demo."
    )
    try:
        watch(of_demo)
    finally:
        ended.set()


def _drip(address: str, ended: threading.Event) -> None:
    """A few requests, a pause, and again."""
    from proxyctl.simulator.traffic import send

    async def one_batch(seed: int) -> None:
        async for _ in send(address, 4, seed):
            if ended.is_set():
                return

    seed = int(time.time())
    while True:
        asyncio.run(one_batch(seed))
        if ended.wait(PAUSE_SECONDS):
            return
        seed += 1
