"""A file is replaced whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from proxyctl.config.files import locked, replace_file


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_file_is_private_and_its_folder_too(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"

    replace_file(path, b"data")

    assert path.read_bytes() == b"data"
    assert mode_of(path) == 0o600
    assert mode_of(path.parent) == 0o700


def test_mode_is_kept_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)

    replace_file(path, b"new")
    assert mode_of(path) == 0o644
    replace_file(path, b"newer", mode=0o600)

    assert mode_of(path) == 0o600
    assert path.read_bytes() == b"newer"


def test_reader_of_the_old_file_still_sees_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with path.open("rb") as reader:
        replace_file(path, b"new")

        assert reader.read() == b"old"


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    """A folder cannot be replaced by a file: the write fails at its very last step."""
    path = tmp_path / "file"
    (path / "inner").mkdir(parents=True)

    with pytest.raises(OSError, match="file"):
        replace_file(path, b"new")

    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208 - names alone
    assert (path / "inner").is_dir()


def test_link_that_points_nowhere_yet(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")

    replace_file(link, b"data")

    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"data"


def test_two_names_of_one_file_share_a_lock(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"")
    link.symlink_to(path)

    with locked(path), pytest.raises(OSError, match="another process"), locked(link, seconds=0):
        pass


def test_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"

    with pytest.raises(ValueError, match="inside"), locked(path):
        raise ValueError("inside")

    with locked(path, seconds=0):
        pass
