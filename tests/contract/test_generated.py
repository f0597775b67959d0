"""Generated files are what their generators write today."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from proxyctl.cli.scripts import SCRIPTS

from .source import DOCS, ROOT

FILES = {"bash": "proxyctl.bash", "zsh": "_proxyctl", "fish": "proxyctl.fish"}


def test_there_is_a_file_for_every_shell() -> None:
    assert set(FILES) == set(SCRIPTS)
    assert {path.name for path in (ROOT / "completions").iterdir()} == set(FILES.values())


@pytest.mark.parametrize("shell", FILES)
def test_completion_scripts_are_fresh(shell: str) -> None:
    assert (ROOT / "completions" / FILES[shell]).read_text("utf-8") == SCRIPTS[shell]


def test_the_reference_of_the_commands_is_fresh() -> None:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "proxyctl.cli.reference"]

    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)

    assert done.stdout == (DOCS / "cli.md").read_text("utf-8")
