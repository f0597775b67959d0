"""One connection against upstreams that frame, cut, stall, flood and babble."""

import asyncio

import httpx
import pytest

from proxyctl.gateway.transport import (
    CutBodyError,
    DisconnectedError,
    FirstByteTimeoutError,
    IdleTimeoutError,
    InvalidResponseError,
    Timeouts,
)
from proxyctl.gateway.transport.connection import BUFFER_LIMIT, HEAD_LIMIT

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def answering(*pieces: bytes, close: bool = False):
    async def script(peer):
        while True:
            await peer.request()
            for piece in pieces:
                await peer.send(piece)
            if close:
                return

    return script


async def collect(response, into: list[bytes]) -> None:
    while chunk := await response.read_chunk():
        into.append(chunk)


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (OK + b"content-length: 5\r\n\r\nhello", b"hello"),
        (OK + b"content-length: 0\r\n\r\n", b""),
        (CHUNKED + b"2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\n\r\n", b"hello"),
        (CHUNKED + b"5\r\nhello\r\n0\r\nx-trailer: t\r\n\r\n", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK + b"content-length: 2\r\n\r\nhi", b"hi"),
    ],
)
async def test_a_framed_body_is_read_to_its_end_and_the_connection_kept(upstream, get, wire, body) -> None:
    async with upstream(answering(wire)) as up:
        assert [await get(up) for _ in range(3)] == [(200, body)] * 3

    assert up.connections == 1


async def test_interim_headers_are_not_the_answers(upstream, transport, limits) -> None:
    wire = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK + b"X-One: 1\r\ncontent-length: 0\r\n\r\n"
    async with upstream(answering(wire)) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)

        assert response.headers == [(b"X-One", b"1"), (b"content-length", b"0")]


async def test_trailers_are_not_headers(upstream, transport, limits) -> None:
    async with upstream(answering(CHUNKED + b"0\r\nx-late: 1\r\n\r\n")) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        await response.read(10)

        assert response.headers == [(b"transfer-encoding", b"chunked")]


async def test_a_body_without_framing_ends_with_its_connection(upstream, get) -> None:
    async with upstream(answering(OK + b"\r\nall ", b"of it", close=True)) as up:
        assert await get(up) == (200, b"all of it")
        assert await get(up) == (200, b"all of it")

    assert up.connections == 2


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_body_ends_at_its_head(upstream, get, status) -> None:
    async with upstream(answering(b"HTTP/1.1 " + status + b"\r\n\r\n")) as up:
        assert (await get(up))[1] == b""
        assert (await get(up))[0] == int(status[:3])

    assert up.connections == 1


async def test_the_answer_to_head_has_no_body_whatever_it_announces(upstream, get) -> None:
    async with upstream(answering(OK + b"content-length: 5\r\n\r\n")) as up:
        assert await get(up, b"", b"HEAD") == (200, b"")
        assert await get(up, b"", b"HEAD") == (200, b"")


@pytest.mark.parametrize(
    "wire",
    [
        OK + b"content-length: 10\r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"a\r\nhello",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
        OK + b"transfer-encoding: gzip\r\n\r\nhello",
    ],
)
async def test_a_body_cut_short_is_an_error_after_what_arrived(upstream, transport, limits, wire) -> None:
    async with upstream(answering(wire, close=True)) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        got: list[bytes] = []
        with pytest.raises(CutBodyError) as caught:
            await collect(response, got)

    assert b"".join(got) == b"hello"
    assert (caught.value.sent, caught.value.response_started) == (True, True)
    assert isinstance(caught.value, httpx.RemoteProtocolError)


async def test_a_reset_is_no_end_of_a_body_without_framing(upstream, transport, limits) -> None:
    read = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(OK + b"\r\npart")
        await read.wait()
        peer.reset()

    async with upstream(script) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        assert await response.read_chunk() == b"part"
        read.set()
        with pytest.raises(CutBodyError):
            await response.read_chunk()


@pytest.mark.parametrize(("said", "started"), [(b"", False), (b"HTTP/1.1 2", True)])
async def test_a_disconnect_before_the_head_says_how_far_it_came(upstream, get, said, started) -> None:
    async def script(peer):
        await peer.request()
        if said:
            await peer.send(said)

    async with upstream(script) as up:
        with pytest.raises(DisconnectedError) as caught:
            await get(up)

    assert (caught.value.sent, caught.value.response_started, caught.value.reused) == (True, started, False)


async def test_a_reset_before_the_head_is_a_disconnect(upstream, get) -> None:
    async def script(peer):
        await peer.request()
        peer.reset()

    async with upstream(script) as up:
        with pytest.raises(DisconnectedError) as caught:
            await get(up)

    assert (caught.value.sent, caught.value.response_started) == (True, False)


