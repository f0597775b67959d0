"""The secrets file: keys by name, in JSON, for its owner's eyes only.

It is not the config file, so that a config can be shown, shared and kept in a repository. A file that others may read
is not used at all, because whoever could read it may have.
"""

import json
import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from proxyctl.config.files import PRIVATE, locked, replace_file
from proxyctl.config.secret import Secret

_VERSION = 1


class SecretsFileError(Exception):
    """The secrets file cannot be used. `hint` is the command that would help."""

    code = "secrets_file_invalid"

    def __init__(self, path: Path, message: str, hint: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
        self.hint = hint


def read_entries(path: Path) -> Mapping[str, Secret]:
    """The keys in the file by name, none when there is no file. Raises `SecretsFileError`."""
    return {name: Secret(text) for name, text in _read(path).items()}


def write_entry(path: Path, name: str, secret: Secret) -> bool:
    """Store one key under `name`, atomically; return whether it replaced another. Raises `SecretsFileError`."""
    with locked(path):
        entries = _read(path)
        replaced = name in entries
        _write(path, {**entries, name: secret.reveal()})
    return replaced


def remove_entry(path: Path, name: str) -> bool:
    """Forget the key under `name`; return whether there was one. Raises `SecretsFileError`."""
    with locked(path):
        entries = _read(path)
        if name not in entries:
            return False
        del entries[name]
        _write(path, entries)
    return True


def _write(path: Path, entries: Mapping[str, str]) -> None:
    text = json.dumps({"version": _VERSION, "keys": entries}, indent=2, sort_keys=True)
    replace_file(path, f"{text}\n".encode(), mode=PRIVATE)


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read()
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise SecretsFileError(
            path, f"cannot be read: {exc.strerror or exc}", f"ls -l {shlex.quote(str(path))}"
        ) from exc
    if mode & 0o077:
        raise SecretsFileError(
            path, f"others may read it (mode {mode:04o}), so it is not used", f"chmod 600 {shlex.quote(str(path))}"
        )
    try:
        entries = json.loads(data)["keys"]
    except (ValueError, KeyError, TypeError):
        # The cause stays out: its text holds a piece of the file.
        entries = None
    if not isinstance(entries, dict) or not all(isinstance(text, str) for text in entries.values()):
        hint = f"move it away and store the keys again with `proxyctl providers key NAME`: {path}"
        raise SecretsFileError(path, "is not a secrets file", hint)
    return entries
