"""Starting: ready, refused, died, hung; and which daemon is the one."""

import json
import os
import socket
import stat
import subprocess
import sys
import textwrap

import pytest

from proxyctl.daemon import lifecycle
from proxyctl.daemon.errors import (
    AlreadyRunningError,
    DaemonError,
    PortTakenError,
    StartDiedError,
    StartRefusedError,
    StartTimeoutError,
    UnresponsiveError,
)
from proxyctl.daemon.lock import DaemonLock, is_held, read_state, starting, write_state
from proxyctl.daemon.probe import Running, Stopped, look

pytestmark = pytest.mark.slow


def test_start_returns_when_the_daemon_answers(daemon, paths) -> None:
    ready = daemon.start()

    assert json.loads(daemon.get("/healthz")) == {"instance": ready.instance}
    assert ready.address == f"http://127.0.0.1:{daemon.state.port}"
    assert (ready.providers, ready.notes, ready.first) == (("Local server: pooled",), ("a note",), ())
    assert look(paths) == Running(daemon.state)


def test_the_state_file_is_its_owners_alone_and_shows_no_token(daemon, paths) -> None:
    daemon.start()
    mode = stat.S_IMODE(paths.state_file.stat().st_mode)

    assert mode == 0o600
    assert daemon.state.token not in repr(daemon.state)
    assert len(daemon.state.token) >= 40


def test_a_second_start_names_the_one_that_runs(daemon) -> None:
    ready = daemon.start()
    with pytest.raises(AlreadyRunningError, match=ready.address) as caught:
        daemon.start()

    assert caught.value.state.instance == ready.instance