@pytest.mark.parametrize(
    "wire",
    [
        b"<html>not http</html>",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 abc OK\r\n\r\n",
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        OK + b"x-long: " + b"a" * HEAD_LIMIT * 2,
        b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" * (HEAD_LIMIT // 16),
    ],
)
async def test_what_is_not_an_answer_is_refused_and_its_connection_closed(upstream, get, wire) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(wire)
        await peer.gone()

    async with upstream(script) as up:
        with pytest.raises(InvalidResponseError) as caught:
            await get(up)

    assert caught.value.response_started


async def test_broken_chunk_framing_in_mid_body_is_an_error(upstream, transport, limits) -> None:
    async with upstream(answering(CHUNKED + b"5\r\nhello\r\nZZ\r\n")) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        with pytest.raises(InvalidResponseError):
            await response.read(100)


async def test_bytes_behind_an_answer_never_become_the_next_one(upstream, get) -> None:
    smuggled = OK + b"content-length: 5\r\n\r\nwrong"

    async def script(peer):
        await peer.request()
        await peer.send(OK + b"content-length: 5\r\n\r\nright" + smuggled)
        await peer.gone()

    async with upstream(script) as up:
        assert await get(up) == (200, b"right")
        assert await get(up) == (200, b"right")

    assert up.connections == 2


async def test_connection_close_is_obeyed(upstream, get) -> None:
    async with upstream(answering(OK + b"connection: close\r\ncontent-length: 2\r\n\r\nhi")) as up:
        assert [await get(up) for _ in range(2)] == [(200, b"hi")] * 2

    assert up.connections == 2


async def test_silence_before_the_head_is_a_first_byte_timeout(upstream, transport) -> None:
    async def script(peer):
        await peer.request()
        await peer.gone()

    async with upstream(script) as up:
        with pytest.raises(FirstByteTimeoutError) as caught:
            await transport.send(up.origin, b"POST", b"/", [], b"{}", Timeouts(20, 0.05, 20))

    assert (caught.value.sent, caught.value.response_started) == (True, False)
    assert isinstance(caught.value, httpx.ReadTimeout)


async def test_silence_in_the_body_is_an_idle_timeout_after_what_arrived(upstream, transport) -> None:
    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await peer.gone()

    async with upstream(script) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", Timeouts(20, 20, 0.05))
        assert await response.read_chunk() == b"hello"
        with pytest.raises(IdleTimeoutError):
            await response.read_chunk()


async def test_an_answer_that_comes_before_the_upload_ends_is_read_and_the_connection_not_reused(
    upstream, transport, limits
) -> None:
    async def script(peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await peer.gone()

    async with upstream(script) as up:
        for _ in range(2):
            response = await transport.send(up.origin, b"POST", b"/", [], b"b" * (32 << 20), limits)
            assert (response.status, await response.read(10)) == (413, b"big")

    assert up.connections == 2


async def test_a_slow_reader_slows_the_upstream(upstream, transport, limits) -> None:
    """Nothing but the socket's own buffers and ours may fill while the client is slow; then all of it arrives."""
    size = 64 << 20
    sent = 0
    blocked = asyncio.Event()

    async def script(peer):
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"content-length: %d\r\n\r\n" % size)
        piece = b"z" * (1 << 16)
        while sent < size:
            peer.writer.write(piece)
            sent += len(piece)
            if peer.writer.transport.get_write_buffer_size():
                blocked.set()
            await peer.writer.drain()

    async with upstream(script) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        await asyncio.wait_for(blocked.wait(), 20)
        before_reading = response.buffered
        got = 0
        while chunk := await response.read_chunk():
            got += len(chunk)
            assert len(chunk) <= 2 * BUFFER_LIMIT

    assert before_reading <= 2 * BUFFER_LIMIT
    assert got == size


@pytest.mark.parametrize("said", [b"", CHUNKED + b"5\r\nhello\r\n"])
async def test_cancelling_closes_the_upstream_connection(upstream, transport, limits, said) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(peer):
        await peer.request()
        if said:
            await peer.send(said)
        asked.set()
        await peer.gone()
        gone.set()

    async def exchange(up):
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        await response.read(1000)

    async with upstream(script) as up:
        task = asyncio.create_task(exchange(up))
        await asyncio.wait_for(asked.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await asyncio.wait_for(gone.wait(), 1)
    assert transport.counts()[up.origin] == (0, 0)


async def test_closing_an_unfinished_answer_closes_the_upstream_connection(upstream, transport, limits) -> None:
    gone = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await peer.gone()
        gone.set()

    async with upstream(script) as up:
        response = await transport.send(up.origin, b"POST", b"/", [], b"", limits)
        await response.read_chunk()
        await response.aclose()

        await asyncio.wait_for(gone.wait(), 1)
