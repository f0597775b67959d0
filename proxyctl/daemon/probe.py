"""Whether a daemon lives: its lock is held, and the instance that the state file names answers.

A pid may belong to somebody else by now, and a port may be answered by anybody; the instance id is new at each start.
Over `http.client`, because a command must not spend its time importing an HTTP library.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from proxyctl.config.paths import Paths
from proxyctl.daemon.farewell import PATIENCE, Progress, read_progress
from proxyctl.daemon.lines import last_lines
from proxyctl.daemon.lock import DaemonState, is_held, reachable, read_state


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nobody holds the lock."""


@dataclass(frozen=True, slots=True)
class Running:
    """The daemon answers."""

    state: DaemonState


@dataclass(frozen=True, slots=True)
class Silent:
    """The lock is held, but nobody answers as that state says: it is starting, stopping, or hangs."""

    state: DaemonState | None


@dataclass(frozen=True, slots=True)
class Stopping:
    """A daemon that takes no connections any more. `progress` is `None` when nobody watches its requests end.

    `is_draining` when its log says that it stops; else it may as well hang.
    """

    state: DaemonState
    progress: Progress | None
    is_draining: bool


Sight: TypeAlias = Stopped | Running | Silent


def look(paths: Paths, patience: float = PATIENCE) -> Sight:
    """What is there now."""
    if not is_held(paths):
        return Stopped()
    state = read_state(paths.state_file)
    if state is not None and answers(state, patience):
        return Running(state)
    return Silent(state)


def stopping(paths: Paths) -> Stopping | None:
    """The daemon that nobody could reach but that is still there; `None` when none is."""
    state = read_state(paths.state_file)
    if state is None or not is_held(paths):
        return None
    progress = read_progress(paths, state.instance)
    return Stopping(state, progress, progress is not None or _says_stopping(paths))


def _says_stopping(paths: Paths) -> bool:
    """Whether the last word about its life in the daemon's log is that it stops."""
    for line in reversed(last_lines(paths.log_file, count=200)):
        try:
            event = msgspec.json.decode(line, type=_Line).event
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if event in {"ready", "stopping"}:
            return event == "stopping"
    return False


class _Line(msgspec.Struct):
    event: str = ""


def answers(state: DaemonState, patience: float = PATIENCE) -> bool:
    """Whether the daemon at that address is the instance that `state` describes."""
    try:
        status, body = ask(state, "GET", "/healthz", patience)
        return status == 200 and msgspec.json.decode(body, type=_Liveness).instance == state.instance
    except (OSError, http.client.HTTPException, msgspec.MsgspecError, UnicodeDecodeError):
        return False


def ask(state: DaemonState, method: str, path: str, patience: float = PATIENCE) -> tuple[int, bytes]:
    """A request with the management token; status and body. Raises `OSError` or `http.client.HTTPException`."""
    connection = http.client.HTTPConnection(reachable(state.host), state.port, timeout=patience)
    try:
        connection.request(method, path, headers={"authorization": f"Bearer {state.token}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class _Liveness(msgspec.Struct):
    instance: str = ""
