"""Where the files of one daemon are: its config, state, log, data and secrets.

`Paths.find` decides once, from the command line and the environment, and everybody is handed the result. Two daemons
that use one state folder exclude each other by its lock; give the second its own `PROXYCTL_HOME`. Nothing is created.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

APP = "proxyctl"


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths are absolute. The files and folders may not exist yet."""

    config_file: Path
    secrets_file: Path
    data_dir: Path
    state_dir: Path
    state_file: Path
    lock_file: Path
    log_file: Path

    @classmethod
    def find(cls, config: Path | None, environ: Mapping[str, str]) -> Self:
        """The paths for this user.

        The config file is `config` (`--config`), else `PROXYCTL_CONFIG`, else `config.toml` in the config folder.
        `PROXYCTL_HOME` puts all of them under one folder; else they stand where the platform keeps such things.
        """
        config_dir, data_dir, state_dir, log_dir = _folders(environ)
        chosen = config or _path(environ, "PROXYCTL_CONFIG")
        return cls(
            config_file=_absolute(chosen) if chosen else config_dir / "config.toml",
            secrets_file=data_dir / "secrets.json",
            data_dir=data_dir,
            state_dir=state_dir,
            state_file=state_dir / "daemon.json",
            lock_file=state_dir / "daemon.lock",
            log_file=log_dir / "daemon.log",
        )


def _folders(environ: Mapping[str, str]) -> tuple[Path, Path, Path, Path]:
    home = _path(environ, "PROXYCTL_HOME")
    if home:
        home = _absolute(home)
        return home, home / "data", home / "state", home / "log"
    from platformdirs import PlatformDirs

    folders = PlatformDirs(APP, appauthor=False)
    return (
        folders.user_config_path.absolute(),
        folders.user_data_path.absolute(),
        folders.user_state_path.absolute(),
        folders.user_log_path.absolute(),
    )


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    """A variable that is set but empty counts as not set."""
    value = environ.get(variable, "").strip()
    return Path(value) if value else None


def _absolute(path: Path) -> Path:
    """Against the present working folder, which the daemon's will not be. Links stay links."""
    return path.expanduser().absolute()
