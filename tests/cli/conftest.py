from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.stand_in import StandIn

from .shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A user with an empty home and no daemon."""
    return Shell(tmp_path / "home")


@pytest.fixture
def daemon(shell: Shell) -> Iterator[StandIn]:
    """A stand-in for the daemon, which the shell's user finds by its state file."""
    with StandIn() as stand_in:
        shell.knows(stand_in.port, stand_in.token)
        yield stand_in
