"""The command and the real daemon together, each a process: what a user does on the first day."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from proxyctl.admin import schema
from proxyctl.cli.context import CliContext
from proxyctl.cli.demo_home import DemoHome, simulator_url
from proxyctl.daemon.lock import read_state
from tests.client.stand_in import StandIn

from .terminal import Terminal, environment, run

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home; whatever was started in it ends with the test."""
    yield tmp_path
    run(tmp_path, "stop")
    run(tmp_path, "demo", "--stop")


def test_the_daemon_s_life(home: Path) -> None:
    started = run(home, "start", "--port", "0")
    assert (started.returncode, started.stderr) == (0, "")
    assert f"wrote {home / 'config.toml'}" in started.stdout
    address = re.search(r"OpenAI SDKs +(http://127\.0\.0\.1:\d+)/v1", started.stdout)
    assert address is not None
    assert started.stdout.endswith(
        "Nobody can serve yet: no provider that is switched on has a key.\n"
        "Set GEMINI_API_KEY in the environment or in .env and run `proxyctl restart`,\n"
        "or store a key with `proxyctl providers key gemini`.\n"
        "Other keys: ANTHROPIC_API_KEY, GROQ_API_KEY, TOGETHER_API_KEY, COHERE_API_KEY, MISTRAL_API_KEY, "
        "OPENAI_API_KEY;\n"
        "switch their providers on with `proxyctl providers set NAME fallback`.\n"
        "No key at hand? `proxyctl demo` shows everything on simulated providers.\n"
    )

    status = msgspec.json.decode(run(home, "status", "--json").stdout, type=schema.DaemonStatus)
    assert status.address == address[1]

    again = run(home, "start", "--port", "0")
    assert (again.returncode, again.stdout) == (1, "")
    assert f"proxyctl already runs at {address[1]}" in again.stderr

    changed = run(home, "providers", "set", "groq", "fallback")
    assert (changed.returncode, changed.stdout) == (0, "groq: off -> fallback\n")
    assert changed.stderr.startswith("The running daemon has reloaded.\ngroq is inactive: no key: set GROQ_API_KEY")

    listed = msgspec.json.decode(run(home, "providers", "list", "--json").stdout, type=schema.StatusReport)
    assert next(one.mode for one in listed.providers if one.name == "groq") == "fallback"

    (home / "config.toml").write_text("nonsense")
    broken = run(home, "reload")
    assert (broken.returncode, broken.stdout) == (4, "")
    assert "line 1" in broken.stderr
    assert run(home, "health").returncode == 1

    stopped = run(home, "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "stopped\n")
    assert run(home, "status").returncode == 3
    assert run(home, "stop").returncode == 3


def test_a_start_with_a_key_needs_no_advice(home: Path) -> None:
    started = run(home, "start", "--port", "0", GEMINI_API_KEY="k")

    assert started.returncode == 0
    assert "Nobody can serve" not in started.stdout


def test_two_homes_on_one_port(tmp_path: Path, home: Path) -> None:
    """The second home's commands do not show the first one's money."""
    other = tmp_path / "other"
    other.mkdir()
    assert run(home, "start", "--port", "0").returncode == 0
    state = read_state(home / "state" / "daemon.json")
    assert state is not None
    (other / "config.toml").write_text(f"[server]\nport = {state.port}\n[providers.gemini]\n")

    for words in (("status",), ("metrics",), ("providers", "list"), ("costs", "--json"), ("logs",)):
        done = run(other, *words)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"is not this home's; it runs with {home / 'config.toml'}" in done.stderr


def test_a_restart_to_a_taken_port_leaves_the_daemon_alone(home: Path) -> None:
    assert run(home, "start", "--port", "0").returncode == 0
    before = run(home, "status", "--json").stdout
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run(home, "restart", "--port", str(taken.getsockname()[1]))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "hint: nothing was stopped" in refused.stderr
    after = run(home, "status", "--json").stdout
    assert msgspec.json.decode(before)["instance"] == msgspec.json.decode(after)["instance"]


def test_a_stop_that_cuts_an_answer_says_so(home: Path) -> None:
    with StandIn() as upstream, socket.socket() as client:
        upstream.is_silent("POST", "/v1/chat/completions")
        (home / "config.toml").write_text(
            f'[server]\ndrain_seconds = 0.5\n[routing]\nprimary = "mine"\n'
            f'[providers.mine]\nbase_url = "{upstream.address}/v1"\nkeyless = true\n'
        )
        assert run(home, "start", "--port", "0").returncode == 0
        state = read_state(home / "state" / "daemon.json")
        assert state is not None
        client.connect(("127.0.0.1", state.port))
        body = b'{"model":"mine:m","messages":[{"role":"user","content":"Hi"}]}'
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        while not any(one.method == "POST" for one in upstream.received):
            os.sched_yield()

        stopped = run(home, "stop")

    assert (stopped.returncode, stopped.stdout) == (0, "stopped; 1 answer was cut\n")
    assert "It waits for 1 open request.\n" in stopped.stderr


def test_a_start_that_the_config_forbids(home: Path) -> None:
    (home / "config.toml").write_text('[server]\nport = "x"\n')

    refused = run(home, "start")

    assert (refused.returncode, refused.stdout) == (4, "")
    assert "line 2: server.port: must be a whole number" in refused.stderr
    assert "hint: " in refused.stderr


def test_a_daemon_in_the_foreground(home: Path) -> None:
    with Terminal(home, ("start", "--foreground", "--port", "0")) as terminal:
        terminal.until(b"(pid ")
        assert run(home, "status").returncode == 0
        terminal.interrupt()
        terminal.end()

    assert run(home, "status").returncode == 3


def test_restart(home: Path) -> None:
    assert run(home, "start", "--port", "0").returncode == 0
    before = run(home, "status", "--json").stdout

    restarted = run(home, "restart", "--port", "0")

    assert restarted.returncode == 0
    after = run(home, "status", "--json").stdout
    assert msgspec.json.decode(before)["instance"] != msgspec.json.decode(after)["instance"]


def demo_of(home: Path) -> DemoHome:
    return DemoHome.of(CliContext.create(None, environment(home)))


def test_the_demo(home: Path) -> None:
    done = run(home, "demo", "--requests", "8", "--port", "0")

    assert done.returncode == 0, done.stderr
    assert "Sending 8 requests" in done.stderr
    assert re.search(r"^total +8 ", done.stdout, re.MULTILINE)
    assert "Total $" in done.stdout
    assert "export PROXYCTL_HOME=" in done.stdout
    address = re.search(r"OpenAI SDKs +(http://127\.0\.0\.1:\d+)/v1", done.stdout)
    assert address is not None

    inside = run(demo_of(home).folder, "metrics", "--json")
    assert msgspec.json.decode(inside.stdout, type=schema.MetricsReport).total.requests == 8
    chatted = run(demo_of(home).folder, "chat", "Hello", "--model", "mistral:mistral-small-2603")
    assert "Hello" in chatted.stdout

    again = run(home, "demo", "--requests", "1")
    assert f"The demo runs at {address[1]} already." in again.stderr
    assert run(home, "status").returncode == 3

    url = simulator_url(demo_of(home))
    ended = run(home, "demo", "--stop", PROXYCTL_HOME=str(demo_of(home).folder))
    assert (ended.returncode, ended.stdout) == (0, "The demo has ended.\n")
    assert ended.stderr == "This shell still looks at it: `unset PROXYCTL_HOME`.\n"
    assert url is not None
    assert not demo_of(home).folder.exists()
    nothing = run(home, "demo", "--stop")
    assert (nothing.returncode, nothing.stderr) == (3, "error: no demo runs\nhint: `proxyctl demo` starts one\n")


def test_the_demo_live(home: Path) -> None:
    with Terminal(home, ("demo", "--port", "0")) as terminal:
        terminal.until(lambda seen: re.search(rb"total\s+(\x1b\[0m)?\s+[1-9]", seen) is not None)
        terminal.interrupt()
        code = terminal.end()

    assert code == 130
    assert terminal.seen.rfind(b"\x1b[?25h") > terminal.seen.rfind(b"\x1b[?25l")
    assert b"Traceback" not in terminal.seen
    assert run(demo_of(home).folder, "status").returncode == 0


def test_a_demo_that_was_killed_is_cleared_away(home: Path) -> None:
    import psutil

    run(home, "demo", "--requests", "1", "--port", "0")
    demo = demo_of(home)
    state = read_state(demo.context().paths.state_file)
    assert state is not None
    process = psutil.Process(state.pid)
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)

    again = run(home, "demo", "--requests", "1", "--port", "0")

    assert again.returncode == 0, again.stderr
    fresh = read_state(demo.context().paths.state_file)
    assert fresh is not None
    assert fresh.instance != state.instance
