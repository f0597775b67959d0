"""The daemon's process from its command line to its exit code: lock, config, log, socket, then `life`.

The order matters. The lock comes first, so that of two daemons one does nothing; the readiness line comes last, when a
request would be answered. Everything that is taken on the way is given back in the opposite order.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from proxyctl import __version__
from proxyctl.config.checks import check_reach
from proxyctl.config.kinds import Kinds
from proxyctl.config.load import load
from proxyctl.config.model import Settings
from proxyctl.config.paths import Paths
from proxyctl.config.problems import ConfigError, Refusal
from proxyctl.config.secret import redact
from proxyctl.config.secrets import KeySources, SecretsFileError
from proxyctl.core.clock import Clock, SystemClock
from proxyctl.daemon.arguments import Arguments, read_arguments
from proxyctl.daemon.errors import AlreadyRunningError, DaemonError, UnresponsiveError
from proxyctl.daemon.life import ASGIApp, Gateway, Server, live
from proxyctl.daemon.lock import DaemonLock, DaemonState, read_state, remove_state, starting, write_state
from proxyctl.daemon.logs import LogSink, log_to_file, log_to_terminal
from proxyctl.daemon.port import listen
from proxyctl.daemon.ready import ReadinessLine, Ready, Refused

FAILED, CONFIG_INVALID, INTERRUPTED = 1, 4, 130

_log = structlog.get_logger("proxyctl.daemon")


@dataclass(frozen=True, slots=True)
class Launch:
    """What a gateway is built from. `folder` is where the daemon was started: its `.env` counts."""

    settings: Settings
    paths: Paths
    folder: Path
    instance: str
    token: str
    address: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes this daemon the gateway's. `first` writes the first config and says what it enabled."""

    kinds: Kinds
    build: Callable[[Launch], Gateway]
    server: Callable[[ASGIApp, int], Server]
    first: Callable[[Paths, KeySources], tuple[str, ...]]
    run: Callable[[Coroutine[Any, Any, None]], None]


def run(argv: Sequence[str], parts: Parts, clock: Clock | None = None) -> int:
    """Live as the daemon; the process's exit code."""
    arguments = read_arguments(argv)
    line = ReadinessLine(arguments.ready)
    try:
        _live(arguments, parts, line, clock or SystemClock())
    except ConfigError as exc:
        line.refuse(Refused(code=exc.code, message=str(exc), hint="`proxyctl config validate` checks the file"))
        return CONFIG_INVALID
    except SecretsFileError as exc:
        line.refuse(Refused(code=exc.code, message=str(exc), hint=exc.hint))
        return FAILED
    except DaemonError as exc:
        line.refuse(Refused(code=_code(exc), message=exc.message, hint=exc.hint))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - the process's last edge: whatever it is, the parent shows it
        sys.stderr.write(redact(traceback.format_exc()))
        return FAILED
    finally:
        line.close()
    return 0


def _live(arguments: Arguments, parts: Parts, line: ReadinessLine, clock: Clock) -> None:
    paths = Paths.find(arguments.config, os.environ)
    folder = Path.cwd()
    with ExitStack() as held:
        start_right = held.enter_context(ExitStack())
        if arguments.foreground:
            start_right.enter_context(starting(paths, 30.0))  # else the parent holds it
        _take_lock(paths, held)
        first = _first_config(paths, parts, folder)
        settings = _with_overrides(load(paths.config_file, parts.kinds), arguments, paths)
        logs = _open_logs(arguments, paths, settings, held)
        sock = arguments.sock
        if sock is None:
            with listen(settings.server.host, settings.server.port) as bound:
                sock = bound.detach()
        if not arguments.foreground:
            # The folder where it was started may be deleted or unmounted while it runs.
            os.chdir(paths.state_dir)
        state = _describe(sock, settings, arguments, paths, clock)
        launch = Launch(settings, paths, folder, state.instance, state.token, state.address)
        held.callback(remove_state, paths, state.instance)

        def announce(gateway: Gateway) -> None:
            write_state(paths, state)
            ready = _readiness(gateway, state, first)
            line.ready(ready)
            start_right.close()
            _log_start(ready, folder)

        parts.run(_serve(launch, parts, sock, logs, announce))


