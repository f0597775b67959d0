"""The daemon as a process: killed, started twice, its port taken, its config broken, stopped in mid-stream."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import pytest

from .home import COMMAND, KEY, SECONDS, Home, eventually
from .messages_grammar import check
from .simulated import Simulated, config

Asked = dict[str, Any]

CHAT: Asked = {
    "path": "/v1/chat/completions",
    "body": {
        "model": "groq:llama-3.3-70b-versatile",
        "stream": True,
        "messages": [{"role": "user", "content": "Tell me something long"}],
    },
}
MESSAGES: Asked = {
    "path": "/v1/messages",
    "body": {
        "model": "gemini:gemini-3.8-flash",
        "stream": True,
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "Tell me something long"}],
    },
}
ASKED = pytest.mark.parametrize("asked", [CHAT, MESSAGES], ids=["chat", "messages"])


@dataclass
class Reading:
    """A stream that is read by a thread of its own. `begun` when the first content has come."""

    begun: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""
    failure: Exception | None = None


@contextmanager
def reading(home: Home, asked: Asked) -> Iterator[Reading]:
    """Open a stream, wait until it has begun; on leaving, wait until it is over."""
    read = Reading()

    def follow() -> None:
        try:
            with (
                httpx.Client(trust_env=False, timeout=SECONDS) as http,
                http.stream("POST", f"{home.url}{asked['path']}", json=asked["body"]) as answer,
            ):
                for piece in answer.iter_raw():
                    read.body += piece
                    read.begun.set()
        except httpx.HTTPError as exc:
            read.failure = exc
        read.begun.set()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        assert read.begun.wait(SECONDS)
        yield read
    finally:
        thread.join(SECONDS)
        assert not thread.is_alive()


def gone(home: Home) -> bool:
    """Whether no daemon of the home is left: a command returns when the lock is free, a moment before the end."""
    return eventually(lambda: not home.daemons())


def is_complete(body: bytes, asked: Asked) -> bool:
    """Whether a caller would take it for a whole answer; one that is not must end in its dialect's error."""
    if asked is MESSAGES:
        return check(body).complete
    frames = body.decode().removesuffix("\n\n").split("\n\n")
    if frames[-1] == "data: [DONE]":
        return True
    assert json.loads(frames[-1].removeprefix("data: "))["error"]["message"]
    assert b'"finish_reason":"' not in body
    return False


def test_killed_daemon_is_noticed_and_started_again(new_home: Home) -> None:
    new_home.run("start")
    before = new_home.state
    psutil.Process(before["pid"]).kill()
    assert gone(new_home)

    status = new_home.run("status", code=3)
    new_home.run("start")

    assert "proxyctl start" in status.stderr
    assert new_home.state["instance"] != before["instance"]
    assert new_home.chat("gemini-3.8-flash").status_code == 200
    new_home.run("stop")
    assert gone(new_home)
    assert "hint: start it with `proxyctl start`" in new_home.run("metrics", code=3).stderr


def test_daemon_that_was_killed_in_mid_answer_starts_again(new_home: Home, simulated: Simulated) -> None:
    simulated.pace(delay=0.05, words=400)
    new_home.run("start")
    with reading(new_home, CHAT) as read:
        psutil.Process(new_home.state["pid"]).kill()

    simulated.pace()
    new_home.run("start")

    assert b"[DONE]" not in read.body
    assert new_home.chat("gemini-3.8-flash").status_code == 200


