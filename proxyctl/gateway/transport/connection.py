"""One HTTP/1.1 connection to an upstream: bytes of one request out, one response in, then the next.

It knows sockets, framing and time limits, and neither retries nor chooses: the pool owns its life, `LeanResponse` its
bytes. Two facts to remember. A time limit is a number (`_deadline`) that one lazy timer looks at, because a timer a
request costs more than the parsing. And a response that ended is not yet a connection to reuse: bytes behind it, an
upload still going on or `connection: close` say no.
"""

import asyncio
import math
import select
import ssl
from collections.abc import Callable

import httptools
from typing_extensions import override

from proxyctl.gateway.transport.faults import (
    CutBodyError,
    DisconnectedError,
    FirstByteTimeoutError,
    IdleTimeoutError,
    InvalidResponseError,
    TransportFault,
)
from proxyctl.gateway.transport.head import Timeouts
from proxyctl.gateway.transport.response import LeanResponse

HEAD_LIMIT = 128 * 1024
"""Bytes of response heads, interim ones included, before we stop listening."""

BUFFER_LIMIT = 256 * 1024
"""Unread bytes of a body at which the socket is no longer read."""

_ONE_WRITE = 64 * 1024
"""Up to this size head and body leave in one write."""


class Connection(asyncio.Protocol):
    """Serves one exchange at a time; calls `on_free` when it may serve another, `on_lost` once when it is closed."""

    __slots__ = (
        "_deadline",
        "_head_bytes",
        "_head_only",
        "_head_waiter",
        "_idle_limit",
        "_loop",
        "_message_done",
        "_on_free",
        "_on_lost",
        "_parser",
        "_paused",
        "_poll",
        "_response",
        "_reusable",
        "_timer",
        "_timer_at",
        "_transport",
        "_unsent",
        "_upload_limit",
        "generation",
        "served",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_free: Callable[["Connection"], None],
        on_lost: Callable[["Connection"], None],
        generation: int = 0,
    ) -> None:
        self.served = 0
        self.generation = generation
        self._loop = loop
        self._on_free = on_free
        self._on_lost = on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._response: LeanResponse | None = None
        self._head_waiter: asyncio.Future[None] | None = None
        self._head_only = False
        self._head_bytes = 0
        self._message_done = False
        self._reusable = True
        self._paused = False
        self._unsent = 0
        self._idle_limit = math.inf
        self._upload_limit = math.inf
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    # For the pool.

    def is_alive(self) -> bool:
        """Whether an idle connection may be used: an upstream's goodbye that lies unread in the socket says no."""
        if self._transport is None or self._transport.is_closing():
            return False
        return self._poll is None or not self._poll.poll(0)

    def rest(self, seconds: float) -> None:
        """Stay open without work for so long, then close."""
        self._arm(seconds)

    def abort(self) -> None:
        """Close at once, whatever is going on; the upstream sees it within a loop's turn."""
        self._response = None
        self._message_done = True
        self._drop_timer()
        if self._transport is not None:
            self._transport.abort()

    def shut(self) -> None:
        """Close at once, and tell whoever still reads."""
        kind = CutBodyError if self._head_waiter is None else DisconnectedError
        self._fail(self._fault(kind, "the gateway closed its connections"))

    # For the transport.

    async def exchange(self, head: bytes, body: bytes, timeouts: Timeouts, *, head_only: bool) -> LeanResponse:
        """Send a request and wait for the complete head of its answer.

        `head_only`: the request is a HEAD, whose answer announces a body that never comes. Raises
        `DisconnectedError`, `InvalidResponseError` or `FirstByteTimeoutError`; being cancelled closes the connection.
        """
        transport = self._transport
        reused = self.served > 0
        if transport is None or transport.is_closing():
            raise DisconnectedError("the connection closed before the request was sent", reused=reused)
        self.served += 1
        response = self._response = LeanResponse(self, reused=reused)
        self._message_done = False
        self._head_bytes = 0
        self._head_only = head_only
        self._idle_limit = timeouts.idle
        self._upload_limit = timeouts.first_byte
        waiter = self._head_waiter = self._loop.create_future()
        if len(body) <= _ONE_WRITE:
            transport.write(head + body)
            self._unsent = 0
        else:
            transport.write(head)
            transport.write(body)
            self._unsent = transport.get_write_buffer_size()
        self._arm(timeouts.first_byte)
        try:
            await waiter
        except asyncio.CancelledError:
            response.abandon()
            raise
        return response

    # For the response.

    def resume(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
            self._arm(self._idle_limit)

    # asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream protocol is given a stream transport
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN)

    @override
    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            # Nobody asked: a 408 of an idle limit, or bytes that the next exchange would take for its answer.
            self.abort()
            return
        if self._head_waiter is not None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            self._reusable = False
            if not self._message_done:
                self._fail(self._fault(InvalidResponseError, f"the upstream's answer is not HTTP/1.1: {exc}"))
                return
        if self._message_done:
            self._complete(response)
        elif self._head_waiter is not None:
            if self._head_bytes > HEAD_LIMIT:
                self._fail(self._fault(InvalidResponseError, f"the response head is longer than {HEAD_LIMIT} bytes"))
        elif response.buffered > BUFFER_LIMIT:
            self._pause()
            response.wake()
        else:
            self._arm(self._idle_limit)
            response.wake()

    @override
    def eof_received(self) -> None:
        response = self._response
        if (
            response is not None
            and self._head_waiter is None
            and _runs_until_close(response.headers)
            and self._said_goodbye()
        ):
            self._reusable = False
            self._complete(response)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_timer()
        self._transport = None
        self._poll = None
        reason = f" ({exc})" if exc is not None and str(exc) else ""
        if self._response is not None:
            if self._head_waiter is not None:
                self._fail(self._fault(DisconnectedError, f"the upstream closed before answering{reason}"))
            else:
                self._fail(self._fault(CutBodyError, f"the upstream closed before the end of its answer{reason}"))
        self._on_lost(self)

    # httptools

    def on_message_begin(self) -> None:
        if self._message_done:
            # A second answer to one question: what follows belongs to nobody.
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_waiter is not None and self._response is not None:
            self._response.headers.append((name, value))

    def on_headers_complete(self) -> None:
        response = self._response
        waiter = self._head_waiter
        if response is None or waiter is None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            response.headers.clear()
            return
        response.status = status
        self._head_waiter = None
        if not waiter.done():
            waiter.set_result(None)
        if self._head_only:
            # The parser now expects the announced body: this connection cannot be read any further.
            self._message_done = True
            self._reusable = False

    def on_body(self, data: bytes) -> None:
        if self._response is not None and not self._message_done:
            self._response.feed(data)

    def on_message_complete(self) -> None:
        if self._head_waiter is None and not self._message_done:  # else an interim 1xx, or a HEAD's
            self._message_done = True
            self._reusable = self._reusable and self._parser.should_keep_alive()

    # Ends.

    def _complete(self, response: LeanResponse) -> None:
        self._response = None
        self._deadline = math.inf
        response.finish()
        response.wake()
        transport = self._transport
        reusable = (
            self._reusable
            and transport is not None
            and not transport.is_closing()
            and transport.get_write_buffer_size() == 0
        )
        if reusable:
            self._on_free(self)
        else:
            self.abort()

    def _fail(self, fault: TransportFault) -> None:
        response, waiter = self._response, self._head_waiter
        self._head_waiter = None
        self.abort()
        if response is None:
            return
        if waiter is not None:
            response.finish()
            if not waiter.done():
                waiter.set_exception(fault)
        else:
            response.fail(fault)

    def _fault(self, kind: type[TransportFault], message: str) -> TransportFault:
        started = self._head_bytes > 0 or self._head_waiter is None
        return kind(message, sent=True, response_started=started, reused=self.served > 1)

    def _said_goodbye(self) -> bool:
        """Whether an end is the upstream's own. Over TLS only a close_notify is, and asyncio hides the difference."""
        session = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        if session is None:
            return True
        try:
            return bool(session.read(1) == b"")
        except ssl.SSLError:
            return False

    # Time and flow.

    def _pause(self) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
            self._deadline = math.inf  # the reader is the slow one

    def _arm(self, seconds: float) -> None:
        deadline = self._deadline = self._loop.time() + seconds
        if deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._on_timer)
            self._timer_at = deadline

    def _drop_timer(self) -> None:
        self._deadline = self._timer_at = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        remaining = self._deadline - self._loop.time()
        if remaining > 0:
            if remaining != math.inf:
                self._arm(remaining)
        elif self._response is None:
            self.abort()
        elif self._head_waiter is None:
            self._fail(self._fault(IdleTimeoutError, "the upstream fell silent in the middle of its answer"))
        elif self._still_uploading():
            self._arm(self._upload_limit)
        else:
            self._fail(self._fault(FirstByteTimeoutError, "the upstream did not begin to answer in time"))

    def _still_uploading(self) -> bool:
        """A long body on a slow line is no silence of the upstream's: progress earns another wait."""
        left = self._transport.get_write_buffer_size() if self._transport is not None else 0
        before, self._unsent = self._unsent, left
        return left < before


def _runs_until_close(headers: list[tuple[bytes, bytes]]) -> bool:
    """RFC 9112 section 6.3: without a length and without chunks, the body ends where the connection does."""
    return not any(name.lower() in {b"content-length", b"transfer-encoding"} for name, _value in headers)
