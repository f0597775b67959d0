"""The daemon's entry point: the gateway on Hypercorn, `python -m proxyctl.daemon.serve`.

The one module of this package that imports the server, and the gateway when it builds it. Hypercorn ignores its own
`graceful_timeout` on Python 3.12.1 and later, and under uvloop on every version: it waits for all connections to close,
and an endless stream never does. So the sequence on the way down is ours: close the listener, drain, tell Hypercorn to
end, and cut what is left.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from proxyctl.config.checks import is_loopback
from proxyctl.config.paths import Paths
from proxyctl.config.secrets import KeySources
from proxyctl.daemon.child import Launch, Parts, run
from proxyctl.daemon.http1 import Connections
from proxyctl.daemon.life import ASGIApp
from proxyctl.daemon.port import BACKLOG

if TYPE_CHECKING:
    from proxyctl.gateway.state import GatewayState

KEEP_ALIVE_SECONDS = 75
"""Longer than any SDK keeps an idle connection, else it would send a request into a closing one.

Only for callers from elsewhere: on loopback a peer that is gone is known to be gone.
"""


class HypercornServer:
    """One app on one inherited listening socket, on a loop of `run_on_loop`."""

    def __init__(self, app: ASGIApp, sock: int) -> None:
        self._app = _LifespanWatch(app)
        self._config = _config(sock)
        self._connections = Connections(app, None if _is_local(sock) else KEEP_ALIVE_SECONDS)
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See `Server`."""
        loop: Any = asyncio.get_running_loop()
        loop.connect = self._connections.open
        self._task = asyncio.create_task(
            serve(self._app, self._config, shutdown_trigger=self._end.wait, mode="asgi"),
            name="hypercorn",
        )
        opened = asyncio.create_task(loop.listening.wait())
        await asyncio.wait((self._task, opened), return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        if self._task.done():
            self._task.result()
            raise RuntimeError("the server ended before it listened")

    async def failed(self) -> None:
        """See `Server`."""
        if self._task is not None:
            await asyncio.wait((self._task,))
            self._task.result()

    def stop_accepting(self) -> None:
        """See `Server`."""
        loop: Any = asyncio.get_running_loop()
        for listener in loop.listeners:
            listener.close()

    async def finish(self, seconds: float) -> bool:
        """See `Server`."""
        task = self._task
        if task is None:
            return True
        await self._connections.close(seconds)
        self._end.set()
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=seconds)
        return self._app.ended


class _LifespanWatch:
    """Knows whether the app's own shutdown ran to its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.ended = False

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:

        async def watch(message: Any) -> None:
            self.ended = self.ended or message["type"] == "lifespan.shutdown.complete"
            await send(message)

        return self._app(scope, receive, watch)


def _config(sock: int) -> Config:
    config = Config()
    config.bind = [f"fd://{sock}"]
    config.backlog = BACKLOG
    config.graceful_timeout = 1.0
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    return config


def _is_local(sock: int) -> bool:
    with socket.socket(fileno=os.dup(sock)) as bound:
        return is_loopback(bound.getsockname()[0])


def _new_loop() -> asyncio.AbstractEventLoop:
    """On uvloop where it installs."""
    try:
        import uvloop
    except ImportError:
        return _listening_loop(asyncio.SelectorEventLoop)
    return _listening_loop(uvloop.Loop)


def _listening_loop(base: Any) -> asyncio.AbstractEventLoop:
    """A loop on which Hypercorn listens for us.

    Hypercorn keeps its listener to itself, and a drain must close it; and it names its own connection class, where
    each connection shall be one of `connect`.
    """

    class Loop(base):  # type: ignore[misc]  # either loop
        def __init__(self) -> None:
            super().__init__()
            self.listeners: list[asyncio.AbstractServer] = []
            self.listening = asyncio.Event()
            self.connect: Callable[[], asyncio.Protocol]

        async def create_server(self, _: Any, *args: Any, **kwargs: Any) -> asyncio.AbstractServer:
            server: asyncio.AbstractServer = await super().create_server(self.connect, *args, **kwargs)
            self.listeners.append(server)
            self.listening.set()
            return server

    loop: asyncio.AbstractEventLoop = Loop()
    return loop


def run_on_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` to its end, then cancel whatever tasks are left."""
    _spare_the_collector()
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(main)


def _spare_the_collector() -> None:
    """Keep what lives as long as the process out of garbage collection, and collect less often.

    A request makes hundreds of short-lived values and no cycles worth mentioning; at the default threshold the
    collector would run at every other one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class HeldGateway:
    """The gateway as the daemon's life needs it."""

    def __init__(self, state: GatewayState, app: ASGIApp) -> None:
        self._state = state
        self.app = app
        self.stopping = state.stopping
        self.drain = state.drain
        self.close = state.close

    def providers(self) -> tuple[str, ...]:
        """See `Gateway`."""
        return tuple(
            f"{target.provider.label}: {target.settings.mode}" + (f", but {target.missing}" if target.missing else "")
            for target in self._state.live.targets.values()
            if target.settings.mode != "off"
        )

    def notes(self) -> tuple[str, ...]:
        """See `Gateway`."""
        return self._state.live.notes

    def redact(self, text: str) -> str:
        """See `Gateway`."""
        return self._state.live.redact(text)

    async def reload(self) -> tuple[str, ...]:
        """See `Gateway`."""
        return (await self._state.reload()).changed


def build(launch: Launch) -> HeldGateway:
    """The gateway for a launch, with everything imported that its first request needs."""
    from proxyctl.gateway.app import create_app
    from proxyctl.gateway.state import GatewayState

    state = GatewayState(
        launch.settings, paths=launch.paths, instance=launch.instance, token=launch.token, folder=launch.folder
    )
    state.address = launch.address
    # Quart's own call is one more step before each request; its ASGI application begins with the front.
    return HeldGateway(state, create_app(state).asgi_app)


def first_config(paths: Paths, sources: KeySources) -> tuple[str, ...]:
    """Write the first config, and say of each provider in it what it is and why."""
    from proxyctl.config.first import write_first
    from proxyctl.daemon.neighbours import neighbours
    from proxyctl.providers._registry import KIND_FACTS

    written = write_first(paths.config_file, KIND_FACTS, sources, neighbours())
    lines = [
        f"{one.label}: {one.mode}, {one.reason}" + (f" ({one.hint})" if one.hint else "") for one in written.providers
    ]
    return (f"wrote {written.path}", *lines)


def main() -> int:
    """The process's exit code."""
    from proxyctl.providers._registry import KIND_FACTS

    parts = Parts(kinds=KIND_FACTS, build=build, server=HypercornServer, first=first_config, run=run_on_loop)
    return run(sys.argv[1:], parts)


if __name__ == "__main__":
    sys.exit(main())
