"""Take the port before anything else is done, or say who has it.

The command binds and listens, and hands the socket to the daemon: a taken port is known at once, and a client that
connects while the daemon still starts waits in the socket's queue instead of being refused.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from proxyctl.daemon.errors import CannotListenError, PortTakenError

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that listens on a port. `command` is its command line, shortened, `""` when it may not be read."""

    pid: int
    name: str
    command: str = ""

    @override
    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}{f': {self.command}' if self.command else ''})"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at `host:port`, 0 for any free port. Raises `PortTakenError` or `CannotListenError`."""
    try:
        family, _, _, _, where = _address(host, port)
    except (socket.gaierror, UnicodeError) as exc:
        raise CannotListenError(
            f"{host!r} is no address to listen on: {exc}", hint="use 127.0.0.1, or an address of this machine"
        ) from None
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it; a stream's small pieces must not wait for each other.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(where)
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        if exc.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port, owner_of(port)) from None
        raise CannotListenError(
            f"cannot listen on {host}:{port}: {exc.strerror or exc}",
            hint="choose another with --host and --port; ports below 1024 need more rights",
        ) from None
    return sock


def _address(host: str, port: int) -> tuple[socket.AddressFamily, int, int, str, tuple[str, int]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # `localhost` is two addresses; clients that know only one of them know 127.0.0.1.
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return found[0]  # type: ignore[return-value]  # inet families only


def owner_of(port: int) -> Owner | None:
    """Who listens on a port; `None` when the system does not tell us."""
    import psutil

    try:
        connections = psutil.net_connections("inet")
    except (psutil.Error, OSError):
        # macOS tells only root about all; our own processes can still be asked one by one.
        return _own_process(port)
    for each in connections:
        if each.pid and _listens(each, port):
            return _describe(each.pid)
    return None


def _own_process(port: int) -> Owner | None:
    import psutil

    for process in psutil.process_iter():
        try:
            found = any(_listens(each, port) for each in process.net_connections("inet"))
        except (psutil.Error, OSError):
            continue
        if found:
            return _describe(process.pid)
    return None


class _Connection(Protocol):
    """What psutil tells of a socket; `laddr` is `()` when it has no address."""

    @property
    def status(self) -> str: ...

    @property
    def laddr(self) -> object: ...


def _listens(connection: _Connection, port: int) -> bool:
    return connection.status == "LISTEN" and getattr(connection.laddr, "port", None) == port


def _describe(pid: int) -> Owner | None:
    import psutil

    try:
        process = psutil.Process(pid)
        name = process.name()
    except psutil.Error:
        return None
    try:
        # A command line may hold a password: its first words name the program well enough.
        command = " ".join(process.cmdline()[:3])[:80]
    except psutil.Error:
        command = ""
    return Owner(pid, name, command)
