"""The contestants as processes on loopback: upstream, nginx, the naive proxy, and the daemon as `start` runs it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PROXYCTL = Path(sys.executable).with_name("proxyctl")

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
        }}
    }}
}}
"""
_CONFIG = """
[server]
port = 0
[routing]
primary = "openai-like"
[providers.openai-like]
mode = "pooled"
base_url = "http://127.0.0.1:{upstream}/v1"
keyless = true
[providers.openai-like.models]
bench = "bench"
[providers.anthropic]
mode = "pooled"
base_url = "http://127.0.0.1:{upstream}"
key = "$BENCH_KEY"
"""


@dataclass(frozen=True)
class Process:
    """A running server. `cpu_seconds` is what it has used so far, its children's share included."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        return sum(_cpu_seconds(one) for one in (self.process, *self.process.children(recursive=True)))

    def resident_mib(self) -> float:
        return self.process.memory_info().rss / 1024 / 1024


@contextlib.contextmanager
def module(name: str, *arguments: str) -> Iterator[Process]:
    """A server of this folder that prints its port."""
    command = [sys.executable, "-m", f"tests.bench.{name}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Process(int(process.stdout.readline()), psutil.Process(process.pid))
        finally:
            process.terminate()


@contextlib.contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Process | None]:
    """Nginx in front of the upstream, `None` where it is not installed."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        yield None
        return
    port = _free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, upstream=upstream, port=port, user=user))
    with subprocess.Popen([binary, "-e", str(folder / "error.log"), "-c", str(config)]) as process:
        try:
            _await_port(port)
            yield Process(port, psutil.Process(process.pid))
        finally:
            process.terminate()


@contextlib.contextmanager
def proxyctl(folder: Path, upstream: int) -> Iterator[tuple[Process, float]]:
    """The daemon, and how many seconds `proxyctl start` took until it was ready."""
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(_CONFIG.format(upstream=upstream))
    environ = {**os.environ, "PROXYCTL_HOME": str(home), "BENCH_KEY": "bench"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(*arguments: str) -> str:
        done = subprocess.run([PROXYCTL, *arguments], env=environ, capture_output=True, text=True, check=True)
        return done.stdout

    run("start")  # the first one writes the bytecode
    run("stop")
    begun = time.perf_counter()
    run("start")
    seconds = time.perf_counter() - begun
    try:
        status = json.loads(run("status", "--json"))
        port = int(status["address"].rpartition(":")[2])
        yield Process(port, psutil.Process(status["pid"])), seconds
    finally:
        run("stop")


def _cpu_seconds(process: psutil.Process) -> float:
    """User and system time. On Linux from the process's own CPU clock: the other counters tick every 10 ms."""
    if platform.system() == "Linux":
        return time.clock_gettime((~process.pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a process id
    times = process.cpu_times()
    return float(times.user + times.system)


def help_seconds() -> float:
    """How long `proxyctl --help` takes, the best of five."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    best = 60.0
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([PROXYCTL, "--help"], env=environ, capture_output=True, check=True)
        best = min(best, time.perf_counter() - begun)
    return best


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _await_port(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")
