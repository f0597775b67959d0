"""Callers that leave at random points, and many at once: nothing stays behind, nothing is mixed up."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct

import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.hostile import (
    ASKED,
    BOTH_LANES,
    STREAMED,
    Upstream,
    alive,
    chunk,
    completion,
    connect,
    request,
    response,
    settled,
    streamed,
    until,
)


class Leavers:
    """Callers that leave at random points, and an upstream that stalls, cuts or answers at random. Repeatable."""

    def __init__(self, gate: Gateway, upstream: Upstream, path: str, *, stream: bool) -> None:
        self.gate = gate
        self.upstream = upstream
        self.random = random.Random(f"{path} {stream}")  # noqa: S311 - repeatable, no secret
        body = STREAMED if stream else ASKED
        self.request = request(body, path=path, close=False)
        words = [chunk(f"word{number} ") for number in range(40)]
        self.answer = streamed(*words, chunk(finish="stop"), b"[DONE]") if stream else response(completion("x" * 4000))
        upstream.answer = self.serve
        upstream.keep = not stream

    async def serve(self, _body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stall = self.random.choice([None, 0, self.random.randrange(len(self.answer))])
        sent = self.answer[:stall]
        step = self.random.choice([97, 1000, 100_000])
        for at in range(0, len(sent), step):
            writer.write(sent[at : at + step])
            await asyncio.sleep(0)
        if stall is not None:
            await reader.read()  # until the gateway hangs up
            raise ConnectionResetError

    async def leave(self) -> None:
        how = self.random.choice(["in the request", "behind it", "in the answer"])
        amount, rude = self.random.randrange(1, 3000), self.random.random() < 0.5
        cut = self.random.randrange(len(self.request)) if how == "in the request" else None
        reader, writer = await connect(self.gate)
        writer.write(self.request[:cut])
        if how == "in the answer":
            await _read_some(reader, amount)
        elif how == "behind it":
            await writer.drain()
        if rude:
            _reset(writer)
        else:
            writer.close()


async def _read_some(reader: asyncio.StreamReader, amount: int) -> None:
    """Up to so many bytes, or what a stalled upstream lets come: at least what is there once the loop has turned."""
    try:
        async with asyncio.timeout(0.1):
            await reader.readexactly(amount)
    except (TimeoutError, asyncio.IncompleteReadError):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """Leave as a killed process does, with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@BOTH_LANES
async def test_whoever_leaves_whenever_leaves_nothing_behind(
    gate: Gateway, upstream: Upstream, path: str, stream: bool
) -> None:
    """300 leavers: 75 for each lane and kind of answer, 25 at a time."""
    leavers = Leavers(gate, upstream, path, stream=stream)

    for _ in range(3):
        await asyncio.gather(*(leavers.leave() for _ in range(25)))
        await settled(gate)

    pools = gate.state.transport.counts().values()
    await until(lambda: upstream.open <= sum(idle for _opened, idle in pools))
    assert {record.outcome for record in await gate.records(1)} == {"ok", "client_closed"}
    upstream.answer, upstream.keep = response(completion()), True
    await alive(gate)


@BOTH_LANES
async def test_two_callers_at_once_never_see_each_others_answers(gate: Gateway, upstream: Upstream, path: str) -> None:
    async def echo(body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(body)
        content = asked["messages"][-1]["content"]
        text = content if isinstance(content, str) else content[0]["text"]
        if not asked.get("stream"):
            writer.write(response(completion(text * 50)))
            return
        for piece in _pieces(streamed(*[chunk(text)] * 50, chunk(finish="stop"), b"[DONE]")):
            writer.write(piece)
            await asyncio.sleep(0)
        writer.close()

    upstream.answer = echo

    async def ask(number: int) -> None:
        mark = f"<caller {number}>"
        body = ASKED.replace(b"hi", mark.encode())
        body = body[:-1] + b',"stream":true}' if number % 2 else body
        answer = (await gate.http.post(path, content=body)).text
        assert answer.count(mark) == 50
        assert answer.count("<caller ") == 50

    await asyncio.gather(*(ask(number) for number in range(40)))

    await settled(gate)


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + 501] for at in range(0, len(data), 501)]
