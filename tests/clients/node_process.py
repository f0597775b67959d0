"""The Node clients of `tests/clients/node` in a process of their own: a JSON line in, a JSON line of what they saw out.

Their packages and a Node new enough for them are installed by `npm ci --prefix tests/clients/node`, as `.ci/run` does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .home import SECONDS
from .targets import SCHEMA, TOOL_NAME

FOLDER = Path(__file__).with_name("node")
PACKAGES = FOLDER / "node_modules"
OLDEST_NODE = 22
"""What the packages ask for; among them is a Node of that version for Linux."""
TOOL = {"name": TOOL_NAME, "description": "The weather of a city.", "schema": SCHEMA}


def what_is_missing() -> str:
    """Why the clients cannot be run here, `""` when they can."""
    if not (PACKAGES / "openai").is_dir():
        return "the packages are not installed: npm ci --prefix tests/clients/node"
    if not node_program():
        return f"there is no node {OLDEST_NODE} or newer"
    return ""


def node_program() -> str:
    """The installed package's own, else the machine's if it is new enough, else `""`."""
    installed = next(PACKAGES.glob("node-linux-*/bin/node"), None)
    if installed is not None:
        return str(installed)
    found = shutil.which("node")
    if found is None:
        return ""
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=SECONDS).stdout
    return found if int(said.strip().removeprefix("v").partition(".")[0]) >= OLDEST_NODE else ""


class NodeClients:
    """`ask` runs one scenario of one client; a client that hangs is ended, and the test fails."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, client: str, scenario: str, *, base: str, model: str, text: str) -> dict[str, Any]:
        """What the client saw; `{"error": …}` for what it threw. `base` is the daemon's address."""
        asked = {"client": client, "scenario": scenario, "base": base, "model": model, "text": text, "tool": TOOL}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        limit = threading.Timer(SECONDS, self._process.kill)
        limit.start()
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            limit.cancel()
        assert line, f"node ended during {client} {scenario}"
        seen: dict[str, Any] = json.loads(line)
        return seen


@contextmanager
def node_clients() -> Iterator[NodeClients]:
    """Start them without the environment of the one who runs the tests: no key, no proxy, no telemetry setting."""
    environ = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    with subprocess.Popen(
        [node_program(), str(FOLDER / "main.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        try:
            yield NodeClients(process)
        finally:
            process.kill()
