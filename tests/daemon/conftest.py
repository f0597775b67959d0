"""A daemon with a stand-in gateway, as a real process in a home of its own."""

import contextlib
import http.client
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from proxyctl.config.paths import Paths
from proxyctl.daemon import lifecycle
from proxyctl.daemon.lock import DaemonState, is_held, read_state
from proxyctl.daemon.ready import Ready

COMMAND = (sys.executable, str(Path(__file__).with_name("stand_in.py")))


def eventually(condition, seconds: float = 20.0):
    """The first true value of `condition`; fails at the limit, which only a hang reaches."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return value


@pytest.fixture
def until():
    return eventually


@pytest.fixture
def paths(tmp_path, monkeypatch) -> Paths:
    """A home with a config for any free port; the daemons in it are gone when the test is."""
    monkeypatch.setenv("PROXYCTL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PROXYCTL_CONFIG", raising=False)
    paths = Paths.find(None, os.environ)
    paths.config_file.parent.mkdir()
    paths.config_file.write_text("[server]\nport = 0\ndrain_seconds = 20\n[providers.local]\n")
    return paths


class Daemon:
    """Starts and stops daemons of one home, and talks to them."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.command = COMMAND
        self._pids: list[int] = []

    @property
    def state(self) -> DaemonState:
        return read_state(self.paths.state_file)

    def start(self, **options) -> Ready:
        ready = lifecycle.start(self.paths, command=COMMAND, **options)
        self._pids.append(ready.pid)
        return ready

    def restart(self, **options) -> Ready:
        ready = lifecycle.restart(self.paths, command=COMMAND, **options)
        self._pids.append(ready.pid)
        return ready

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.state.port, timeout=20)

    def get(self, path: str) -> bytes:
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", path)
            return connection.getresponse().read()

    def open_stream(self, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A connection whose answer has begun."""
        connection = self.connect()
        connection.request("POST", path, b"{}")
        response = connection.getresponse()
        assert response.read(6) == b"begun "
        return connection, response

    def kill(self) -> None:
        os.kill(self.state.pid, signal.SIGKILL)
        eventually(lambda: not is_held(self.paths))

    def end_all(self) -> None:
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


@pytest.fixture
def daemon(paths, monkeypatch):
    monkeypatch.delenv("STAND_IN", raising=False)
    daemon = Daemon(paths)
    yield daemon
    daemon.end_all()
