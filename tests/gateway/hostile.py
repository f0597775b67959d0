"""An upstream without manners, on loopback: every connection is served by what the test wrote, byte for byte.

It counts what is open, so that a test can prove that the gateway let go. Lists of models are answered properly: the
gateway asks for them in the background, and a test wants its own requests only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from tests.gateway.conftest import Gateway

CHAT = "/v1/chat/completions"
KEY = "sk-of-ours-0123456789abcdef"
KEYED = {"HOSTILE_KEY": KEY}
BOUND = 20.0
"""Seconds after which a wait is a hang."""

MESSAGES = "/v1/messages"
ASKED = b'{"model":"local:m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
STREAMED = ASKED[:-1] + b',"stream":true}'
SENT = ASKED.replace(b"local:m", b"m")
BOTH_LANES = pytest.mark.parametrize("path", [CHAT, MESSAGES])
"""A caller of the upstream's own dialect, and one of another."""

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """`answer` is written to every POST: bytes, or a script given the request's body and both ends.

    `bodies` and `heads` are what arrived; `open` the connections that the gateway holds; after an answer the
    connection is kept when `keep`, else closed.
    """

    answer: bytes | Script = b""
    keep: bool = False
    port: int = 0
    open: int = 0
    lists: bytes = field(default_factory=lambda: response(b'{"object":"list","data":[]}'))
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def config(self, more: str = "", *, keyed: bool = False, kind: str = "local") -> str:
        """A config whose one provider is this upstream; `more` are further lines of it."""
        credential = 'key = "$HOSTILE_KEY"' if keyed else "keyless = true"
        path = "/v1" if kind == "local" else ""
        return (
            f'[routing]\nprimary = "{kind}"\nmax_attempts = 1\n[providers.{kind}]\nmode = "pooled"\n'
            f'base_url = "http://127.0.0.1:{self.port}{path}"\n{credential}\n{more}\n'
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass  # the gateway hung up: many tests want that
        finally:
            self.open -= 1
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        if head.startswith(b"GET"):
            writer.write(self.lists)
            return True
        self.heads.append(head)
        self.bodies.append(body)
        if isinstance(self.answer, bytes):
            writer.write(self.answer)
        else:
            await self.answer(body, reader, writer)
        await writer.drain()
        return self.keep


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """Serve raw connections on a free port of loopback, which it yields."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def hostile_upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    async with listening(upstream.serve) as upstream.port:
        yield upstream


def response(
    body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: bytes = b"", length: int | None = None
) -> bytes:
    """A response with a `content-length`, true unless `length` says another. `more` are header lines with CRLF."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n".encode()
    return head + more + b"\r\n" + body


def streamed(*events: bytes, more: bytes = b"") -> bytes:
    """An event stream that ends with its connection; each event is one frame's data."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n" + more + b"\r\n"
    return head + b"".join(b"data: " + event + b"\n\n" for event in events)


def completion(text: str = "hello", **more: Any) -> bytes:
    """A whole answer of OpenAI's chat, as its API reference documents it."""
    message = {"role": "assistant", "content": text}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            **more,
        }
    )


def chunk(text: str | None = None, finish: str | None = None) -> bytes:
    """One chunk of OpenAI's chat, as its API reference documents it."""
    delta = {} if text is None else {"content": text}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, in vain for at most `BOUND` seconds."""
    async with asyncio.timeout(BOUND):
        while not condition():
            await asyncio.sleep(0.002)


def in_use(gateway: Gateway) -> int:
    """Upstream connections that are open and not resting in a pool."""
    return sum(opened - idle for opened, idle in gateway.state.transport.counts().values())


async def settled(gateway: Gateway) -> None:
    """Wait until nothing of any exchange is left, or fail."""
    await until(lambda: not gateway.state.exchanges and not in_use(gateway) and not active(gateway))


def active(gateway: Gateway) -> int:
    return sum(gateway.state.metrics.of(name).active for name in gateway.state.live.targets)


async def converse(gateway: Gateway, sent: bytes) -> bytes:
    """Send raw bytes, return everything until the gateway hangs up. The request should ask for `connection: close`."""
    reader, writer = await connect(gateway)
    try:
        writer.write(sent)
        async with asyncio.timeout(BOUND):
            return await reader.read()
    finally:
        writer.close()


async def connect(gateway: Gateway) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = gateway.http.base_url.port
    assert port is not None
    return await asyncio.open_connection("127.0.0.1", port)


def request(
    body: bytes = b"", *, method: str = "POST", path: str = CHAT, more: bytes = b"", close: bool = True
) -> bytes:
    """A client's request; `more` are header lines with CRLF."""
    lines = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n".encode()
    end = b"connection: close\r\n" if close else b""
    return lines + end + more + b"content-length: %d\r\n\r\n" % len(body) + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> Any:
    return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])


async def alive(gate: Gateway) -> None:
    """Nothing is left of what was done to the gateway, and it answers the next caller."""
    await settled(gate)
    assert (await gate.http.get("/healthz")).status_code == 200
    assert (await gate.http.post(CHAT, content=ASKED)).status_code == 200
