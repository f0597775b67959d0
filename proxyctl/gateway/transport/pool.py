"""The connections of one origin: which are idle, how many there may be, who waits for one.

The connection used last is used next, so that the surplus of a busy minute grows old and closes. A connection that
becomes free goes to the request that has waited longest; nobody overtakes. There is no limit on how many may rest:
a limit there opens and closes sockets under load.
"""

import asyncio
import ssl
from collections import deque

from proxyctl.gateway.transport.connect import dial
from proxyctl.gateway.transport.connection import Connection
from proxyctl.gateway.transport.faults import ConnectFailedError, PoolTimeoutError
from proxyctl.gateway.transport.head import Origin


class OriginPool:
    """`limit` counts every connection, busy, idle or being opened; `idle_seconds` is how long one may rest."""

    def __init__(self, origin: Origin, *, context: ssl.SSLContext | None, limit: int, idle_seconds: float) -> None:
        self.origin = origin
        self.authority = origin.authority()
        self._context = context
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._generation = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self._emptied: asyncio.Event | None = None

    @property
    def counts(self) -> tuple[int, int]:
        """(open or being opened, of these idle)."""
        return len(self._open) + self._opening, len(self._idle)

    def take_idle(self) -> Connection | None:
        """The connection that rested shortest and still lives. Never waits."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_alive():
                return connection
            connection.abort()
        return None

    async def acquire(self, timeout: float) -> Connection:  # noqa: ASYNC109 - the caller's budget, not a scope
        """A new connection, or at the limit the next one that becomes free.

        Raises `PoolTimeoutError` after `timeout` seconds in the queue, and what `dial` raises.
        """
        if self._closed:
            raise ConnectFailedError("the gateway's transport is closed")
        if len(self._open) + self._opening >= self._limit:
            handed = await self._queue(timeout)
            if handed is not None:
                return handed
        else:
            self._opening += 1
        return await self._dial(timeout)

    async def _dial(self, timeout: float) -> Connection:  # noqa: ASYNC109 - as above
        """Open a connection for which `_opening` already counts."""
        generation = self._generation
        loop = asyncio.get_running_loop()

        def make() -> Connection:
            return Connection(loop, self._release, self._lost, generation)

        try:
            connection = await dial(self.origin, make, self._context, timeout)
        except BaseException:
            self._opening -= 1
            self._offer_room()
            raise
        self._opening -= 1
        self._open.add(connection)
        if self._closed:
            connection.shut()
        return connection

    async def _queue(self, timeout: float) -> Connection | None:  # noqa: ASYNC109 - as above
        """A connection handed over, or `None` for room to open one (already counted in `_opening`)."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout if timeout < float("inf") else None):
                return await waiter
        except TimeoutError:
            self._forget(waiter)
            raise PoolTimeoutError(
                f"all {self._limit} connections to {self.origin.url()} stayed busy for {timeout:g} s"
            ) from None
        except asyncio.CancelledError:
            self._forget(waiter)
            raise

    def _forget(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """A waiter gave up, perhaps after something had been handed to it: pass that on."""
        if not waiter.done() or waiter.cancelled():
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        elif waiter.exception() is None:
            handed = waiter.result()
            if handed is not None:
                self._release(handed)
            else:
                self._opening -= 1
                self._offer_room()

    def _next_waiter(self) -> "asyncio.Future[Connection | None] | None":
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _release(self, connection: Connection) -> None:
        """An exchange ended well; the connection may serve the next."""
        if self._closed or connection.generation != self._generation:
            connection.abort()
            return
        waiter = self._next_waiter()
        if waiter is not None:
            connection.rest(self._idle_seconds)
            waiter.set_result(connection)
            return
        self._idle.append(connection)
        connection.rest(self._idle_seconds)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._offer_room()
        if self._emptied is not None and not self._open:
            self._emptied.set()

    def _offer_room(self) -> None:
        """A place became free: the first in the queue opens its own connection."""
        if len(self._open) + self._opening < self._limit:
            waiter = self._next_waiter()
            if waiter is not None:
                self._opening += 1
                waiter.set_result(None)

    def drop_idle(self) -> None:
        """Close what rests; busy connections end with their exchange."""
        self._generation += 1
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    async def aclose(self) -> None:
        """Close everything, busy or not, and wait until the sockets are closed."""
        self._closed = True
        self._idle.clear()
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(ConnectFailedError("the gateway's transport is closed"))
        self._emptied = asyncio.Event()
        for connection in list(self._open):
            connection.shut()
        if self._open:
            await self._emptied.wait()
