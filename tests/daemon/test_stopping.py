"""Stopping: asked first, drained, forced only then; and what a process does with signals."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from proxyctl.daemon import lifecycle, probe
from proxyctl.daemon.errors import NotRunningError, PortTakenError, StillRunningError
from proxyctl.daemon.farewell import progress_file, read_progress
from proxyctl.daemon.lock import DaemonLock, DaemonState, is_held, write_state

pytestmark = pytest.mark.slow


def test_stop_asks_and_returns_when_the_lock_is_free(daemon, paths) -> None:
    daemon.start()
    steps: list[str] = []
    lifecycle.stop(paths, say=steps.append)

    assert steps == ["asked", "stopped"]
    assert not is_held(paths)
    assert not paths.state_file.exists()
    assert (paths.state_dir / "closed").read_text() == "lifespan"


def test_stop_without_a_daemon_says_so_and_clears_what_a_crash_left(daemon, paths) -> None:
    daemon.start()
    daemon.kill()
    with pytest.raises(NotRunningError):
        lifecycle.stop(paths)

    assert not paths.state_file.exists()


def test_a_running_exchange_is_finished_while_nobody_new_is_let_in(daemon, paths, until) -> None:
    daemon.start()
    port = daemon.state.port
    helper = daemon.connect()
    helper.request("GET", "/healthz")
    helper.getresponse().read()
    connection, response = daemon.open_stream("/exchange")
    waits: list[int] = []
    cut: list[int | None] = []
    stopping = threading.Thread(target=lambda: cut.append(lifecycle.stop(paths, waits_for=waits.append)))
    stopping.start()

    def refused() -> bool:
        fresh = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            fresh.connect()
        except ConnectionRefusedError:
            return True
        finally:
            fresh.close()
        return False

    until(refused)
    until(lambda: (found := read_progress(paths, daemon.state.instance)) is not None and found.active == 1)
    seen = probe.stopping(paths)
    helper.request("GET", "/release")  # on a connection that was there before
    assert helper.getresponse().read() == b"{}"
    assert response.read() == b"ended"
    connection.close()
    helper.close()
    stopping.join(20)

    assert not is_held(paths)
    assert seen is not None
    assert (seen.is_draining, seen.state.port) == (True, port)
    assert waits[0] == 1
    assert cut[0] in {0, None}  # its end may come between two looks
    assert not progress_file(paths).exists()
    assert probe.stopping(paths) is None


def test_an_exchange_that_outlasts_the_drain_is_cut_and_looks_cut(daemon, paths) -> None:
    paths.config_file.write_text("[server]\nport = 0\ndrain_seconds = 0.3\n[providers.local]\n")
    daemon.start()
    connection, response = daemon.open_stream("/exchange")
    steps: list[str] = []
    waits: list[int] = []
    cut = lifecycle.stop(paths, say=steps.append, waits_for=waits.append)

    assert steps == ["asked", "stopped"]
    assert (cut, waits) == (1, [1])
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()


def test_an_endless_stream_does_not_hold_the_daemon(daemon, paths) -> None:
    """Neither the drain nor the server's wait for its connections may depend on somebody who follows a log."""
    daemon.start()
    connection, _response = daemon.open_stream("/endless")
    steps: list[str] = []
    lifecycle.stop(paths, say=steps.append)
    connection.close()

    assert steps == ["asked", "stopped"]


@pytest.mark.parametrize("sent", [b"", b"POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-le"])
def test_a_connection_that_says_nothing_does_not_hold_the_daemon(daemon, paths, sent) -> None:
    daemon.start()
    connection = daemon.connect()
    connection.connect()
    connection.sock.sendall(sent)
    steps: list[str] = []
    lifecycle.stop(paths, say=steps.append)
    connection.close()

    assert steps == ["asked", "stopped"]


def test_what_the_server_could_not_end_is_still_flushed(daemon, paths, monkeypatch) -> None:
    monkeypatch.setenv("STAND_IN", "cut")
    daemon.start()
    lifecycle.stop(paths)

    assert (paths.state_dir / "closed").read_text() == "close"


def test_a_drain_that_never_ends_is_left_behind_at_the_second_signal(daemon, paths, until, monkeypatch) -> None:
    monkeypatch.setenv("STAND_IN", "deaf")
    ready = daemon.start()
    os.kill(ready.pid, signal.SIGTERM)
    until(lambda: '"stopping"' in paths.log_file.read_text())
    os.kill(ready.pid, signal.SIGTERM)
    until(lambda: not is_held(paths))

    assert (paths.state_dir / "closed").read_text() == "lifespan"


