"""Which connection a request gets, and what happens when there is none or a dead one."""

import asyncio

import httpx
import pytest

from proxyctl.gateway.transport import (
    ConnectFailedError,
    CutBodyError,
    DisconnectedError,
    LeanTransport,
    PoolTimeoutError,
    Timeouts,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


async def echo_number(peer) -> None:
    """Answers every request with the number of the connection it came on."""
    while True:
        await peer.request()
        number = b"%d" % peer.number
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(number), number))


def gated():
    """A script that answers only when its gate is opened."""
    gate = asyncio.Semaphore(0)

    async def script(peer):
        while True:
            await peer.request()
            await gate.acquire()
            await peer.send(OK)

    return gate, script


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


async def test_one_after_another_needs_one_connection(upstream, get) -> None:
    async with upstream(echo_number) as up:
        assert [await get(up) for _ in range(5)] == [(200, b"1")] * 5


async def test_the_connection_used_last_is_used_next(upstream, get, transport) -> None:
    async with upstream(echo_number) as up:
        await asyncio.gather(*(get(up) for _ in range(4)))
        assert transport.counts()[up.origin] == (4, 4)

        assert len({(await get(up))[1] for _ in range(4)}) == 1


async def test_more_at_once_do_not_open_and_close_under_load(upstream, get, transport) -> None:
    async with upstream(echo_number) as up:
        for _ in range(10):
            await asyncio.gather(*(get(up) for _ in range(40)))

        assert up.connections == 40
        assert transport.counts()[up.origin] == (40, 40)


async def test_at_the_limit_requests_wait_in_order(upstream, limits) -> None:
    gate, script = gated()
    transport = LeanTransport(max_connections=2, trust_env=False)
    order: list[int] = []

    async def ask(number: int) -> None:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        order.append(number)
        await response.read(10)

    async with upstream(script) as up:
        tasks = []
        for number in range(6):
            tasks.append(asyncio.create_task(ask(number)))
            await asyncio.sleep(0)
        await until(lambda: len(up.requests) == 2)
        for answered in range(6):
            gate.release()
            await until(lambda: len(order) == answered + 1)  # noqa: B023 - awaited within the turn
        await asyncio.gather(*tasks)
        await transport.aclose()

    assert up.connections == 2
    assert order[2:] == [2, 3, 4, 5]


async def test_waiting_at_the_limit_ends_with_the_connect_limit(upstream) -> None:
    gate, script = gated()
    transport = LeanTransport(max_connections=1, trust_env=False)
    async with upstream(script) as up:
        first = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"", Timeouts(20, 20, 20)))
        await until(lambda: len(up.requests) == 1)
        with pytest.raises(PoolTimeoutError) as caught:
            await transport.send(up.origin, b"POST", b"/", [], b"", Timeouts(0.05, 20, 20))
        gate.release()
        await (await first).read(10)
        # The one that gave up is out of the queue: the connection rests and serves the next.
        gate.release()
        second = await transport.send(up.origin, b"POST", b"/", [], b"", Timeouts(20, 20, 20))
        await second.read(10)
        await transport.aclose()

    assert not caught.value.sent
    assert isinstance(caught.value, httpx.PoolTimeout)
    assert up.connections == 1


async def test_a_broken_connection_makes_room_for_the_next_in_the_queue(upstream, limits) -> None:
    transport = LeanTransport(max_connections=1, trust_env=False)
    hold = asyncio.Event()

    async def script(peer):
        await peer.request()
        await hold.wait()
        if peer.number > 1:
            await peer.send(OK)

    async with upstream(script) as up:
        first = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"", limits))
        await until(lambda: len(up.requests) == 1)
        second = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"", limits))
        await asyncio.sleep(0)
        hold.set()
        with pytest.raises(DisconnectedError):
            await first
        assert await (await second).read(10) == b"hi"
        await transport.aclose()


async def test_a_failed_connect_makes_room_for_the_next_in_the_queue(upstream, limits) -> None:
    async with upstream(echo_number) as up:
        pass
    transport = LeanTransport(max_connections=1, trust_env=False)

    outcomes = await asyncio.gather(
        *(transport.send(up.origin, b"POST", b"/", [], b"", limits) for _ in range(5)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [ConnectFailedError] * 5
    assert transport.counts()[up.origin] == (0, 0)


async def test_a_waiter_cancelled_as_it_is_served_passes_the_connection_on(upstream, limits) -> None:
    gate, script = gated()
    transport = LeanTransport(max_connections=1, trust_env=False)
    async with upstream(script) as up:
        first = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"", limits))
        await until(lambda: len(up.requests) == 1)
        pool = transport._pools[up.origin]
        waiting = asyncio.create_task(pool.acquire(20))
        third = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"", limits))
        await until(lambda: len(pool._waiters) == 2)
        gate.release()
        await until(lambda: len(pool._waiters) == 1)
        waiting.cancel()
        gate.release()

        assert await (await first).read(10) == b"hi"
        assert await (await third).read(10) == b"hi"
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await transport.aclose()


