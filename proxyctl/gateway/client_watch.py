"""Ends an exchange whose caller has left, so that the upstream is closed at once and nobody pays for unread tokens.

Most answers are there before anybody could leave, and a waiting task for each would cost more than routing does: the
watch begins only when an exchange has lasted `PATIENCE` seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proxyctl.gateway.reply import Reply

PATIENCE = 0.05


class ClientWatch:
    """Watches for the caller of an exchange, until `stop`. The request's body must have been read.

    `exchange` is the task to cancel, `receive` the ASGI callable that tells of a disconnect.
    """

    __slots__ = ("_exchange", "_receive", "_reply", "_task", "_timer")

    def __init__(
        self, exchange: asyncio.Task[Any], receive: Callable[[], Awaitable[Mapping[str, Any]]], reply: Reply
    ) -> None:
        self._exchange = exchange
        self._receive = receive
        self._reply = reply
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._begin)

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._reply.ended:
            self._reply.gone = True
            self._exchange.cancel()


def this_task() -> asyncio.Task[Any]:
    """The task that an exchange runs in, which ends it when it is cancelled."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("the gateway is called outside of a task: nothing could end its exchanges")
    return task
