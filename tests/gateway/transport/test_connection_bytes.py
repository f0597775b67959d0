"""One connection with its bytes and its time given by hand: random cuts, damage, and limits on a manual clock."""

import asyncio
import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.gateway.transport import (
    CutBodyError,
    DisconnectedError,
    FirstByteTimeoutError,
    IdleTimeoutError,
    InvalidResponseError,
    LeanResponse,
    Timeouts,
)
from proxyctl.gateway.transport.connection import BUFFER_LIMIT, Connection

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


class QuietTransport(asyncio.Transport):
    """Takes every byte and never answers; `unsent` is what the kernel has not taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.reading = True
        self.unsent = 0

    def write(self, data: bytes) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class ManualTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualLoop:
    """The three things that a connection asks of its loop, with a clock that a test winds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[ManualTimer] = []
        self.started = 0

    def time(self) -> float:
        return self.now

    def create_future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    def call_at(self, when: float, callback: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(when, callback)
        self.timers.append(timer)
        self.started += 1
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if not timer.cancelled and timer.when <= end]:
            timer = min(due, key=lambda each: each.when)
            self.timers.remove(timer)
            self.now = max(self.now, timer.when)
            timer.callback()
        self.now = end


class Bench:
    """A connection on a manual clock, and the exchange on it."""

    def __init__(self) -> None:
        self.loop = ManualLoop()
        self.freed: list[Connection] = []
        self.wire = QuietTransport()
        self.connection = Connection(self.loop, self.freed.append, lambda _: None)
        self.connection.connection_made(self.wire)

    async def send(self, limits: Timeouts, body: bytes = b"") -> "asyncio.Task[LeanResponse]":
        task = asyncio.create_task(self.connection.exchange(b"head", body, limits, head_only=False))
        await asyncio.sleep(0)
        return task


@pytest.fixture
def bench() -> Bench:
    return Bench()


LIMITS = Timeouts(connect=10, first_byte=60, idle=45)


async def test_the_head_must_come_within_the_first_byte_limit(bench) -> None:
    task = await bench.send(LIMITS)
    bench.loop.advance(59.9)
    assert not bench.wire.closed
    bench.loop.advance(0.2)

    with pytest.raises(FirstByteTimeoutError):
        await task
    assert bench.wire.closed


async def test_half_a_head_does_not_buy_more_time(bench) -> None:
    task = await bench.send(LIMITS)
    bench.loop.advance(59)
    bench.connection.data_received(b"HTTP/1.1 200 OK\r\nx-a:")
    bench.loop.advance(2)

    with pytest.raises(FirstByteTimeoutError) as caught:
        await task
    assert caught.value.response_started


async def test_a_stream_may_last_longer_than_any_limit_while_it_moves(bench) -> None:
    task = await bench.send(LIMITS)
    bench.connection.data_received(CHUNKED)
    response = await task
    for _ in range(100):
        bench.loop.advance(44)
        bench.connection.data_received(b"1\r\nx\r\n")
    bench.connection.data_received(b"0\r\n\r\n")

    assert await response.read(100) == b"x" * 100


async def test_the_idle_limit_counts_from_the_last_byte(bench) -> None:
    task = await bench.send(LIMITS)
    bench.connection.data_received(CHUNKED)
    response = await task
    bench.loop.advance(44)
    bench.connection.data_received(b"1\r\nx\r\n")
    bench.loop.advance(44)
    assert not bench.wire.closed
    bench.loop.advance(2)

    assert await response.read_chunk() == b"x"
    with pytest.raises(IdleTimeoutError):
        await response.read_chunk()


async def test_an_upload_that_moves_is_not_silence_and_one_that_stands_is(bench) -> None:
    bench.wire.unsent = 3_000_000
    task = await bench.send(LIMITS, body=b"b" * 4_000_000)
    for left in (2_000_000, 1_000_000, 500_000):
        bench.wire.unsent = left
        bench.loop.advance(61)
        assert not bench.wire.closed
    bench.loop.advance(61)

    with pytest.raises(FirstByteTimeoutError):
        await task


