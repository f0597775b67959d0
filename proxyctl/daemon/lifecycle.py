"""Start and stop the daemon's process from outside, and wait for proof.

`start` returns when the daemon answers, and otherwise says what happened: it refused, it died, it hung. `stop` returns
when the lock is free. Nothing here prints or sleeps without a limit; what happens on the way is told to a callback.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

from proxyctl.config.paths import Paths
from proxyctl.daemon.errors import (
    AlreadyRunningError,
    CannotListenError,
    NotRunningError,
    PortTakenError,
    StillRunningError,
    UnresponsiveError,
)
from proxyctl.daemon.farewell import PATIENCE, Farewell, Watch, forget_progress
from proxyctl.daemon.lock import DaemonState, is_held, read_state, remove_state, starting
from proxyctl.daemon.port import listen
from proxyctl.daemon.probe import Running, Silent, Stopped, look
from proxyctl.daemon.ready import Ready
from proxyctl.daemon.spawn import outcome, spawn

SERVE = (sys.executable, "-m", "proxyctl.daemon.serve")
START_SECONDS = 30.0
SIGNAL_SECONDS = 5.0
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8094

StopStep: TypeAlias = Literal["asked", "refused", "terminated", "killed", "stopped"]
"""What a stop did: asked the daemon, which may refuse; sent SIGTERM; sent SIGKILL; saw the lock free."""


def start(
    paths: Paths,
    *,
    host: str | None = None,
    port: int | None = None,
    seconds: float = START_SECONDS,
    command: Sequence[str] = SERVE,
) -> Ready:
    """Start the daemon and return what it says when it answers.

    `host` and `port` win over the config. Raises `AlreadyRunningError`, `UnresponsiveError`, `PortTakenError`,
    `CannotListenError`, `StartRefusedError`, `StartDiedError` or `StartTimeoutError`.
    """
    with starting(paths, seconds):
        _expect_nobody(paths)
        bind = listen_address(paths.config_file, host, port)
        with listen(*bind) as sock:
            ready_read, ready_write = os.pipe()
            try:
                arguments = _arguments(paths, host, port, sock.fileno(), ready_write)
                child = spawn([*command, *arguments], paths, (sock.fileno(), ready_write))
            finally:
                os.close(ready_write)
        with os.fdopen(ready_read, "rb", buffering=0) as pipe:
            return outcome(child, pipe.fileno(), paths, seconds)


def foreground(paths: Paths, *, host: str | None = None, port: int | None = None) -> NoReturn:
    """Become the daemon: this process goes on as one that logs to the terminal until it is interrupted."""
    arguments = _arguments(paths, host, port, None, None)
    os.execv(SERVE[0], [*SERVE, *arguments])  # noqa: S606 - our own module, no shell


def stop(
    paths: Paths,
    *,
    say: Callable[[StopStep], None] = lambda _step: None,
    waits_for: Callable[[int], None] = lambda _active: None,
    drain_seconds: float | None = None,
    signal_seconds: float = SIGNAL_SECONDS,
) -> int | None:
    """End the daemon, and return when its lock is free: how many answers were cut, `None` when nobody could see.

    It is asked first and has `drain_seconds` (as its config says, when `None`) for what is under way; then comes
    SIGTERM, then SIGKILL. `waits_for` hears how many requests are open, at first and whenever that changes. Raises
    `NotRunningError` or `StillRunningError`.
    """
    sight = look(paths)
    if isinstance(sight, Stopped):
        remove_state(paths)
        raise NotRunningError
    state = sight.state
    watch = None if state is None else Watch(paths, state, waits_for, time.time)
    if isinstance(sight, Running) and watch is not None:
        patience = sight.state.drain_seconds if drain_seconds is None else drain_seconds
        asked, cut = _ask_and_wait(paths, sight.state, watch, say, patience, signal_seconds)
        if asked and _released(paths, 0):
            return _stopped(paths, say, cut)
    signals: tuple[tuple[StopStep, int], ...] = (("terminated", signal.SIGTERM), ("killed", signal.SIGKILL))
    for step, number in signals:
        if state is None or not _signal(state, number):
            break
        say(step)
        if _released(paths, signal_seconds):
            return _stopped(paths, say, watch.active if watch else None)
    if _released(paths, 0):
        return _stopped(paths, say, None)
    raise StillRunningError(state.pid if state else None)


def _ask_and_wait(
    paths: Paths,
    state: DaemonState,
    watch: Watch,
    say: Callable[[StopStep], None],
    patience: float,
    signal_seconds: float,
) -> tuple[bool, int | None]:
    """Whether it agreed to stop, and how many requests were open when its time was up, as `stop` returns it.

    Returns when the lock is free or the patience at its end.
    """
    with Farewell(state) as farewell:
        if not farewell.ask():
            say("refused")
            return False, None
        say("asked")
        began = time.monotonic()
        while is_held(paths):
            passed = time.monotonic() - began
            if passed >= patience + signal_seconds:
                return True, watch.active
            if passed < state.drain_seconds:
                # Later it is cutting what is left, and each number would be a moment's.
                watch.saw(farewell.active())
            time.sleep(0.02)
    if time.monotonic() - began >= state.drain_seconds:
        return True, watch.active
    # All were finished in time, unless somebody hurried it with a signal: then nobody saw what was cut.
    return True, 0 if not watch.active else None


def restart(
    paths: Paths,
    *,
    host: str | None = None,
    port: int | None = None,
    say: Callable[[StopStep], None] = lambda _step: None,
    waits_for: Callable[[int], None] = lambda _active: None,
    command: Sequence[str] = SERVE,
) -> Ready:
    """Stop the daemon if it runs, and start it with the host and port that its own start was given, or with new ones.

    Raises what `stop` and `start` raise, but for `NotRunningError`. A new port that is taken is found out before
    anything is stopped.
    """
    state = read_state(paths.state_file) if is_held(paths) else None
    if state is not None:
        host = state.given_host if host is None else host
        port = state.given_port if port is None else port
        _expect_free(listen_address(paths.config_file, host, port), state)
    with suppress(NotRunningError):
        stop(paths, say=say, waits_for=waits_for)
    return start(paths, host=host, port=port, command=command)


def _expect_free(bind: tuple[str, int], state: DaemonState) -> None:
    """Raise when a restart could not listen there. The daemon's own port will be free when it has stopped."""
    if bind[1] in {0, state.port}:
        return
    try:
        listen(*bind).close()
    except (PortTakenError, CannotListenError) as exc:
        exc.hint = f"nothing was stopped: proxyctl goes on at {state.address}; give another --port"
        raise


