"""`proxyctl` as a process of its own: in a pipe, or at a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "proxyctl.cli")
PATIENCE = 60.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """A user with nothing but a home: no key of whoever runs the tests, no colours of their terminal."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PROXYCTL_HOME": str(home), "HOME": str(home), **more}


def run(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(home, **more),
        cwd=home,
        timeout=PATIENCE,
    )


@dataclass
class Terminal:
    """A command at a terminal of 100 columns. Use it as a context manager."""

    home: Path
    words: tuple[str, ...]
    more: dict[str, str] = field(default_factory=dict)
    seen: bytes = b""
    exit_code: int | None = None

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        environ = environment(self.home, **{"TERM": "xterm", "COLUMNS": "100", "LINES": "40", **self.more})
        self._process = subprocess.Popen(
            [*COMMAND, *self.words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            cwd=self.home,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - the only thread at this moment, and nothing else makes it foreground
        )
        os.close(slave)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def until(self, is_there: Callable[[bytes], bool] | bytes) -> bytes:
        """Read until something stands on the screen."""
        found = is_there if callable(is_there) else lambda seen: is_there in seen
        while not found(self.seen):
            if not self._read():
                raise AssertionError(f"the command ended before that: {self.seen.decode(errors='replace')}")
        return self.seen

    def types(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C, as the terminal makes it."""
        self.types("\x03")

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        self.exit_code = self._process.wait(PATIENCE)
        return self.exit_code

    def _read(self) -> bool:
        readable, _, _ = select.select([self._master], [], [], PATIENCE)
        if not readable:
            self._process.send_signal(signal.SIGKILL)
            raise AssertionError(f"silence after: {self.seen.decode(errors='replace')}")
        try:
            piece = os.read(self._master, 65_536)
        except OSError:  # Linux's way to say that nobody holds the other end any more
            return False
        self.seen += piece
        return bool(piece)


def _take_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
