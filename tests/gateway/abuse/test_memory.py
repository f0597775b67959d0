"""What the gateway holds: never a body above the limit, never a stream that its caller reads slowly.

Everything is in one process here, so what is measured bounds the gateway's share from above.
"""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from proxyctl.gateway import upload
from tests.gateway.abuse.bad_input import DIALECTS, misshapen
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import CHAT, MESSAGES, Upstream, chunk, connect, request, streamed

MIB = 1024 * 1024
PIECE = b" " * 65_536
MOST = 1
"""MiB that a body may have here."""

RESPONSES = "/v1/responses"
GENERATE = "/v1beta/models/local:m:streamGenerateContent"
ASKED: dict[str, bytes] = {
    CHAT: b'{"model":"local:m","stream":true,"messages":[{"role":"user","content":"hi"}]}',
    MESSAGES: b'{"model":"local:m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
    GENERATE: b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}',
    RESPONSES: b'{"model":"local:m","stream":true,"input":"hi","store":false}',
}


class Measured:
    """Bytes of Python objects, at most, above those that were there at the beginning."""

    grown = 0


@contextmanager
def measured() -> Iterator[Measured]:
    found = Measured()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield found
        found.grown = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


# On the way in.


@pytest.fixture
async def narrow(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(f"{upstream.config()}\n[server]\nmax_body_mib = {MOST}\n")


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_body_without_a_length_is_refused_before_it_is_held_whole(
    narrow: Gateway, upstream: Upstream, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = DIALECTS[dialect].path.format(model="local:m")
    monkeypatch.setattr(upload, "LINGER", 60.0)  # however slow this machine is, the body is read to its end

    with measured() as memory:
        answer = await narrow.http.post(path, content=pieces(512))

    assert (answer.status_code, misshapen(answer, dialect)) == (413, "")
    assert memory.grown < 8 * MIB, "32 MiB were sent"
    assert upstream.bodies == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_small_body_that_unpacks_to_a_large_one_is_refused_before_it_is_unpacked(
    narrow: Gateway, upstream: Upstream, dialect: str
) -> None:
    path = DIALECTS[dialect].path.format(model="local:m")
    packed = gzip.compress(b" " * 64 * MIB)

    with measured() as memory:
        answer = await narrow.http.post(path, content=packed, headers={"content-encoding": "gzip"})

    assert (answer.status_code, misshapen(answer, dialect)) == (413, "")
    assert memory.grown < 8 * MIB
    assert upstream.bodies == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_length_above_the_limit_is_refused_before_a_byte_is_read(narrow: Gateway, dialect: str) -> None:
    path = DIALECTS[dialect].path.format(model="local:m")
    reader, writer = await connect(narrow)

    writer.write(request(path=path).replace(b"content-length: 0", b"content-length: 999999999"))
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
    writer.close()

    assert head.startswith(b"HTTP/1.1 413")
    assert msgspec.json.decode(body)["error"]["message"]


# On the way out.


class Flood:
    """An upstream that writes as fast as it is let; `written` are the bytes that it could hand over."""

    def __init__(self, frames: int, size: int) -> None:
        self.written = 0
        self._frames = [b"data: " + chunk("x" * size) + b"\n\n"] * frames
        self._end = b"data: " + chunk(finish="stop") + b"\n\ndata: [DONE]\n\n"

    async def __call__(self, _body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed())
        for frame in (*self._frames, self._end):
            writer.write(frame)
            await writer.drain()
            self.written += len(frame)


async def read_slowly(gateway: Gateway, path: str, flood: Flood) -> tuple[bytes, int, int]:
    """The answer's end, its size, and how far the upstream got ahead; everybody else runs between two reads."""
    reader, writer = await connect(gateway)
    writer.write(request(ASKED[path], path=path + ("?alt=sse" if path == GENERATE else "")))
    last, size, ahead = b"", 0, 0
    async with asyncio.timeout(60):
        while piece := await reader.read(16_384):
            last, size = (last + piece)[-2000:], size + len(piece)
            for _ in range(4):
                await asyncio.sleep(0)
            ahead = max(ahead, flood.written - size)
    writer.close()
    return last, size, ahead


@pytest.mark.parametrize("path", [CHAT, MESSAGES, GENERATE])
async def test_a_long_stream_to_a_slow_reader_holds_the_upstream_back_and_is_not_held(
    start_gateway: StartGateway, upstream: Upstream, path: str
) -> None:
    """In both lanes. Sockets hold some MiB on each side; the gateway adds next to nothing to them."""
    upstream.answer = flood = Flood(frames=3200, size=16_384)
    gate = await start_gateway(upstream.config())
    upstream.keep = False

    with measured() as memory:
        last, size, ahead = await read_slowly(gate, path, flood)

    assert size > 50 * MIB
    assert b"message_stop" in last or b"[DONE]" in last or b"STOP" in last
    assert ahead < 25 * MIB
    assert memory.grown < 12 * MIB
    [record] = await gate.records(1)
    assert record.outcome == "ok"


async def test_a_responses_stream_is_remembered_once(start_gateway: StartGateway, upstream: Upstream) -> None:
    """Its last four events repeat the whole answer, so this encoder alone has to know it; they are made one by one.

    A large event is here as text, as JSON, as a frame, as a chunk and, while it waits for its reader, in the socket's
    buffer; all four at once would be twenty times the answer.
    """
    upstream.answer = flood = Flood(frames=640, size=16_384)
    gate = await start_gateway(upstream.config())
    upstream.keep = False

    with measured() as memory:
        last, size, _ = await read_slowly(gate, RESPONSES, flood)

    answer = 10 * MIB
    assert b'"output_tokens":' in last
    assert size > 5 * answer, "the deltas, and the whole in each of the events that end it"
    assert answer < memory.grown < 8 * answer
