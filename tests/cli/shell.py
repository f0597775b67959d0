"""A user at a prompt: runs commands against a home of their own and sees what comes out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
from typer.testing import CliRunner, Result

from proxyctl.cli.app import app
from proxyctl.cli.context import CliContext
from proxyctl.config.paths import Paths
from proxyctl.daemon.lock import DaemonState, write_state

from .samples import NOW

CONFIG = """\
# mine
[server]
port = 1

[providers.gemini]
mode = "pooled"

[providers.groq]
mode = "off"  # for now

[providers.my-server]
mode = "fallback"
base_url = "http://127.0.0.1:11434/v1"
keyless = true
"""


@dataclass
class Shell:
    """`home` is its `PROXYCTL_HOME`; `environ` may be changed by a test."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ = {"PROXYCTL_HOME": str(self.home), "COLUMNS": "100", **self.environ}

    @property
    def paths(self) -> Paths:
        return Paths.find(None, self.environ)

    def knows(self, port: int, token: str) -> None:
        """Write the state file of a daemon on this port."""
        state = DaemonState(
            host="127.0.0.1",
            port=port,
            pid=os.getpid(),
            instance="5e3c",
            version="0.1.0",
            token=token,
            started_at=NOW,
            config_path=str(self.paths.config_file),
            log_path=str(self.paths.log_file),
        )
        write_state(self.paths, state)

    def has_config(self, text: str = CONFIG) -> Path:
        self.home.mkdir(exist_ok=True)
        self.paths.config_file.write_text(text, "utf-8")
        return self.paths.config_file

    def run(
        self, *words: str, typed: str | None = None, columns: int = 100, context: CliContext | None = None
    ) -> Result:
        """Run a command in this process, its output in a pipe of so many columns, the clock at `NOW`."""
        context = context or CliContext(None, self.environ, lambda: NOW, UTC)
        environ = {**self.environ, "COLUMNS": str(columns)}
        return CliRunner().invoke(app, list(words), input=typed, env=environ, obj=context, catch_exceptions=False)


def output(result: Result) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    return result.exit_code, result.stdout, result.stderr


def as_json(result: Result, shape: Any = Any) -> Any:
    return msgspec.json.decode(result.stdout, type=shape)