def test_of_two_starts_at_once_exactly_one_wins(daemon) -> None:
    """The other sees what the first has done, though neither found a daemon when it began."""
    script = textwrap.dedent(
        """
        import os, sys
        from proxyctl.config.paths import Paths
        from proxyctl.daemon import lifecycle
        from proxyctl.daemon.errors import AlreadyRunningError
        try:
            print("won", lifecycle.start(Paths.find(None, os.environ), command=sys.argv[1:]).pid)
        except AlreadyRunningError as exc:
            print("saw", exc.state.pid)
        """
    )
    rivals = [
        subprocess.Popen([sys.executable, "-c", script, *daemon.command], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = sorted(rival.communicate(timeout=60)[0].strip() for rival in rivals)
    pid = daemon.state.pid
    daemon._pids.append(pid)

    assert said == [f"saw {pid}", f"saw {pid}", f"won {pid}"]


def test_after_a_crash_start_works_at_once(daemon) -> None:
    first = daemon.start()
    daemon.kill()
    assert daemon.state.instance == first.instance  # what it left behind counts for nothing
    second = daemon.start()

    assert second.instance != first.instance
    assert daemon.state.pid == second.pid


def test_a_taken_port_names_its_owner(daemon, paths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"pid {os.getpid()}") as caught:
            daemon.start(port=port)

    assert caught.value.owner.pid == os.getpid()
    assert str(port + 1) in caught.value.hint
    assert look(paths) == Stopped()


def test_a_broken_config_is_explained_line_by_line_and_nothing_stays(daemon, paths) -> None:
    paths.config_file.write_text('[server]\nprt = 1\nport = "x"\n')
    with pytest.raises(StartRefusedError) as caught:
        daemon.start()

    assert caught.value.code == "config_invalid"
    assert "line 2" in str(caught.value)
    assert "line 3" in str(caught.value)
    assert not is_held(paths)
    assert not paths.state_file.exists()


def test_a_daemon_that_dies_shows_its_last_lines_without_keys(daemon, paths, monkeypatch) -> None:
    monkeypatch.setenv("STAND_IN", "die")
    with pytest.raises(StartDiedError, match="exit code 3") as caught:
        daemon.start()

    assert caught.value.lines == ("it broke with authorization: Bearer ***",)
    assert not is_held(paths)


def test_a_startup_that_fails_in_the_app_is_a_death_with_its_reason(daemon, monkeypatch) -> None:
    monkeypatch.setenv("STAND_IN", "lifespan")
    with pytest.raises(StartDiedError) as caught:
        daemon.start()

    assert any("no store" in line for line in caught.value.lines)


def test_a_daemon_that_hangs_is_ended_at_the_deadline(daemon, paths, monkeypatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang")
    with pytest.raises(StartTimeoutError) as caught:
        daemon.start(seconds=3)

    assert caught.value.lines in {("about to wait",), ()}
    assert not is_held(paths)


def test_a_held_lock_without_an_answer_is_said_and_not_broken(daemon, paths, monkeypatch) -> None:
    monkeypatch.setattr(lifecycle, "PATIENCE", 0.05)
    lock = DaemonLock(paths)
    assert lock.acquire()
    try:
        with pytest.raises(UnresponsiveError):
            daemon.start()
    finally:
        lock.release()


def test_a_start_that_waits_for_another_says_so(daemon, paths) -> None:
    with starting(paths, 1), pytest.raises(DaemonError, match="under way"):
        daemon.start(seconds=0.05)


def test_a_first_start_writes_a_config_and_tells_what_it_found(daemon, paths, tmp_path, monkeypatch) -> None:
    paths.config_file.unlink()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".env").write_text("LOCAL_KEY=abc\n")
    monkeypatch.chdir(folder)
    ready = daemon.start(port=0)

    assert ready.first == (f"wrote {paths.config_file}", "key in .env: abc")
    assert json.loads(daemon.get("/where")) == {"cwd": str(paths.state_dir), "folder": str(folder)}


def test_all_addresses_without_a_gateway_key_are_refused(daemon) -> None:
    with pytest.raises(StartRefusedError, match="without a gateway key"):
        daemon.start(host="0.0.0.0")


def test_the_log_is_json_for_its_owner(daemon, paths) -> None:
    ready = daemon.start()
    lifecycle.stop(paths)
    lines = [json.loads(line) for line in paths.log_file.read_text().splitlines()]

    assert [line["event"] for line in lines] == ["ready", "stopping", "stopped"]
    assert lines[0]["instance"] == ready.instance
    assert (lines[0]["address"], lines[0]["pid"]) == (ready.address, ready.pid)
    assert lines[0]["config"] == str(paths.config_file)
    assert lines[0]["providers"] == ["Local server: pooled"]
    assert lines[0]["notes"] == ["a note"]
    assert "first" not in lines[0]
    assert stat.S_IMODE(paths.log_file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "host", "port", "address"),
    [
        ("", None, None, ("127.0.0.1", 8094)),
        ('[server]\nhost = "::1"\nport = 9000\n', None, None, ("::1", 9000)),
        ("[server]\nport = 9000\n", "localhost", 1, ("localhost", 1)),
        ('[server]\nport = "x"\nhost = 3\n', None, None, ("127.0.0.1", 0)),
        ("[server]\nport = 70000\n", None, None, ("127.0.0.1", 0)),
        ("server = 1\n", None, None, ("127.0.0.1", 8094)),
        ("[server\n", None, 7, ("127.0.0.1", 7)),
        (None, None, None, ("127.0.0.1", 8094)),
    ],
)
def test_where_to_listen_is_read_even_from_a_broken_config(tmp_path, text, host, port, address) -> None:
    """Its mistakes are the daemon's to explain; a port must be bound before it can."""
    file = tmp_path / "config.toml"
    if text is not None:
        file.write_text(text)

    assert lifecycle.listen_address(file, host, port) == address


def test_a_state_of_another_run_is_not_mistaken_for_the_one_that_answers(daemon, paths) -> None:
    import msgspec

    daemon.start()
    state = daemon.state
    write_state(paths, msgspec.structs.replace(state, instance="another"))
    sight = look(paths)
    write_state(paths, state)

    assert not isinstance(sight, Running)
    assert read_state(paths.state_file) == state
