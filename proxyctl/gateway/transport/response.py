"""An upstream answer while it arrives: a status, headers, and a body that is read once.

It is the buffer between the connection, which fills it, and one reader. It outlives the connection's interest in it:
when the last byte is here the connection goes back to its pool, however slow the reader is. An end is reported only
when HTTP's framing said so; everything else raises.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from proxyctl.gateway.transport.faults import AnswerTooLargeError, TransportFault


class Source(Protocol):
    """What a response may ask of the connection that still fills it."""

    def resume(self) -> None:
        """Read on: the buffer was emptied."""

    def abort(self) -> None:
        """Close at once."""


class LeanResponse:
    """`status`, and `headers` as (name, value) pairs with the names as the upstream wrote them.

    One task reads, by `read_chunk`, `chunks` or `read`; whoever holds the response calls `aclose` in `finally`.
    """

    __slots__ = ("_chunks", "_ended", "_fault", "_source", "_waiter", "buffered", "headers", "reused", "status")

    def __init__(self, source: Source, *, reused: bool) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.reused = reused
        self.buffered = 0
        self._source: Source | None = source
        self._chunks: list[bytes] = []
        self._ended = False
        self._fault: TransportFault | None = None
        self._waiter: asyncio.Future[None] | None = None

    # The connection's side.

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self.buffered += len(data)

    def finish(self) -> None:
        """The body is complete; the connection is no longer ours."""
        self._ended = True
        self._source = None

    def fail(self, fault: TransportFault) -> None:
        """The body will never be complete. What arrived is still read first."""
        if not self._ended:
            self._ended = True
            self._fault = fault
            self._source = None
            self.wake()

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    # The reader's side.

    async def read_chunk(self) -> bytes:
        """Everything that has arrived since the last call, waiting for the first byte of it; `b""` at the end.

        The cheapest way to read. Raises `CutBodyError`, `IdleTimeoutError` or `InvalidResponseError` after the last
        byte that did arrive. Cancelling it closes the connection.
        """
        while True:
            chunks = self._chunks
            if chunks:
                data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                chunks.clear()
                self.buffered = 0
                if self._source is not None:
                    self._source.resume()
                return data
            if self._ended:
                if self._fault is not None:
                    raise self._fault
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                self.abandon()
                raise

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it arrives."""
        while chunk := await self.read_chunk():
            yield chunk

    async def read(self, limit: int) -> bytes:
        """The rest of the body; `AnswerTooLargeError` and a closed connection when it is over `limit` bytes."""
        pieces: list[bytes] = []
        size = 0
        while chunk := await self.read_chunk():
            size += len(chunk)
            if size > limit:
                self.abandon()
                raise AnswerTooLargeError(
                    f"the answer is longer than {limit} bytes", sent=True, response_started=True, reused=self.reused
                )
            pieces.append(chunk)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        """Let go: an unfinished exchange's connection closes at once. May be called any number of times."""
        self.abandon()

    def abandon(self) -> None:
        """`aclose` for places that cannot await."""
        source, self._source = self._source, None
        self._chunks.clear()
        self.buffered = 0
        if source is not None:
            source.abort()
