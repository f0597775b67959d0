"""The real gateway as the daemon: the parts that `serve` puts together."""

import contextlib
import http.client
import json
import os
import signal
import socket

import psutil
import pytest

from proxyctl.daemon import lifecycle
from proxyctl.daemon.errors import StartRefusedError
from proxyctl.daemon.lock import is_held, read_state
from proxyctl.daemon.probe import Running, ask, look
from tests.daemon.conftest import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def bare_home(paths, monkeypatch, tmp_path):
    """No config, and no key anywhere: nobody can be called."""
    paths.config_file.unlink()
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_PROXY", "_proxy")):
            monkeypatch.delenv(name)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    yield paths
    if (state := read_state(paths.state_file)) is not None and is_held(paths):
        os.kill(state.pid, signal.SIGKILL)


def test_the_gateway_starts_answers_reloads_and_stops(bare_home) -> None:
    ready = lifecycle.start(bare_home, port=0)
    sight = look(bare_home)
    assert isinstance(sight, Running)
    status, body = ask(sight.state, "GET", "/daemon/status")
    told = json.loads(body)
    reload_status, _ = ask(sight.state, "POST", "/daemon/reload", 20)
    steps: list[str] = []
    lifecycle.stop(bare_home, say=steps.append)

    assert ready.first[0] == f"wrote {bare_home.config_file}"
    assert len(ready.first) > 6
    assert (status, told["address"], told["pid"]) == (200, ready.address, ready.pid)
    assert reload_status == 200
    assert steps == ["asked", "stopped"]


def test_somebody_who_follows_the_metrics_does_not_hold_it(bare_home) -> None:
    lifecycle.start(bare_home, port=0)
    state = read_state(bare_home.state_file)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", state.port, timeout=20)) as connection:
        connection.request("GET", "/providers/metrics?follow=1", headers={"authorization": f"Bearer {state.token}"})
        response = connection.getresponse()
        assert response.status == 200
        assert response.readline()
        steps: list[str] = []
        lifecycle.stop(bare_home, say=steps.append)

    assert steps == ["asked", "stopped"]


def test_an_open_door_without_a_key_is_refused_by_the_real_config_too(bare_home) -> None:
    with pytest.raises(StartRefusedError, match="without a gateway key"):
        lifecycle.start(bare_home, host="0.0.0.0", port=0)

    assert not is_held(bare_home)


def test_a_client_that_has_gone_leaves_nothing_behind(bare_home) -> None:
    """On loopback no idle timer would ever let go of it."""
    ready = lifecycle.start(bare_home, port=0)
    state = read_state(bare_home.state_file)
    process = psutil.Process(ready.pid)
    before = process.num_fds()

    for _ in range(30):
        connection = http.client.HTTPConnection("127.0.0.1", state.port, timeout=20)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        connection.close()
    for _ in range(10):
        socket.create_connection(("127.0.0.1", state.port), timeout=20).close()

    eventually(lambda: process.num_fds() <= before + 2)