async def test_a_connection_that_the_upstream_closed_while_idle_is_not_tried(upstream, get) -> None:
    """Even a POST goes through: nothing was sent on the dead one."""

    async def script(peer):
        await peer.request()
        await peer.send(OK)

    async with upstream(script) as up:
        for _ in range(3):
            assert await get(up) == (200, b"hi")

    assert up.connections == 3


async def test_a_farewell_on_an_idle_connection_is_nobodys_answer(upstream, get) -> None:
    """Some servers send a 408 before they close an idle connection."""
    farewell = asyncio.Event()
    said = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(OK)
        if peer.number == 1:
            await farewell.wait()
            await peer.send(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
            said.set()
            await peer.gone()

    async with upstream(script) as up:
        assert await get(up) == (200, b"hi")
        farewell.set()
        await said.wait()
        assert await get(up) == (200, b"hi")

    assert up.connections == 2


def dies_on_second_request():
    """A kept connection that takes a second request and closes without a byte, as at a keep-alive limit."""

    async def script(peer):
        await peer.request()
        await peer.send(OK)
        if peer.number == 1:
            await peer.request()
        else:
            await peer.gone()

    return script


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_a_repeatable_request_on_a_dying_connection_is_sent_again(upstream, get, method) -> None:
    async with upstream(dies_on_second_request()) as up:
        await get(up, b"", b"GET")

        assert (await get(up, b"", method))[0] == 200
        assert (up.connections, len(up.requests)) == (2, 3)


async def test_a_sent_post_is_never_repeated_here(upstream, get) -> None:
    """The upstream may have begun to bill it: the facts go to the caller, who decides."""
    async with upstream(dies_on_second_request()) as up:
        await get(up)
        with pytest.raises(DisconnectedError) as caught:
            await get(up)

        assert len(up.requests) == 2
    assert (caught.value.sent, caught.value.response_started, caught.value.reused) == (True, False, True)


async def test_a_repeat_happens_once(upstream, get) -> None:
    async def script(peer):
        await peer.request()
        if peer.number == 1:
            await peer.send(OK)
            await peer.request()

    async with upstream(script) as up:
        await get(up, b"", b"GET")
        with pytest.raises(DisconnectedError):
            await get(up, b"", b"GET")

        assert len(up.requests) == 3


async def test_an_idle_connection_closes_after_its_time(upstream, limits) -> None:
    transport = LeanTransport(idle_seconds=0.05, trust_env=False)
    gone = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(OK)
        await peer.gone()
        gone.set()

    async with upstream(script) as up:
        await (await transport.send(up.origin, b"POST", b"/", [], b"", limits)).read(10)
        await asyncio.wait_for(gone.wait(), 20)
        await until(lambda: transport.counts()[up.origin] == (0, 0))


async def test_after_sleep_no_old_connection_is_used_again(upstream, get, transport, limits) -> None:
    gate, script = gated()
    async with upstream(script) as up:
        gate.release()
        await get(up)
        busy = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"", limits))
        await until(lambda: len(up.requests) == 2)
        transport.drop_idle()
        gate.release()
        assert await (await busy).read(10) == b"hi"
        gate.release()
        await get(up)

    assert up.connections == 2


async def test_dropping_idle_connections_closes_them(upstream, get, transport) -> None:
    async with upstream(echo_number) as up:
        await asyncio.gather(*(get(up) for _ in range(3)))
        transport.drop_idle()
        await until(lambda: transport.counts()[up.origin] == (0, 0))
        await get(up)

        assert up.connections == 4


async def test_closing_the_transport_ends_everything_and_says_so(upstream, limits) -> None:
    """A waiting request, one that waits for its head, one in mid-body: none may hang or end silently."""
    transport = LeanTransport(max_connections=2, trust_env=False)

    async def script(peer):
        request = await peer.request()
        if request.body == b"stream":
            await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await peer.gone()

    async with upstream(script) as up:
        streaming = await transport.send(up.origin, b"POST", b"/", [], b"stream", limits)
        await streaming.read_chunk()
        reading = asyncio.create_task(streaming.read_chunk())
        silent = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"silent", limits))
        await until(lambda: len(up.requests) == 2)
        queued = asyncio.create_task(transport.send(up.origin, b"POST", b"/", [], b"queued", limits))
        await asyncio.sleep(0)
        await transport.aclose()

        with pytest.raises(CutBodyError):
            await reading
        with pytest.raises(DisconnectedError):
            await silent
        with pytest.raises(ConnectFailedError):
            await queued
        with pytest.raises(ConnectFailedError):
            await transport.send(up.origin, b"POST", b"/", [], b"", limits)
    assert transport.counts()[up.origin] == (0, 0)