def listen_address(config_file: Path, host: str | None, port: int | None) -> tuple[str, int]:
    """Where the daemon will listen. A config or port that cannot be read is the daemon's to explain, line by line.

    Until it has, any free port will do: a taken one must not hide what is wrong with the file.
    """
    try:
        section: Any = tomllib.loads(config_file.read_text("utf-8-sig")).get("server", {})
    except FileNotFoundError:
        section = {}
    except (OSError, ValueError):
        return host or DEFAULT_HOST, 0 if port is None else port
    server: Mapping[str, Any] = section if isinstance(section, dict) else {}
    configured_host, configured_port = server.get("host"), server.get("port")
    if host is None:
        host = configured_host if isinstance(configured_host, str) and configured_host else DEFAULT_HOST
    if port is None:
        if configured_port is None:
            port = DEFAULT_PORT
        else:
            valid = isinstance(configured_port, int) and 0 <= configured_port <= 65_535
            port = int(configured_port) if valid else 0
    return host, port


def _expect_nobody(paths: Paths) -> None:
    """Raise when a daemon is there; take away what a dead one left."""
    sight = look(paths)
    if isinstance(sight, Silent):
        # It may be on its way down: a stop just before this start is no reason to refuse it.
        _released(paths, PATIENCE)
        sight = look(paths)
    if isinstance(sight, Running):
        raise AlreadyRunningError(sight.state)
    if isinstance(sight, Silent):
        raise UnresponsiveError(sight.state)
    remove_state(paths)


def _arguments(paths: Paths, host: str | None, port: int | None, sock: int | None, ready: int | None) -> list[str]:
    arguments = ["--config", str(paths.config_file)]
    arguments += ["--host", host] if host is not None else []
    arguments += ["--port", str(port)] if port is not None else []
    if sock is None:
        return [*arguments, "--foreground"]
    return [*arguments, "--fd", str(sock), "--ready-fd", str(ready)]


def _released(paths: Paths, seconds: float) -> bool:
    """Whether nobody holds the lock within so long."""
    deadline = time.monotonic() + seconds
    while is_held(paths):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _stopped(paths: Paths, say: Callable[[StopStep], None], cut: int | None) -> int | None:
    remove_state(paths)
    forget_progress(paths)
    say("stopped")
    return cut


def _signal(state: DaemonState, number: int) -> bool:
    """Signal the process that wrote `state`, when it still is that process: pids are used again."""
    import psutil

    try:
        process = psutil.Process(state.pid)
        # Started after the state was written: another program that got the number. A second for the clocks' grain.
        if process.create_time() > state.started_at + 1.0:
            return False
        process.send_signal(number)
    except psutil.NoSuchProcess:
        # It has just ended: the lock tells.
        return True
    except psutil.Error:
        return False
    return True