async def _serve(launch: Launch, parts: Parts, sock: int, logs: LogSink, announce: Callable[[Gateway], None]) -> None:
    gateway = parts.build(launch)
    logs.redact = gateway.redact
    server = parts.server(gateway.app, sock)
    await live(gateway, server, announce, drain_seconds=launch.settings.server.drain_seconds)


def _log_start(ready: Ready, folder: Path) -> None:
    """What somebody who reads the log later must know: where it listens, by which file, and who takes part."""
    told = {name: list(texts) for name, texts in (("first", ready.first), ("notes", ready.notes)) if texts}
    _log.info(
        "ready",
        address=ready.address,
        instance=ready.instance,
        version=ready.version,
        pid=ready.pid,
        config=ready.config_path,
        folder=str(folder),
        providers=list(ready.providers),
        **told,
    )


def _take_lock(paths: Paths, held: ExitStack) -> None:
    paths.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = DaemonLock(paths)
    if not lock.acquire():
        state = read_state(paths.state_file)
        raise AlreadyRunningError(state) if state else UnresponsiveError(None)
    held.callback(lock.release)
    remove_state(paths)


def _first_config(paths: Paths, parts: Parts, folder: Path) -> tuple[str, ...]:
    if paths.config_file.exists():
        return ()
    with suppress(FileExistsError):  # somebody wrote one meanwhile: that one counts
        return parts.first(paths, KeySources.read(paths, os.environ, folder))
    return ()


def _with_overrides(settings: Settings, arguments: Arguments, paths: Paths) -> Settings:
    """The settings with the command line's host and port. Raises `DaemonError` where they may not be used."""
    host = settings.server.host if arguments.host is None else arguments.host
    port = settings.server.port if arguments.port is None else arguments.port
    try:
        check_reach(host, has_keys=bool(settings.server.keys))
    except Refusal as exc:
        raise DaemonError(f"--host {host}: {exc.message}", hint=f"{exc.hint} in {paths.config_file}") from None
    return replace(settings, server=replace(settings.server, host=host, port=port))


def _open_logs(arguments: Arguments, paths: Paths, settings: Settings, held: ExitStack) -> LogSink:
    level = settings.server.log_level
    logs = (
        log_to_terminal(sys.stderr, level, redact)
        if arguments.foreground
        else log_to_file(paths.log_file, level, redact)
    )
    held.callback(logs.close)
    return logs


def _describe(sock: int, settings: Settings, arguments: Arguments, paths: Paths, clock: Clock) -> DaemonState:
    with socket.socket(fileno=os.dup(sock)) as bound:
        port = bound.getsockname()[1]
    return DaemonState(
        host=settings.server.host,
        port=port,
        pid=os.getpid(),
        instance=secrets.token_hex(8),
        version=__version__,
        token=secrets.token_urlsafe(32),
        started_at=clock.now(),
        config_path=str(paths.config_file),
        log_path=str(paths.log_file),
        drain_seconds=settings.server.drain_seconds,
        given_host=arguments.host,
        given_port=None if arguments.port is None else port,
    )


def _readiness(gateway: Gateway, state: DaemonState, first: tuple[str, ...]) -> Ready:
    return Ready(
        pid=state.pid,
        address=state.address,
        version=state.version,
        instance=state.instance,
        config_path=state.config_path,
        log_path=state.log_path,
        providers=gateway.providers(),
        first=first,
        notes=gateway.notes(),
    )


def _code(exc: DaemonError) -> str:
    return "already_running" if isinstance(exc, AlreadyRunningError) else "start_failed"
