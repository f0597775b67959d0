"""The demo's own folder, simulator process and daemon, apart from the user's.

Everything lies under one folder in the user's state folder, so that `proxyctl demo --stop` finds it again. What is
left of a demo that was killed is cleared away by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxyctl.cli.context import CliContext
from proxyctl.cli.failures import Failure

if TYPE_CHECKING:
    import psutil

FRAME_DELAY = 0.02
"""Seconds between the simulator's frames: a stream that one can watch."""

END_SECONDS = 5.0
SIMULATOR_FILE = "simulator.json"


@dataclass(frozen=True, slots=True)
class DemoHome:
    """`folder` is the demo's `PROXYCTL_HOME`; `environ` what its processes and commands see."""

    folder: Path
    environ: Mapping[str, str]

    @classmethod
    def of(cls, cli: CliContext) -> DemoHome:
        from proxyctl.simulator.setup import DEMO_KEY, KEY_VARIABLE

        folder = _around(cli) or cli.paths.state_dir / "demo"
        others = {name: value for name, value in cli.environ.items() if name != "PROXYCTL_CONFIG"}
        return cls(folder, {**others, "PROXYCTL_HOME": str(folder), KEY_VARIABLE: DEMO_KEY})

    def context(self) -> CliContext:
        """As if the user had set `PROXYCTL_HOME`."""
        return CliContext.create(None, self.environ)

    @property
    def simulator_file(self) -> Path:
        return self.folder / SIMULATOR_FILE

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)

    @contextmanager
    def as_environment(self) -> Iterator[None]:
        """While the daemon is started: a child inherits this process's environment."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environ)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _around(cli: CliContext) -> Path | None:
    """The demo's folder, when a command runs in the environment of a demo: it is to find that one, not one inside."""
    for folder in (cli.paths.state_dir.parent, cli.paths.config_file.parent):
        if folder.name == "demo" and (folder / SIMULATOR_FILE).exists():
            return folder
    return None


def start_simulator(home: DemoHome) -> str:
    """Start the simulator as a process of its own; its address. Raises `Failure`."""
    said = home.folder / "simulator.log"
    command = [sys.executable, "-m", "proxyctl.simulator", "--port", "0", "--delay", str(FRAME_DELAY)]
    with said.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=dict(home.environ),
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    with process.stdout as pipe:
        line = pipe.readline()
    if not line:
        process.wait()
        words = said.read_text("utf-8", "replace").strip().splitlines()
        raise Failure(f"the simulator did not start: {words[-1] if words else 'it said nothing'}", hint=f"see {said}")
    process.returncode = 0  # it lives on; Python must not warn that nobody waited for it
    url = str(json.loads(line)["url"])
    home.simulator_file.write_text(json.dumps({"url": url, "pid": process.pid, "created": _created(process.pid)}))
    return url


def stop_simulator(home: DemoHome) -> bool:
    """End the simulator that this demo started, and no other process that got its number. Whether there was one."""
    import psutil

    known = _known_simulator(home)
    if known is None:
        return False
    ended = False
    with suppress(psutil.Error):
        process = psutil.Process(known["pid"])
        if process.create_time() == known["created"]:
            process.terminate()
            ended = _has_ended(process)
    home.simulator_file.unlink(missing_ok=True)
    return ended


def _has_ended(process: psutil.Process) -> bool:
    """Whether it ends in time. A zombie has ended: it only waits for a parent, which may never ask for it."""
    import psutil

    deadline = time.monotonic() + END_SECONDS
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
    return True


def simulator_url(home: DemoHome) -> str | None:
    """Where the demo's simulator answers, `None` when it does not."""
    from proxyctl.client.connection import Endpoint, call
    from proxyctl.client.errors import ClientError

    known = _known_simulator(home)
    if known is None:
        return None
    try:
        call(Endpoint(known["url"]), "GET", "/_control/providers")
    except ClientError:
        return None
    return str(known["url"])


def _known_simulator(home: DemoHome) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads(home.simulator_file.read_bytes())
    except (OSError, ValueError):
        return None
    return known


def _created(pid: int) -> float:
    import psutil

    return float(psutil.Process(pid).create_time())
