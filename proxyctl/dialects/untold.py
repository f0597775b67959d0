"""Signatures and encrypted thoughts of an answer that have no place in its caller's dialect: when that is a loss.

Only beside a tool call must the next turn bring them back. On a plain answer nobody misses them, so they wait here
until a call begins, which may be later in the stream.
"""

from __future__ import annotations

from proxyctl.core.losses import Losses


class UntoldProofs:
    """Those of one answer."""

    __slots__ = ("_has_calls", "_losses", "_waiting")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._waiting: list[tuple[str, str]] = []
        self._has_calls = False

    def miss(self, path: str, reason: str) -> None:
        if self._has_calls:
            self._losses.add(path, reason)
        else:
            self._waiting.append((path, reason))

    def call_begins(self) -> None:
        self._has_calls = True
        for path, reason in self._waiting:
            self._losses.add(path, reason)
        self._waiting.clear()
