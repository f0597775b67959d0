"""The lock says who the daemon is; the state file only describes it."""

import stat

import pytest

from proxyctl.daemon.errors import DaemonError
from proxyctl.daemon.lock import (
    DaemonLock,
    DaemonState,
    is_held,
    reachable,
    read_state,
    remove_state,
    starting,
    write_state,
)


def a_state(**changes) -> DaemonState:
    values = {
        "host": "127.0.0.1",
        "port": 8094,
        "pid": 1,
        "instance": "abc",
        "version": "0.1",
        "token": "hidden-token",
        "started_at": 1.5,
        "config_path": "/c",
        "log_path": "/l",
    }
    return DaemonState(**{**values, **changes})


def test_a_lock_excludes_another_until_it_is_released(paths) -> None:
    first, second = DaemonLock(paths), DaemonLock(paths)
    paths.state_dir.mkdir(parents=True)
    assert first.acquire()
    assert is_held(paths)
    assert not second.acquire(0)
    first.release()

    assert not is_held(paths)
    assert second.acquire(0)
    second.release()


def test_looking_leaves_no_lock_behind(paths) -> None:
    assert not is_held(paths)
    assert not paths.lock_file.exists()


def test_the_lock_file_is_its_owners(paths) -> None:
    lock = DaemonLock(paths)
    lock.acquire()
    mode = stat.S_IMODE(paths.lock_file.stat().st_mode)
    lock.release()

    assert mode == 0o600


def test_a_state_is_read_as_it_was_written(paths) -> None:
    write_state(paths, a_state(given_port=9))

    assert read_state(paths.state_file) == a_state(given_port=9)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"host": 3}', b"\xff\xfe", b'{"host":"h"}'])
def test_a_state_that_cannot_be_read_is_none(paths, text) -> None:
    paths.state_dir.mkdir(parents=True)
    paths.state_file.write_bytes(text)

    assert read_state(paths.state_file) is None


def test_a_state_of_a_newer_version_is_read(paths) -> None:
    """A command and a daemon of different versions find each other through an upgrade."""
    paths.state_dir.mkdir(parents=True)
    write_state(paths, a_state())
    text = paths.state_file.read_bytes()
    paths.state_file.write_bytes(text[:-1] + b',"later":true}')

    assert read_state(paths.state_file) == a_state()


def test_a_daemon_takes_only_its_own_state_away(paths) -> None:
    write_state(paths, a_state())
    remove_state(paths, "another")
    assert read_state(paths.state_file) == a_state()
    remove_state(paths, "abc")

    assert not paths.state_file.exists()
    remove_state(paths)


def test_a_token_does_not_show() -> None:
    assert "hidden-token" not in f"{a_state()!r}{a_state()}"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8094"),
        ("0.0.0.0", "http://127.0.0.1:8094"),
        ("::", "http://[::1]:8094"),
        ("::1", "http://[::1]:8094"),
        ("gate.local", "http://gate.local:8094"),
    ],
)
def test_the_address_is_one_that_this_machine_can_use(host, address) -> None:
    assert a_state(host=host).address == address
    assert reachable(host) in address


def test_the_right_to_start_is_given_to_one_at_a_time(paths) -> None:
    with starting(paths, 1), pytest.raises(DaemonError, match="under way"), starting(paths, 0):
        pass
    with starting(paths, 0):
        pass
