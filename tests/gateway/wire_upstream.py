"""The upstream of the wire cases: a socket that keeps what it was asked and answers what a fixture says, in its pieces.

It knows no dialect and nothing of ours. Lists of models are answered empty (the gateway asks for them by itself), and
it has one picture to fetch. A request that nobody expected is kept as well, and answered with an odd status.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.gateway.hostile import listening

PICTURE = "picture.png"
"""What this server has for those who fetch images."""
_TURNS_OF_THE_LOOP = 5
"""Between two pieces: enough for the other side, on the same loop, to have read the first alone."""


class Asked(NamedTuple):
    """One request as it came: the target holds path and query, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One answer: its body in the pieces in which it is written. `stays_open`: the last piece is not the end."""

    pieces: Sequence[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stays_open: bool = False


_NO_MODELS = Answer((b'{"object":"list","data":[],"models":[],"has_more":false}',))
_PICTURE_ANSWER = Answer((b"\x89PNG\r\n\x1a\n picture",), headers={"content-type": "image/png"})
_UNEXPECTED = Answer((b'{"error":{"message":"nobody expected this request"}}',), 499)


@dataclass
class WireUpstream:
    """`answers` are taken in order, one for each request of the chat's kind; `asked` are those requests.

    `gone` is set when the gateway has hung up on an answer that stays open.
    """

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the gateway hung up: its right
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if method == "GET":
            await _write(writer, _PICTURE_ANSWER if target == f"/{PICTURE}" else _NO_MODELS)
            return
        self.asked.append(Asked(method, target, headers, body))
        answer = self.answers.pop(0) if self.answers else _UNEXPECTED
        await _write(writer, answer)
        if answer.stays_open:
            await reader.read()
            self.gone.set()


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    """Write a chunked body: each piece is a chunk and a segment of its own."""
    headers = {"content-type": "application/json", **answer.headers, "transfer-encoding": "chunked"}
    head = f"HTTP/1.1 {answer.status} Status\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(head.encode() + b"\r\n")
    for piece in answer.pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        for _ in range(_TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)
    if not answer.stays_open:
        writer.write(b"0\r\n\r\n")
    await writer.drain()


@asynccontextmanager
async def wire_upstream() -> AsyncIterator[WireUpstream]:
    upstream = WireUpstream()
    async with listening(upstream.serve) as upstream.port:
        yield upstream
