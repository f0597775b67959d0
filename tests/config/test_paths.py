"""Where the files are."""

import subprocess
import sys
from pathlib import Path

import pytest

from proxyctl.config.paths import Paths


def test_home_puts_everything_under_one_folder(tmp_path: Path) -> None:
    paths = Paths.find(None, {"PROXYCTL_HOME": str(tmp_path)})

    assert paths == Paths(
        config_file=tmp_path / "config.toml",
        secrets_file=tmp_path / "data" / "secrets.json",
        data_dir=tmp_path / "data",
        state_dir=tmp_path / "state",
        state_file=tmp_path / "state" / "daemon.json",
        lock_file=tmp_path / "state" / "daemon.lock",
        log_file=tmp_path / "log" / "daemon.log",
    )
    assert list(tmp_path.iterdir()) == []


def test_option_beats_variable_beats_home(tmp_path: Path) -> None:
    environ = {"PROXYCTL_HOME": str(tmp_path), "PROXYCTL_CONFIG": str(tmp_path / "b.toml")}

    assert Paths.find(tmp_path / "a.toml", environ).config_file == tmp_path / "a.toml"
    assert Paths.find(None, environ).config_file == tmp_path / "b.toml"
    assert Paths.find(None, {**environ, "PROXYCTL_CONFIG": " "}).config_file == tmp_path / "config.toml"


def test_relative_paths_are_of_the_callers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    paths = Paths.find(Path("c.toml"), {"PROXYCTL_HOME": "home"})

    assert paths.config_file == tmp_path / "c.toml"
    assert paths.state_dir == tmp_path / "home" / "state"


def test_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Paths.find(Path("~/c.toml"), {}).config_file == tmp_path / "c.toml"


def test_platform_folders_are_absolute_and_apart() -> None:
    paths = Paths.find(None, {})

    assert all(path.is_absolute() for path in (paths.config_file, paths.state_file, paths.secrets_file, paths.log_file))
    assert paths.config_file.name == "config.toml"
    assert "proxyctl" in paths.state_dir.parts
    assert paths.secrets_file.parent != paths.config_file.parent or sys.platform == "darwin"


@pytest.mark.parametrize("module", ["paths", "secrets", "kinds", "files", "vault"])
def test_light_modules_import_nothing_heavy(module: str) -> None:
    """A command that only looks for a key or a state file must not pay for validation."""
    code = (
        f"import sys, proxyctl.config.{module}\n"
        "heavy = {'pydantic', 'tomlkit', 'dotenv', 'platformdirs', 'filelock', 'typing_extensions'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
