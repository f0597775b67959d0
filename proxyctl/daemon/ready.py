"""The one line that a starting daemon writes to its parent: ready, or why it will not be.

It goes over a pipe of its own, so that nothing else that a library prints can be taken for it. End of file without a
line means that the daemon died.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TypeAlias

import msgspec
from msgspec import Struct


class Ready(Struct, frozen=True, kw_only=True, tag="ready"):
    """The daemon answers at `address`.

    `providers` says in words who takes part, `first` what a first start enabled and why, `notes` what to know of the
    configuration: missing keys, ignored files.
    """

    pid: int
    address: str
    version: str
    instance: str
    config_path: str
    log_path: str
    providers: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """The daemon will not start. `code` is stable, `message` may have several lines."""

    code: str
    message: str
    hint: str = ""


ReadinessMessage: TypeAlias = Ready | Refused


def encode(message: ReadinessMessage) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(message) + b"\n"


def decode(line: bytes) -> ReadinessMessage:
    """The message in a line. Raises `ValueError` when it is none."""
    try:
        message: ReadinessMessage = msgspec.json.decode(line, type=Ready | Refused)
    except msgspec.DecodeError as exc:
        raise ValueError(f"no readiness line: {exc}") from None
    return message


class ReadinessLine:
    """The parent's pipe, or the terminal when there is no parent. Says one thing, once."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def ready(self, message: Ready) -> None:
        if self._descriptor is not None:
            self._write(message)
            return
        said = [f"proxyctl {message.version} at {message.address} (pid {message.pid})"]
        sys.stderr.write("\n".join([*said, *message.first, *message.notes, ""]))

    def refuse(self, message: Refused) -> None:
        if self._descriptor is not None:
            self._write(message)
            return
        sys.stderr.write(f"error: {message.message}\n")
        if message.hint:
            sys.stderr.write(f"hint: {message.hint}\n")

    def close(self) -> None:
        """To the parent, an end without a line means death."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, message: ReadinessMessage) -> None:
        if self._descriptor is not None:
            with suppress(BrokenPipeError):  # the parent was interrupted; we were started and live on
                os.write(self._descriptor, encode(message))
            self.close()