def test_a_process_that_hears_nothing_is_killed(daemon, paths, monkeypatch) -> None:
    monkeypatch.setenv("STAND_IN", "asleep")
    daemon.start()
    steps: list[str] = []
    lifecycle.stop(paths, say=steps.append, drain_seconds=0.1, signal_seconds=0.5)

    assert steps == ["asked", "terminated", "killed", "stopped"]
    assert not is_held(paths)


def test_a_reused_pid_is_never_signalled(paths) -> None:
    """The state names a process that is younger than itself: somebody else has that number now."""
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock = DaemonLock(paths)
    assert lock.acquire()
    state = DaemonState(
        host="127.0.0.1",
        port=9,
        pid=innocent.pid,
        instance="i",
        version="0",
        token="t",
        started_at=psutil.Process(innocent.pid).create_time() - 60,
        config_path="",
        log_path="",
    )
    write_state(paths, state)
    try:
        with pytest.raises(StillRunningError):
            lifecycle.stop(paths, drain_seconds=0, signal_seconds=0)
        assert innocent.poll() is None
    finally:
        lock.release()
        innocent.communicate(b"\n")


def test_restart_keeps_what_the_start_was_given(daemon) -> None:
    first = daemon.start(port=0)
    steps: list[str] = []
    second = daemon.restart(say=steps.append)

    assert second.address == first.address
    assert second.instance != first.instance
    assert steps == ["asked", "stopped"]


def test_a_restart_to_a_taken_port_stops_nothing(daemon, paths) -> None:
    first = daemon.start()
    steps: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTakenError) as caught:
        daemon.restart(port=taken.getsockname()[1], say=steps.append)

    assert f"goes on at {first.address}" in caught.value.hint
    assert steps == []
    assert probe.look(paths) == probe.Running(daemon.state)
    assert daemon.state.instance == first.instance


def test_a_restart_to_its_own_port_is_no_conflict(daemon) -> None:
    first = daemon.start()
    second = daemon.restart(port=daemon.state.port)

    assert (second.address, second.instance != first.instance) == (first.address, True)


def test_restart_starts_a_daemon_that_did_not_run(daemon) -> None:
    daemon.restart()

    assert json.loads(daemon.get("/healthz"))["instance"] == daemon.state.instance


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_in_order(daemon, paths, until, number) -> None:
    ready = daemon.start()
    os.kill(ready.pid, number)
    until(lambda: not is_held(paths))

    assert not paths.state_file.exists()
    assert (paths.state_dir / "closed").read_text() == "lifespan"


def test_a_second_signal_skips_the_drain(daemon, paths, until) -> None:
    ready = daemon.start()
    connection, _response = daemon.open_stream("/exchange")
    os.kill(ready.pid, signal.SIGTERM)
    until(lambda: '"stopping"' in paths.log_file.read_text())
    os.kill(ready.pid, signal.SIGTERM)
    until(lambda: not is_held(paths))
    connection.close()


def test_sighup_reloads_and_a_bad_file_changes_nothing(daemon, paths, until) -> None:
    ready = daemon.start()
    good = paths.config_file.read_text()
    paths.config_file.write_text("[server]\nprt = 1\n")
    os.kill(ready.pid, signal.SIGHUP)
    until(lambda: "the config stays as it was" in paths.log_file.read_text())
    paths.config_file.write_text(good)
    os.kill(ready.pid, signal.SIGHUP)
    until(lambda: '"reloaded"' in paths.log_file.read_text())
    log = [json.loads(line) for line in paths.log_file.read_text().splitlines()]

    assert "line 2" in log[1]["reason"]
    assert log[2]["changed"] == ["nothing with ***"]
    assert json.loads(daemon.get("/healthz"))["instance"] == ready.instance


def test_in_the_foreground_it_talks_to_the_terminal_and_ends_with_the_keyboard(daemon, paths, until) -> None:
    arguments = lifecycle._arguments(paths, None, None, None, None)
    process = subprocess.Popen([*daemon.command, *arguments], stderr=subprocess.PIPE, text=True)
    state = until(lambda: daemon.state)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]

    assert state.pid == process.pid
    assert said.startswith(f"proxyctl {state.version} at {state.address} (pid {state.pid})\na note\n")
    assert "stopped" in said
    assert process.returncode == 0
    assert not paths.log_file.exists()


def test_in_the_foreground_a_refusal_ends_with_a_hint_and_its_exit_code(daemon, paths) -> None:
    paths.config_file.write_text("[server]\nprt = 1\n")
    arguments = lifecycle._arguments(paths, None, None, None, None)
    done = subprocess.run([*daemon.command, *arguments], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert "hint: `proxyctl config validate`" in done.stderr


def test_in_the_foreground_too_there_is_only_one(daemon, paths) -> None:
    ready = daemon.start()
    arguments = lifecycle._arguments(paths, None, 0, None, None)
    done = subprocess.run([*daemon.command, *arguments], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert f"already runs at {ready.address}" in done.stderr
