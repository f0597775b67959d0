"""Replace a small file whole, and let one writer in at a time.

A reader sees the old bytes or the new ones, never half, also when the machine stops in between. A symbolic link stays
one: the file it points to is replaced. Locks are files beside the target (`.NAME.lock`), held while an edit lasts.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_SECONDS = 10.0
PRIVATE = 0o600


class FileBusyError(OSError):
    """Another process holds the file's lock and did not let go of it in time."""


def replace_file(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put `data` in the place of the file at `path`, on disk when this returns.

    The permissions are `mode`, else those of the file that stood there, else `PRIVATE`. Raises `OSError`, and then the
    old file stands untouched.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), _mode_of(target) if mode is None else mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_folder(target.parent)


@contextmanager
def locked(path: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of the file at `path`. Raises `FileBusyError` when another holds it for longer than `seconds`."""
    from filelock import FileLock, Timeout

    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(target.parent / f".{target.name}.lock", timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise FileBusyError(f"{path} is being edited by another process") from None
    try:
        yield
    finally:
        lock.release()


def _mode_of(target: Path) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return PRIVATE


def _sync_folder(folder: Path) -> None:
    """The new name is on disk only when its folder is; some file systems cannot say so, and that is no failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
