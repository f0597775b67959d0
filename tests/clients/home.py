"""One home folder with a daemon in it: the command as its user would run it, and HTTP to what it started.

Nothing is imported from the gateway: whatever these tests know of it comes from its command, its answers and its files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import psutil

COMMAND = (sys.executable, "-m", "proxyctl.cli")
KEY_VARIABLE, KEY = "SIMULATED_KEY", "a-key-that-the-simulator-takes"
SECONDS = 60.0
"""How long a command or an answer may take before the test fails; only a hang reaches it."""

Done = subprocess.CompletedProcess[str]
T = TypeVar("T")


def eventually(what: Callable[[], T | None], seconds: float = SECONDS) -> T:
    """The first true value of `what`; fails at the limit."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return value


class Home:
    """A `PROXYCTL_HOME`. Leaving it ends every daemon that was started in it, whatever state it is in."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config_file = folder / "config.toml"
        self.http = httpx.Client(trust_env=False, timeout=SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        for process in self.daemons():
            process.kill()
        psutil.wait_procs(self.daemons(), timeout=SECONDS)

    def daemons(self) -> list[psutil.Process]:
        """The processes that were started for this home and still run."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "proxyctl.daemon.serve" in words and str(self.config_file) in words:
                found.append(process)
        return found

    def environ(self) -> dict[str, str]:
        """What finding Python and temporary files needs, and this home: no key, no proxy of the one who runs tests."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "COLUMNS") if name in os.environ}
        home = str(self.folder)
        return {**kept, "HOME": home, "PROXYCTL_HOME": home, KEY_VARIABLE: KEY}

    def run(self, *words: str, code: int = 0) -> Done:
        """Run `proxyctl`; its exit code must be `code`."""
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    @property
    def state(self) -> dict[str, Any]:
        """What the running daemon wrote of itself."""
        state: dict[str, Any] = json.loads((self.folder / "state" / "daemon.json").read_text())
        return state

    @property
    def url(self) -> str:
        return f"http://{self.state['host']}:{self.state['port']}"

    def get(self, path: str) -> Any:
        answer = self.http.get(self.url + path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str) -> Any:
        """A change through the management API, with the token that the state file holds."""
        answer = self.http.post(self.url + path, headers={"authorization": f"Bearer {self.state['token']}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def chat(self, model: str, text: str = "Good morning", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.http.post(f"{self.url}/v1/chat/completions", json=body)

    def messages(self, model: str, text: str = "Good morning", **more: Any) -> httpx.Response:
        body = {"model": model, "max_tokens": 500, "messages": [{"role": "user", "content": text}], **more}
        return self.http.post(f"{self.url}/v1/messages", json=body)