async def test_a_slow_reader_stops_the_socket_and_the_idle_clock(bench) -> None:
    task = await bench.send(LIMITS)
    bench.connection.data_received(OK + b"content-length: %d\r\n\r\n" % (BUFFER_LIMIT + 10))
    response = await task
    bench.connection.data_received(b"z" * (BUFFER_LIMIT + 1))
    assert not bench.wire.reading
    bench.loop.advance(10_000)
    assert not bench.wire.closed

    assert len(await response.read_chunk()) == BUFFER_LIMIT + 1
    assert bench.wire.reading
    bench.loop.advance(46)
    with pytest.raises(IdleTimeoutError):
        await response.read_chunk()


async def test_a_resting_connection_closes_after_its_time(bench) -> None:
    bench.connection.rest(60)
    bench.loop.advance(59)
    assert not bench.wire.closed
    bench.loop.advance(2)

    assert bench.wire.closed


async def test_a_working_connection_is_not_closed_by_the_rest_before_it(bench) -> None:
    bench.connection.rest(60)
    bench.loop.advance(59)
    task = await bench.send(LIMITS)
    bench.loop.advance(50)
    bench.connection.data_received(OK + b"content-length: 2\r\n\r\nhi")

    assert await (await task).read(10) == b"hi"
    assert bench.freed == [bench.connection]


async def test_a_thousand_exchanges_start_few_timers(bench) -> None:
    """Time limits are looked at lazily: a timer a request would cost more than parsing its answer."""
    for _ in range(1000):
        task = await bench.send(LIMITS)
        bench.loop.advance(0.001)
        bench.connection.data_received(OK + b"content-length: 2\r\n\r\nhi")
        await (await task).read(10)
        bench.connection.rest(60)

    assert bench.loop.started <= 3


def cut(wire: bytes, offsets: list[int]) -> list[bytes]:
    places = [0, *sorted({offset % len(wire) for offset in offsets}), len(wire)]
    return [wire[start:end] for start, end in pairwise(places) if start < end]


async def feed(pieces: list[bytes]) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    freed: list[Connection] = []
    connection = Connection(asyncio.get_running_loop(), freed.append, lambda _: None)
    connection.connection_made(QuietTransport())
    limits = Timeouts(math.inf, math.inf, math.inf)
    task = asyncio.create_task(connection.exchange(b"", b"", limits, head_only=False))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    response = await task
    return response.status, response.headers, await response.read(10_000), bool(freed)


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    interim=st.integers(0, 2),
    offsets=st.lists(st.integers(0, 4000), max_size=30),
)
def test_an_answer_does_not_depend_on_where_the_network_cuts_it(bodies, interim, offsets) -> None:
    wire = (
        b"HTTP/1.1 102 Processing\r\nx-i: 1\r\n\r\n" * interim
        + b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(body), body) for body in bodies)
        + b"0\r\n\r\n"
    )

    status, headers, body, reusable = asyncio.run(feed(cut(wire, offsets)))

    assert (status, body, reusable) == (429, b"".join(bodies), True)
    assert headers == [(b"Retry-After", b"7"), (b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_status_line_never_crashes_or_hangs(seed: int) -> None:
    """One wrong byte gives a fault or, where it did no harm, the whole answer."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable cut, no secret
    wire = bytearray(OK + b"content-length: 5\r\n\r\nhello")
    wire[chance.randrange(len(OK) - 2)] = chance.randrange(256)

    async def run() -> bytes | type[BaseException]:
        lost: list[Connection] = []
        connection = Connection(asyncio.get_running_loop(), lambda _: None, lost.append)
        connection.connection_made(QuietTransport())
        limits = Timeouts(math.inf, math.inf, math.inf)
        task = asyncio.create_task(connection.exchange(b"", b"", limits, head_only=False))
        await asyncio.sleep(0)
        connection.data_received(bytes(wire))
        connection.connection_lost(None)
        assert lost == [connection]
        try:
            return await (await task).read(100)
        except (InvalidResponseError, DisconnectedError, CutBodyError) as exc:
            return type(exc)

    assert asyncio.run(run()) in {b"hello", b"", InvalidResponseError, DisconnectedError, CutBodyError}
