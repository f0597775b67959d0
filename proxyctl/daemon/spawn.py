"""Start the daemon's process and wait for its one line: it is ready, it refused, it died, or it hung."""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

from proxyctl.config.files import PRIVATE
from proxyctl.config.paths import Paths
from proxyctl.config.secret import redact
from proxyctl.daemon.errors import StartDiedError, StartRefusedError, StartTimeoutError
from proxyctl.daemon.lines import last_lines
from proxyctl.daemon.ready import Ready, decode


def spawn(command: list[str], paths: Paths, descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """A process of its own session, so that it outlives the terminal. What it prints before it logs goes to a file."""
    crash = crash_file(paths)
    crash.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    output = os.open(crash, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        return subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            start_new_session=True,
        )
    finally:
        os.close(output)


def crash_file(paths: Paths) -> Path:
    """Where the daemon's stdout and stderr go: a traceback that came before the log was there."""
    return paths.state_dir / "daemon.crash"


def outcome(child: subprocess.Popen[bytes], pipe: int, paths: Paths, seconds: float) -> Ready:
    """Wait for the readiness line, the child's end, or the deadline."""
    try:
        line = _read_line(pipe, time.monotonic() + seconds)
    except BaseException:
        # Interrupted at the keyboard: nothing half-started may stay behind.
        _end(child)
        raise
    if line is None:
        _end(child)
        raise StartTimeoutError(seconds, _last_words(paths))
    try:
        message = decode(line)
    except ValueError:
        raise StartDiedError(_end(child), _last_words(paths)) from None
    if isinstance(message, Ready):
        child.returncode = 0  # it lives on; Python must not warn that nobody waited for it
        return message
    _end(child)
    raise StartRefusedError(message.code, message.message, hint=message.hint)


def _read_line(pipe: int, deadline: float) -> bytes | None:
    """The bytes up to a line's end or the end of file; `None` at the deadline."""
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            return None
        piece = os.read(pipe, 65_536)
        if not piece:
            break
        line += piece
    return line


def _end(child: subprocess.Popen[bytes]) -> int:
    """Make sure that a child that did not become a daemon is gone; its exit code."""
    try:
        return child.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _last_words(paths: Paths) -> tuple[str, ...]:
    lines = last_lines(crash_file(paths)) or last_lines(paths.log_file)
    return tuple(redact(line) for line in lines)
