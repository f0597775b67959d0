"""The simulator's HTTP server: connections, bodies, limits, clients that leave."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxyctl.simulator.http_server import Connection, HttpRequest, HttpServer


async def echo_later(request: HttpRequest, connection: Connection) -> None:
    await asyncio.sleep(0)
    connection.begin(200, [])
    connection.chunk(request.body)
    connection.finish()


def respond(request: HttpRequest, connection: Connection) -> object:
    if request.path == "/later":
        return echo_later(request, connection)
    if request.path == "/fail":
        return fail()
    connection.send(200, [("x-path", request.path)], request.method.encode() + b" " + request.body)
    return None


async def fail() -> None:
    raise RuntimeError("planned")


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, int]]:
    running = HttpServer(respond, max_body=1000)  # type: ignore[arg-type]
    yield await running.start("127.0.0.1", 0)
    await running.stop()


async def talk(address: tuple[str, int], data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    got = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return got


CLOSE = b"connection: close\r\n\r\n"


async def test_one_request(server: tuple[str, int]) -> None:
    got = await talk(server, b"GET /a%20b?c=d HTTP/1.1\r\nhost: x\r\n" + CLOSE)

    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nx-path: /a b\r\n")
    assert b"connection: close" in head
    assert body == b"GET "


async def test_connection_is_kept_for_the_next_request(server: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*server)
    for number in range(3):
        writer.write(b"POST /%d HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi" % number)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"x-path: /%d\r\n" % number in head
        assert await reader.readexactly(7) == b"POST hi"
    writer.close()


async def test_pipelined_requests_are_answered_in_order(server: tuple[str, int]) -> None:
    later = b"POST /later HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nslow"

    got = await talk(server, later + b"GET /b HTTP/1.1\r\nhost: x\r\n\r\nGET /c HTTP/1.1\r\n" + CLOSE)

    assert got.index(b"slow") < got.index(b"x-path: /b") < got.index(b"x-path: /c")


async def test_chunked_request_body(server: tuple[str, int]) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n" + CLOSE

    assert (await talk(server, head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")).endswith(b"POST abc")


async def test_expect_continue(server: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*server)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n" + CLOSE)

    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hi")
    assert (await reader.read()).endswith(b"POST hi")
    writer.close()


async def test_too_large_a_body(server: tuple[str, int]) -> None:
    got = await talk(server, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n" + b"x" * 1001)

    assert got.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x00\xff" * 5])
async def test_malformed_requests(server: tuple[str, int], data: bytes) -> None:
    assert (await talk(server, data)).startswith(b"HTTP/1.1 400 ")


async def test_head_has_no_body(server: tuple[str, int]) -> None:
    got = await talk(server, b"HEAD / HTTP/1.1\r\nhost: x\r\n" + CLOSE)

    assert b"content-length: 5" in got
    assert got.endswith(b"\r\n\r\n")


async def test_http_1_0_closes(server: tuple[str, int]) -> None:
    assert (await talk(server, b"GET / HTTP/1.0\r\n\r\n")).endswith(b"GET ")


async def test_many_connections_at_once(server: tuple[str, int]) -> None:
    request = b"POST /later HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n" + CLOSE + b"abc"

    got = await asyncio.gather(*[talk(server, request) for _ in range(50)])

    assert all(b"3\r\nabc\r\n0\r\n\r\n" in answer for answer in got)


async def test_a_handler_that_fails_closes_and_says_so(server: tuple[str, int]) -> None:
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["exception"]))

    assert await talk(server, b"GET /fail HTTP/1.1\r\nhost: x\r\n\r\n") == b""
    assert [str(error) for error in said] == ["planned"]


async def test_stop_drops_open_connections() -> None:
    waiting = asyncio.Event()

    async def forever(request: HttpRequest, connection: Connection) -> None:
        del request
        waiting.set()
        await connection.lost_within(None)

    running = HttpServer(forever)
    address = await running.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await waiting.wait()

    await running.stop()

    assert await reader.read() == b""
    writer.close()
    assert not running.connections


async def test_a_slow_reader_holds_the_writer_back() -> None:
    """`drain` waits while the client does not read, so that a long stream does not pile up in memory."""
    written = 0
    done = asyncio.Event()

    async def pour(request: HttpRequest, connection: Connection) -> None:
        nonlocal written
        del request
        connection.begin(200, [])
        for _ in range(400):
            connection.chunk(b"x" * 100_000)
            written += 100_000
            await connection.drain()
            if connection.lost:
                break
        done.set()

    running = HttpServer(pour)
    address = await running.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*address, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    before = -1
    while written != before:  # until the writer makes no way any more
        before = written
        for _ in range(200):
            await asyncio.sleep(0)

    assert written < 40_000_000
    writer.transport.abort()
    await done.wait()
    await running.stop()
