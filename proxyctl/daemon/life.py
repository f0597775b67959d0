"""The daemon from its first answer to its last flush, whatever it serves and with whatever server.

On the way down the order matters: stop accepting, let exchanges finish, end the rest, flush. A second signal skips the
waiting, and nothing that refuses to end can hold the process.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import structlog

from proxyctl.config.problems import ConfigError
from proxyctl.config.secrets import SecretsFileError

FLUSH_SECONDS = 5.0
FINISH_SECONDS = 2.0

_log = structlog.get_logger("proxyctl.daemon")

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class Gateway(Protocol):
    """What the daemon needs of what it serves. All of it is called from the event loop."""

    @property
    def app(self) -> ASGIApp: ...

    @property
    def stopping(self) -> asyncio.Event:
        """Set when the management API was asked to end the daemon."""
        ...

    def providers(self) -> tuple[str, ...]:
        """Who takes part, in words."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What to know of the configuration in force."""
        ...

    def redact(self, text: str) -> str: ...

    async def drain(self, seconds: float) -> None:
        """Refuse new exchanges, wait so long for the running ones, then end them."""
        ...

    async def reload(self) -> tuple[str, ...]:
        """What changed, in words. Raises `ConfigError` or `SecretsFileError`, and then nothing changed."""
        ...

    async def close(self) -> None:
        """Flush and let go of everything. Called only when the server could not end in good order."""
        ...


class Server(Protocol):
    """Serves one ASGI app on one socket."""

    async def start(self) -> None:
        """Returns when connections are accepted and the app has started. Raises what keeps it from that."""
        ...

    async def failed(self) -> None:
        """Returns, or raises, when it ended without being told to."""
        ...

    def stop_accepting(self) -> None: ...

    async def finish(self, seconds: float) -> bool:
        """End; whether that was in good order, the app's own shutdown included."""
        ...


async def live(gateway: Gateway, server: Server, announce: Callable[[Gateway], None], *, drain_seconds: float) -> None:
    """Serve until the gateway, a signal or a failure says stop; `announce` is called when a request would be answered.

    Raises what ended the server, when nobody asked for it.
    """
    await server.start()
    hurry = asyncio.Event()
    _on_signals(gateway, hurry)
    announce(gateway)
    failed = asyncio.ensure_future(server.failed())
    stopping = asyncio.ensure_future(gateway.stopping.wait())
    await asyncio.wait((failed, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    _log.info("stopping")
    server.stop_accepting()
    await _drain(gateway, hurry, drain_seconds)
    if not await server.finish(FINISH_SECONDS):
        _log.warning("some connections had to be cut")
        await _within(FLUSH_SECONDS, gateway.close())
    _log.info("stopped")
    if failed.done():
        failed.result()
    failed.cancel()


async def _drain(gateway: Gateway, hurry: asyncio.Event, seconds: float) -> None:
    """Let exchanges finish; a second signal ends them at once, and a drain that does not end is left behind."""
    draining = asyncio.ensure_future(gateway.drain(seconds))
    hurried = asyncio.ensure_future(hurry.wait())
    await asyncio.wait((draining, hurried), timeout=seconds + FINISH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if draining.done():
        draining.result()
        return
    draining.cancel()
    await _within(FINISH_SECONDS, gateway.drain(0))


async def _within(seconds: float, work: Awaitable[None]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await work


def _on_signals(gateway: Gateway, hurry: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    reloading: set[asyncio.Task[None]] = set()

    def end() -> None:
        if gateway.stopping.is_set():
            hurry.set()
        gateway.stopping.set()

    def reload() -> None:
        task = asyncio.ensure_future(_reload(gateway))
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end)
    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(gateway: Gateway) -> None:
    try:
        changed = await gateway.reload()
    except (ConfigError, SecretsFileError) as exc:
        _log.error("the config stays as it was", reason=str(exc))
        return
    _log.info("reloaded", changed=list(changed))
