"""Who is the daemon, and where: a lock held for life, and a state file beside it.

The lock is the truth: the kernel lets go of it when its process ends, however it ends. The state file only describes
the holder, and counts for nothing while nobody holds the lock. No pid decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.config.files import PRIVATE, replace_file
from proxyctl.config.paths import Paths
from proxyctl.daemon.errors import DaemonError

if TYPE_CHECKING:
    from filelock import FileLock


class DaemonState(Struct, frozen=True, kw_only=True):
    """What the command must know of a running daemon. `token` opens the management API; times are Unix seconds.

    `host` is where it listens, which may be all addresses; `drain_seconds` is how long a stop may take by its config.
    `given_host` and `given_port` came from the command line, so that a restart can give them again.
    """

    host: str
    port: int
    pid: int
    instance: str
    version: str
    token: str
    started_at: float
    config_path: str
    log_path: str
    drain_seconds: float = 10.0
    given_host: str | None = None
    given_port: int | None = None

    @property
    def address(self) -> str:
        """The base URL that a program on this machine can use."""
        host = reachable(self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @override
    def __repr__(self) -> str:
        return f"DaemonState(pid={self.pid}, address={self.address!r}, instance={self.instance!r})"


class DaemonLock:
    """The lock of one daemon's life. Released by `release`, or by the end of the process."""

    def __init__(self, paths: Paths) -> None:
        self._lock = _file_lock(paths.lock_file)

    def acquire(self, seconds: float = 2.0) -> bool:
        """Whether it is ours now. The wait is for commands that look whether it is held, and let go at once."""
        return _acquired(self._lock, seconds)

    def release(self) -> None:
        self._lock.release()


def is_held(paths: Paths) -> bool:
    """Whether a daemon is there, ready or not."""
    if not paths.lock_file.exists():
        return False
    lock = DaemonLock(paths)
    if not lock.acquire(0):
        return True
    lock.release()
    return False


@contextmanager
def starting(paths: Paths, seconds: float) -> Iterator[None]:
    """Hold the right to start a daemon, so that of two starts at once the second sees what the first has done.

    Raises `DaemonError` when another start takes longer than `seconds`.
    """
    paths.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _file_lock(paths.state_dir / "start.lock")
    if not _acquired(lock, seconds):
        raise DaemonError("another `proxyctl start` is still under way", hint="wait for it, then try again")
    try:
        yield
    finally:
        lock.release()


def write_state(paths: Paths, state: DaemonState) -> None:
    """Publish where the daemon is, whole and for its owner's eyes only."""
    replace_file(paths.state_file, msgspec.json.encode(state), mode=PRIVATE)


def read_state(path: Path) -> DaemonState | None:
    """The description in a state file, which may be stale; `None` when there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DaemonState)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def remove_state(paths: Paths, instance: str | None = None) -> None:
    """Take the description away, when it is of `instance` or of anyone."""
    state = read_state(paths.state_file)
    if instance is None or (state is not None and state.instance == instance):
        with suppress(FileNotFoundError):
            paths.state_file.unlink()


def reachable(host: str) -> str:
    """The address under which a program on this machine reaches a daemon that listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def _file_lock(path: Path) -> FileLock:
    # Imported here: a command that only reads the state file need not wait for it.
    from filelock import FileLock

    # Never the library's existence lock for file systems without flock: it would survive a crash.
    return FileLock(path, mode=PRIVATE, fallback_to_soft=False)


def _acquired(lock: FileLock, seconds: float) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(timeout=seconds, poll_interval=0.01)
    except Timeout:
        return False
    return True
