"""The command line between the command and the daemon's process."""

from pathlib import Path

import pytest

from proxyctl.config.paths import Paths
from proxyctl.daemon.arguments import Arguments, read_arguments
from proxyctl.daemon.lifecycle import _arguments


@pytest.fixture
def some_paths(tmp_path) -> Paths:
    return Paths.find(tmp_path / "c.toml", {"PROXYCTL_HOME": str(tmp_path)})


@pytest.mark.parametrize(("host", "port"), [(None, None), ("::1", 0), ("localhost", 9000)])
def test_what_start_writes_the_daemon_reads(some_paths, host, port) -> None:
    written = _arguments(some_paths, host, port, 5, 6)

    assert read_arguments(written) == Arguments(some_paths.config_file, host, port, 5, 6, foreground=False)


def test_the_foreground_needs_no_descriptors(some_paths) -> None:
    written = _arguments(some_paths, None, 1, None, None)

    assert read_arguments(written) == Arguments(some_paths.config_file, None, 1, None, None, foreground=True)
    assert read_arguments(["--foreground", "--config", "x"]).config == Path("x")


@pytest.mark.parametrize(
    "argv",
    [[], ["--fd", "3"], ["--ready-fd", "3"], ["--foreground", "--port", "70000"], ["--foreground", "--port", "-1"]],
)
def test_what_makes_no_sense_is_a_usage_error(argv, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        read_arguments(argv)

    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err
