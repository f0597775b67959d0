"""The command line of the daemon's own process. People use `proxyctl start`; only that writes these."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Arguments:
    """`sock` and `ready` are inherited file descriptors; `None` in the foreground."""

    config: Path | None
    host: str | None
    port: int | None
    sock: int | None
    ready: int | None
    foreground: bool


def read_arguments(argv: Sequence[str]) -> Arguments:
    """Ends the process with exit code 2 when they make no sense."""
    parser = argparse.ArgumentParser("proxyctl.daemon.serve", description="The daemon's process; use `proxyctl start`.")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--fd", type=int, dest="sock", help="a listening socket")
    parser.add_argument("--ready-fd", type=int, dest="ready", help="where to write the readiness line")
    parser.add_argument("--foreground", action="store_true", help="log to the terminal")
    found = parser.parse_args(argv)
    if found.port is not None and not 0 <= found.port <= 65_535:
        parser.error("--port is 0 to 65535")
    if not found.foreground and (found.sock is None or found.ready is None):
        parser.error("--fd and --ready-fd are needed without --foreground")
    return Arguments(found.config, found.host, found.port, found.sock, found.ready, found.foreground)
