"""The demo is found from wherever it is asked for, and ended though nobody buries it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from proxyctl.cli.context import CliContext
from proxyctl.cli.demo_home import DemoHome, stop_simulator

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()  # and never a wait for the child
"""


def demo(**environ: str) -> DemoHome:
    return DemoHome.of(CliContext.create(None, environ))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A demo's folder in the home `tmp_path`, as if its simulator ran."""
    found = demo(PROXYCTL_HOME=str(tmp_path))
    found.clear()
    found.simulator_file.write_text("{}")
    return found.folder


def test_in_its_own_environment_the_demo_is_the_same(folder: Path) -> None:
    inside = demo(PROXYCTL_HOME=str(folder))

    assert inside.folder == folder
    assert inside.environ["PROXYCTL_HOME"] == str(folder)


def test_it_is_found_by_its_config_too(folder: Path, tmp_path: Path) -> None:
    inside = demo(PROXYCTL_HOME=str(tmp_path / "elsewhere"), PROXYCTL_CONFIG=str(folder / "config.toml"))

    assert inside.folder == folder
    assert "PROXYCTL_CONFIG" not in inside.environ


def test_a_home_that_is_called_demo_is_none(tmp_path: Path) -> None:
    home = tmp_path / "demo"

    assert demo(PROXYCTL_HOME=str(home)).folder == home / "state" / "demo"


def test_a_simulator_that_nobody_buries_has_ended(folder: Path, tmp_path: Path) -> None:
    """In a container the first process may never ask for its orphans: a zombie is all that is left."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        child = psutil.Process(int(parent.stdout.readline()))
        found = demo(PROXYCTL_HOME=str(tmp_path))
        assert found.folder == folder
        found.simulator_file.write_text(json.dumps({"url": "", "pid": child.pid, "created": child.create_time()}))

        assert stop_simulator(found)
        assert child.status() == psutil.STATUS_ZOMBIE
    finally:
        parent.communicate()
