"""A request's body on its way in: read whole, or thrown away behind a refusal.

A server stops reading where nobody takes what it has read, and one that closes a connection with bytes unread cuts off
its client in mid-sentence: it never sees the refusal. So whatever is refused is also read, for a moment before the
answer, then beside it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proxyctl.core.errors import BadRequestError, TooLargeError
from proxyctl.gateway.inbound import decompress

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

STALLED = 60.0
"""Seconds between two pieces of a body after which nobody waits for the rest."""
LINGER = 1.0
"""Seconds for which a refused caller may finish what it is sending."""


class ClientGoneError(Exception):
    """The caller left before its request was read; nobody is there to be told."""


class Patience:
    """Cancels the current task after `seconds` without `renew`. A fifth of what `asyncio.timeout` costs a request."""

    __slots__ = ("_loop", "_over", "_renewed", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._seconds = seconds
        self._renewed = False
        self._over = False
        self._timer = self._loop.call_later(seconds, self._look)

    def renew(self) -> None:
        self._renewed = True

    def stop(self) -> None:
        self._timer.cancel()

    def ended(self) -> bool:
        """Whether a cancellation was this one's doing; then it is taken back."""
        return self._over and self._task is not None and self._task.uncancel() == 0

    def _look(self) -> None:
        if self._renewed:
            self._renewed = False
            self._timer = self._loop.call_later(self._seconds, self._look)
        elif self._task is not None:
            self._over = True
            self._task.cancel()


class Upload:
    """One body. `done` once its last byte is here or its sender has left."""

    __slots__ = ("_task", "done", "receive")

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self._task: asyncio.Task[None] | None = None
        self.done = False

    async def read(self, limit: int, *, stalled: float = STALLED) -> bytes:
        """The whole body, at most `limit` bytes of it.

        Raises `ClientGoneError`, `TooLargeError`, and `BadRequestError` after `stalled` seconds without a byte.
        """
        pieces: list[bytes] = []
        size = 0
        patience = Patience(stalled)
        try:
            while not self.done:
                piece = await self._next()
                patience.renew()
                size += len(piece)
                if size > limit:
                    raise TooLargeError(f"the body is larger than {limit} bytes", hint="see server.max_body_mib")
                pieces.append(piece)
        except asyncio.CancelledError:
            if not patience.ended():
                raise
            raise BadRequestError(f"nothing more of the body came for {stalled:g} s", code="body_stalled") from None
        finally:
            patience.stop()
        return b"".join(pieces)

    async def skip(self) -> None:
        """Throw the rest away: what comes in a moment before this returns, everything else beside the answer."""
        if self.done or self._task is not None:
            return
        try:
            async with asyncio.timeout(LINGER):
                while not self.done:
                    await self._next()
        except ClientGoneError:
            return
        except TimeoutError:
            self._task = asyncio.get_running_loop().create_task(self._discard())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _next(self) -> bytes:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            self.done = True
            raise ClientGoneError
        self.done = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    async def _discard(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def declared_length(headers: Mapping[bytes, bytes]) -> float:
    """The length that a request announces; infinite when the number is too long to be one."""
    declared = headers.get(b"content-length", b"")
    if not declared.isdigit():
        return 0
    return int(declared) if len(declared) < 20 else math.inf


async def read_body(headers: Mapping[bytes, bytes], upload: Upload, limit: int) -> bytes:
    """Read a request's body whole, at most `limit` bytes of it, before and after unpacking.

    Raises what `Upload.read` and `decompress` raise.
    """
    if declared_length(headers) > limit:
        raise TooLargeError(f"the body is larger than {limit} bytes", hint="see server.max_body_mib")
    body = await upload.read(limit)
    return decompress(body, headers, limit) if b"content-encoding" in headers else body