def test_taken_port_names_its_owner(new_home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = new_home.run("start", "--port", str(port), code=1)

    assert re.search(rf"port {port} on 127\.0\.0\.1 is taken by .*\b{os.getpid()}\b", done.stderr)
    assert f"proxyctl start --port {port + 1}" in done.stderr
    assert gone(new_home)


def test_second_start_says_that_it_runs_already(new_home: Home) -> None:
    new_home.run("start")
    pid = new_home.state["pid"]

    done = new_home.run("start", code=1)

    assert f"already runs at {new_home.url} (pid {pid})" in done.stderr
    assert [process.pid for process in new_home.daemons()] == [pid]
    assert new_home.chat("gemini-3.8-flash").status_code == 200


def test_of_starts_at_the_same_time_one_wins(new_home: Home) -> None:
    starts = [
        subprocess.Popen(
            [*COMMAND, "start"],
            cwd=new_home.folder,
            env=new_home.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    told = [start.communicate(timeout=SECONDS)[1] for start in starts]

    assert sorted(start.returncode for start in starts) == [0, 1, 1], told
    assert sum("already runs at" in text for text in told) == 2
    assert [process.pid for process in new_home.daemons()] == [new_home.state["pid"]]


def test_broken_config_keeps_the_old_one_in_force_and_names_the_line(new_home: Home) -> None:
    new_home.run("start")
    good = new_home.config_file.read_text()
    broken = good.replace('mode = "pooled"', 'mode = "poled"').replace("[providers.groq]", "[providers.groq")
    line = broken.splitlines().index("[providers.groq") + 1

    new_home.config_file.write_text(broken)
    done = new_home.run("reload", code=4)

    assert f"line {line}" in done.stderr
    assert new_home.chat("groq:llama-3.3-70b-versatile").status_code == 200
    assert new_home.json("status")["pid"] == new_home.state["pid"]


def test_restart_with_a_broken_config_leaves_the_daemon_alone(new_home: Home) -> None:
    new_home.run("start")
    before = new_home.state["pid"]
    new_home.config_file.write_text(new_home.config_file.read_text() + "[providers.gemini]\n")

    done = new_home.run("restart", code=4)

    assert "line" in done.stderr
    assert new_home.json("status")["pid"] == before


def test_every_mistake_in_a_config_is_named_at_once(new_home: Home) -> None:
    new_home.run("start")
    good = new_home.config_file.read_text()
    wrong = good.replace('mode = "pooled"', 'mode = "poled"').replace("port = 0", 'prt = "x"')

    new_home.config_file.write_text(wrong)
    reload, validate = new_home.run("reload", code=4), new_home.run("config", "validate", code=4)

    for told in (reload.stderr, validate.stderr):
        assert re.search(r"line 2: server\.prt: .*did you mean `port`", told), told
        assert re.search(r"line \d+: providers\.gemini\.mode: .*did you mean `pooled`", told), told
    assert new_home.chat("gemini-3.8-flash").status_code == 200
    new_home.config_file.write_text(good)
    new_home.run("reload")


def test_broken_config_keeps_a_daemon_from_starting(new_home: Home) -> None:
    new_home.config_file.write_text(new_home.config_file.read_text() + "[providers.gemini]\n")

    done = new_home.run("start", code=4)

    assert "line" in done.stderr
    assert gone(new_home)


@ASKED
def test_stop_waits_for_an_open_stream(new_home: Home, simulated: Simulated, asked: Asked) -> None:
    simulated.pace(delay=0.01, words=60)
    new_home.run("start")

    with reading(new_home, asked) as read:
        new_home.run("stop")

    assert read.failure is None
    assert is_complete(read.body, asked)
    assert gone(new_home)


@ASKED
def test_stream_that_a_stop_cuts_ends_in_an_error(new_home: Home, simulated: Simulated, asked: Asked) -> None:
    new_home.config_file.write_text(config(simulated, server="port = 0\ndrain_seconds = 0"))
    simulated.pace(delay=0.2, words=400)
    new_home.run("start")

    with reading(new_home, asked) as read:
        new_home.run("stop")

    assert read.failure is None
    assert not is_complete(read.body, asked)
    assert gone(new_home)


def test_signal_stops_it_as_the_command_does(new_home: Home, simulated: Simulated) -> None:
    simulated.pace(delay=0.01, words=60)
    new_home.run("start")
    process = psutil.Process(new_home.state["pid"])

    with reading(new_home, CHAT) as read:
        process.send_signal(signal.SIGTERM)

    assert gone(new_home)
    assert is_complete(read.body, CHAT)
    new_home.run("status", code=3)


def test_reload_does_not_touch_an_answer_under_way(new_home: Home, simulated: Simulated) -> None:
    simulated.pace(delay=0.02, words=100)
    new_home.run("start")

    with reading(new_home, CHAT) as read:
        new_home.run("providers", "set", "groq", "off")
        after = new_home.chat("groq:llama-3.3-70b-versatile")

    assert after.status_code == 400
    assert is_complete(read.body, CHAT)


def test_restart_keeps_the_address_that_start_was_given(new_home: Home) -> None:
    """The config's port is another one: any that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    new_home.run("start", "--port", str(port))
    instance = new_home.state["instance"]

    new_home.run("restart")

    assert (new_home.state["port"], new_home.state["instance"] != instance) == (port, True)
    assert new_home.chat("gemini-3.8-flash").status_code == 200


def test_caller_that_leaves_takes_the_upstream_with_it(new_home: Home, simulated: Simulated) -> None:
    simulated.pace(delay=0.1, words=2000)
    new_home.run("start")
    with new_home.http.stream("POST", f"{new_home.url}/v1/chat/completions", json=CHAT["body"]) as answer:
        next(answer.iter_raw())

    eventually(lambda: simulated.seen("groq")[0].client_closed_early)

    [record] = eventually(lambda: new_home.get("/providers/logs")["records"])
    assert record["outcome"] == "client_closed"
    assert record["usage"]["source"] != "reported"
    assert [row["state"] for row in new_home.get("/providers/status")["providers"] if row["name"] == "groq"] == [
        "ready"
    ]


def test_key_is_in_no_log_no_answer_and_no_file_that_others_may_read(new_home: Home, simulated: Simulated) -> None:
    new_home.run("start")
    simulated.fault("status", "groq", status=401, times=None, message=f"the key {KEY} is wrong")

    answer = new_home.chat("groq:llama-3.3-70b-versatile")
    shown = [new_home.run(*words).stdout for words in (("providers", "show", "groq"), ("logs",), ("config", "show"))]
    new_home.run("stop")

    assert answer.status_code == 502
    assert KEY not in answer.text
    assert KEY not in "".join(shown)
    for path in new_home.folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
