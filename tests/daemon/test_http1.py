"""The server's own HTTP/1.1, by bytes on a socket: what clients may send, what apps may do, and what neither may."""

from __future__ import annotations

import asyncio
import http.client
import io
from collections.abc import Callable
from typing import Any

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.daemon.asking import MOST_UNREAD
from proxyctl.daemon.http1 import MOST_HEAD
from tests.serving import serving

# ruff: noqa: ARG001 - an ASGI app takes three arguments, whatever it needs

HOST = b"host: localhost\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what came: method, path, query and body."""
    body = b""
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body += message["body"]
        more = message["more_body"]
    told = b"|".join([scope["method"].encode(), scope["path"].encode(), scope["query_string"], body])
    await whole(send, told)


async def whole(send: Any, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def converse(app: Any, *sent: bytes, **options: Any) -> bytes:
    """Send pieces, each in a turn of the loop of its own, and read until the server closes."""
    async with serving(app, **options) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in sent:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(line + b"\r\n" for line in headers)
    return b"POST %b HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n%b" % (path, HOST, lines, len(body), body)


LAST = b"GET /last HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"


def answers(data: bytes, *methods: str) -> list[tuple[int, bytes]]:
    """Status and body of each answer, as an independent parser reads them; nothing may be left over."""
    read: list[tuple[int, bytes]] = []
    client = h11.Connection(h11.CLIENT)
    client.receive_data(data)
    client.receive_data(b"")
    for method in methods:
        client.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        client.send(h11.EndOfMessage())
        status, body = 0, b""
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            assert event not in (h11.NEED_DATA, h11.PAUSED)
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
        read.append((status, body))
        if client.our_state is h11.DONE and client.their_state is h11.DONE:
            client.start_next_cycle()
    assert client.next_event() in (h11.ConnectionClosed(), h11.NEED_DATA)
    return read


async def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    answer = await converse(echo, post(b"/a?b=c", b"one") + post(b"/%C3%A9", b"two") + LAST)

    assert answers(answer, "POST", "POST", "GET") == [
        (200, b"POST|/a|b=c|one"),
        (200, "POST|/é||two".encode()),
        (200, b"GET|/last||"),
    ]


@given(cuts=st.lists(st.integers(1, 400), max_size=12), body=st.binary(max_size=200), chunked=st.booleans())
@settings(max_examples=40, deadline=None)
def test_how_a_request_is_cut_changes_nothing(cuts: list[int], body: bytes, *, chunked: bool) -> None:
    if chunked:
        pieces = [body[:7], body[7:]]
        told = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
        request = b"POST /x HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n" + told
    else:
        request = post(b"/x", body)
    sent = request + LAST
    ends = sorted({cut for cut in cuts if cut < len(sent)} | {len(sent)})
    parts = [sent[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    answer = asyncio.run(converse(echo, *parts))

    assert answers(answer, "POST", "GET") == [(200, b"POST|/x||" + body), (200, b"GET|/last||")]


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (b"GET / SMTP/1.0\r\n\r\n", 400, b"HTTP/1.1"),
        (b"NONSENSE\r\n\r\n", 501, b"method"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, b"HTTP/1.1"),
        (b"BREW /x HTTP/1.1\r\n" + HOST + b"\r\n", 501, b"method"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"host"),
        (b"GET / HTTP/1.1\r\n" + HOST * 2 + b"\r\n", 400, b"host"),
        (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400, b""),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n", 400, b"HTTP/1.1"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", 400, b"HTTP/1.1"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400, b"HTTP/1.1"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked, x\r\n\r\n", 400, b"HTTP/1.1"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400, b"HTTP/1.1"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"a b: c\r\n\r\n", 400, b"HTTP/1.1"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"y" * MOST_HEAD + b"\r\n\r\n", 431, b"larger"),
        (b"GET /" + b"y" * MOST_HEAD + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431, b"larger"),
    ],
)
async def test_what_is_no_request_is_refused_and_ends_the_connection(sent: bytes, status: int, said: bytes) -> None:
    async def unmoved(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    answer = await converse(unmoved, sent)

    [(told, body)] = answers(answer, "GET")
    assert told == status
    assert said in body
    assert b'"error"' in body


async def test_a_head_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(100):
            await asyncio.sleep(0)
        writer.write(b"y" * (MOST_HEAD + 1))
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_garbage_behind_a_request_does_not_spoil_its_answer() -> None:
    answer = await converse(echo, post(b"/x", b"one") + b"garbage\r\n\r\n")

    assert answers(answer, "POST")[0] == (200, b"POST|/x||one")


@pytest.mark.parametrize("request_line", [b"GET /y HTTP/1.1\r\n", b"POST /y HTTP/1.1\r\ncontent-length: 3\r\n"])
async def test_an_upgrade_is_ignored(request_line: bytes) -> None:
    upgrade = b"upgrade: h2c\r\nconnection: upgrade, http2-settings, close\r\nhttp2-settings: AAM\r\n\r\n"
    body = b"one" if b"length" in request_line else b""

    answer = await converse(echo, request_line + HOST + upgrade + body)

    assert answers(answer, "POST") == [(200, request_line[:4].strip() + b"|/y||" + body)]


async def test_a_client_that_asks_first_is_told_to_continue() -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"expect: 100-continue\r\nconnection: close\r\ncontent-length: 3\r\n\r\n"
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"one")
        answer = await reader.read()
        writer.close()

    assert answers(answer, "POST") == [(200, b"POST|/x||one")]


async def test_an_older_client_gets_an_answer_that_ends_with_the_connection() -> None:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    answer = await converse(stream, b"GET / HTTP/1.0\r\n\r\n")

    assert answer.endswith(b"\r\n\r\nab")
    assert b"chunked" not in answer


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_an_answer_without_a_body_has_none(method: str, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole(send, b"never sent" if status == 200 else b"", status=status)

    request = method.encode() + b" / HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = await converse(app, request + LAST.replace(b"GET", method.encode()))

    assert answers(answer, method, method) == [(status, b""), (status, b"")]


async def test_a_stream_begins_at_once_and_each_piece_leaves_as_it_comes() -> None:
    going = asyncio.Event()

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await going.wait()
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await going.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with serving(stream) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LAST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        going.set()
        assert await reader.read() == b"3\r\none\r\n0\r\n\r\n"
        writer.close()


Act = Callable[[Any], Any]


async def _short(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
    await send({"type": "http.response.body", "body": b"abc"})


async def _long(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    await send({"type": "http.response.body", "body": b"def"})


async def _unfinished(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})


async def _broken(send: Any) -> None:
    await _unfinished(send)
    raise ValueError("an app's fault")


@pytest.mark.parametrize("act", [_short, _long, _unfinished, _broken])
async def test_an_answer_that_is_not_whole_never_looks_so(act: Act) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await act(send)

    answer = await converse(app, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")

    response = http.client.HTTPResponse(_Bytes(answer))  # type: ignore[arg-type]
    response.begin()
    with pytest.raises(http.client.IncompleteRead):
        response.read()


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb"])
async def test_no_header_can_end_its_line(value: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole(send, b"never sent", (b"x-told", value))

    answer = await converse(app, LAST)

    [(status, body)] = answers(answer, "GET")
    assert status == 500
    assert b"set-cookie" not in answer
    assert b"fault" in body


async def test_an_app_that_says_nothing_is_a_fault_that_is_told() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return

    assert answers(await converse(silent, LAST), "GET")[0][0] == 500


async def test_an_app_learns_that_its_caller_has_left() -> None:
    left = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await whole(send, b"to nobody")
        left.set()

    async with serving(app) as port:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(b"/x", b"one"))
        await writer.drain()
        writer.close()
        await left.wait()


async def test_a_caller_that_does_not_read_is_waited_for() -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            sent += 1
        await send({"type": "http.response.body", "body": b""})

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(LAST)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(2000):
            await asyncio.sleep(0)
        assert sent < 500
        size = 0
        while piece := await reader.read(1 << 20):
            size += len(piece)
        writer.close()
    assert size > 65_536_000


async def test_a_body_that_nobody_reads_is_not_read_from_the_socket_either() -> None:
    going = asyncio.Event()
    got = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal got
        await going.wait()
        first = await receive()
        assert len(first["body"]) < 4 * MOST_UNREAD
        got = len(first["body"])
        while first["more_body"]:
            first = await receive()
            got += len(first["body"])
        await whole(send, b"")

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(b"/x", b"x" * 40_000_000, b"connection: close"))
        for _ in range(2000):
            await asyncio.sleep(0)
        going.set()
        await reader.read()
        writer.close()
    assert got == 40_000_000


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with serving(echo, idle_seconds=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(b"/x", b"one"))
        answer = await reader.read()
        writer.close()

    assert answers(answer, "POST") == [(200, b"POST|/x||one")]


async def test_a_server_that_ends_lets_an_answer_finish_and_says_that_it_is_the_last() -> None:
    asked, going = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await going.wait()
        await whole(send, b"done")

    async with asyncio.TaskGroup() as group:
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            idle, other = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            await asked.wait()
            group.create_task(_later(going, idle))
        answer = await reader.read()
        writer.close()
        other.close()

    assert b"connection: close" in answer
    assert answers(answer, "GET") == [(200, b"done")]


async def _later(going: asyncio.Event, idle: asyncio.StreamReader) -> None:
    """Let the answer go on once the idle connection was closed: the server is ending by then."""
    assert await idle.read() == b""
    going.set()
