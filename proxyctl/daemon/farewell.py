"""Ask a daemon to stop, and watch it finish over the same connection: a daemon that stops takes no new one.

What is seen is also written beside the state file, so that `proxyctl status` in another terminal can tell how many
requests are still open. It counts only while the daemon that it names holds the lock.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from proxyctl.config.files import PRIVATE, replace_file
from proxyctl.config.paths import Paths
from proxyctl.daemon.lock import DaemonState, reachable

PATIENCE = 2.0
"""Seconds for an answer from this machine."""


class Progress(Struct, frozen=True, kw_only=True):
    """How many requests were open in a daemon that was asked to stop, and when that was seen (Unix seconds)."""

    instance: str
    active: int
    seen_at: float


class Farewell:
    """One connection to a daemon that is to end. Use it as a context manager."""

    def __init__(self, state: DaemonState) -> None:
        self._state = state
        self._connection = http.client.HTTPConnection(reachable(state.host), state.port, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._connection.close()

    def ask(self) -> bool:
        """Ask it to stop; whether it agreed."""
        try:
            status, _body = self._request("POST", "/daemon/stop")
        except (OSError, http.client.HTTPException):
            return False
        return status < 300

    def active(self) -> int | None:
        """How many requests are open now; `None` when it does not tell any more."""
        if self._connection.sock is None:
            return None  # closed by the other side: a new connection would be refused, or be somebody else's
        try:
            status, body = self._request("GET", "/daemon/status")
            return msgspec.json.decode(body, type=_Status).active_exchanges if status == 200 else None
        except (OSError, http.client.HTTPException, msgspec.MsgspecError, UnicodeDecodeError):
            self._connection.close()
            return None

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        self._connection.request(method, path, headers={"authorization": f"Bearer {self._state.token}"})
        response = self._connection.getresponse()
        return response.status, response.read()


class _Status(Struct):
    active_exchanges: int


def progress_file(paths: Paths) -> Path:
    return paths.state_dir / "stopping.json"


def note_progress(paths: Paths, progress: Progress) -> None:
    """Let others see it. A disk that is full must not keep the daemon from being stopped."""
    with suppress(OSError):
        replace_file(progress_file(paths), msgspec.json.encode(progress), mode=PRIVATE)


def read_progress(paths: Paths, instance: str) -> Progress | None:
    """What was last seen of this daemon's stop, `None` when nobody watches it."""
    try:
        found = msgspec.json.decode(progress_file(paths).read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if found.instance == instance else None


def forget_progress(paths: Paths) -> None:
    with suppress(FileNotFoundError):
        progress_file(paths).unlink()


class Watch:
    """What a stop has seen so far: each change is told and noted. `active` is the last number, `None` before any."""

    def __init__(self, paths: Paths, state: DaemonState, told: Callable[[int], None], now: Callable[[], float]) -> None:
        self._paths = paths
        self._instance = state.instance
        self._told = told
        self._now = now
        self.active: int | None = None

    def saw(self, active: int | None) -> None:
        """`None`, no answer, leaves the last number as it is."""
        if active is None or active == self.active:
            return
        self.active = active
        note_progress(self._paths, Progress(instance=self._instance, active=active, seen_at=self._now()))
        self._told(active)
