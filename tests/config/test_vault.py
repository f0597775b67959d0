"""The secrets file is for its owner alone."""

import json
import stat
from pathlib import Path

import pytest

from proxyctl.config.secret import Secret
from proxyctl.config.vault import SecretsFileError, read_entries, remove_entry, write_entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data dir" / "secrets.json"


def test_entries_are_written_privately_and_read_back(path: Path) -> None:
    assert not write_entry(path, "groq", Secret("one"))
    assert write_entry(path, "groq", Secret("two"))
    assert not write_entry(path, "work", Secret("three"))

    assert {name: one.reveal() for name, one in read_entries(path).items()} == {"groq": "two", "work": "three"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_entry_is_forgotten(path: Path) -> None:
    write_entry(path, "groq", Secret("one"))

    assert remove_entry(path, "groq")
    assert not remove_entry(path, "groq")
    assert read_entries(path) == {}


def test_no_file_is_no_entries(path: Path) -> None:
    assert read_entries(path) == {}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    write_entry(path, "groq", Secret("hunter2"))
    path.chmod(mode)

    with pytest.raises(SecretsFileError) as caught:
        read_entries(path)

    assert f"{mode:04o}" in str(caught.value)
    assert caught.value.hint == f"chmod 600 '{path}'"
    with pytest.raises(SecretsFileError):
        write_entry(path, "groq", Secret("other"))


@pytest.mark.parametrize("data", [b"hunter2", b"\xff", b"[]", b'{"keys": 3}', b'{"keys": {"a": 3}}', b"{}", b""])
def test_damaged_file_is_refused_without_showing_it(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    path.chmod(0o600)

    with pytest.raises(SecretsFileError, match="not a secrets file") as caught:
        read_entries(path)

    assert caught.value.__context__ is None
    assert "hunter2" not in str(caught.value) + caught.value.hint
    with pytest.raises(SecretsFileError):
        write_entry(path, "groq", Secret("other"))
    assert path.read_bytes() == data


def test_folder_in_place_of_the_file(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(SecretsFileError, match="cannot be read"):
        read_entries(path)


def test_file_is_json_with_a_version(path: Path) -> None:
    write_entry(path, "groq", Secret('qu"ote'))

    assert json.loads(path.read_bytes()) == {"version": 1, "keys": {"groq": 'qu"ote'}}
