"""Ends an exchange whose caller has left, so that the upstream is closed at once and nobody pays for unread tokens.

Most answers are there before anybody could leave, and a waiting task for each would cost more than routing does: the
watch begins only when an exchange has lasted `PATIENCE` seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proxyctl.core.errors import ShuttingDownError
from proxyctl.core.exchange import Exchange
from proxyctl.dialects.base import InboundDialect
from proxyctl.gateway.reply import Reply

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

PATIENCE = 0.05


class ClientWatch:
    """Watches for the caller of an exchange, until `stop`. The request's body must have been read.

    `exchange` is the task to cancel, `receive` the ASGI callable that tells of a disconnect.
    """

    __slots__ = ("_exchange", "_receive", "_reply", "_task", "_timer")

    def __init__(self, exchange: asyncio.Task[Any], receive: Receive, reply: Reply) -> None:
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


async def while_caller_waits(
    work: Awaitable[None], receive: Receive, reply: Reply, dialect: InboundDialect, exchange: Exchange
) -> None:
    """Run an exchange to its end, or until its caller leaves. The request's body must have been read."""
    watch = ClientWatch(this_task(), receive, reply)
    try:
        await work
    except asyncio.CancelledError:
        if not reply.gone:
            # The daemon ends while the caller waits: say so, never let a cut answer look complete.
            problem = ShuttingDownError("the gateway was stopped before the answer was complete").problem()
            await reply.break_off(dialect, problem, exchange)
            raise
    finally:
        watch.stop()


def this_task() -> asyncio.Task[Any]:
    """The task that an exchange runs in, which ends it when it is cancelled."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("the gateway is called outside of a task: nothing could end its exchanges")
    return task
