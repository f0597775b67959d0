"""Bodies on their way in: refused unread without a trace, given up when they stall."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from proxyctl.core.errors import BadRequestError, TooLargeError
from proxyctl.gateway.upload import ClientGoneError, Patience, Upload, declared_length
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import (
    ASKED,
    CHAT,
    KEY,
    KEYED,
    Upstream,
    alive,
    body_of,
    connect,
    converse,
    request,
    settled,
    status_of,
)


def crumbs(method: str, path: str, more: bytes = b"") -> bytes:
    """A body in forty chunks of one byte: all of it there at once."""
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n".encode()
    return head + more + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 40 + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("POST", CHAT, b"content-type: text/plain\r\n", 415),
        ("PUT", CHAT, b"", 405),
        ("POST", CHAT, b"origin: https://evil.example\r\n", 403),
        ("POST", "/v1/nothing", b"", 404),
        ("GET", "/v1/models", b"", 200),
        ("GET", "/providers/status", b"", 200),
        ("POST", "/providers/metrics/reset", b"origin: https://evil.example\r\n", 403),
    ],
)
async def test_a_body_that_nobody_wants_holds_nothing(
    gate: Gateway, method: str, path: str, more: bytes, status: int
) -> None:
    answer = await converse(gate, crumbs(method, path, more))

    assert status_of(answer) == status
    await settled(gate)


async def test_without_the_key_a_large_body_is_refused_legibly(start_gateway: StartGateway, upstream: Upstream) -> None:
    gate = await start_gateway(upstream.config() + '[server]\nkeys = ["$HOSTILE_KEY"]\n', KEYED)

    refused = await gate.http.post(CHAT, content=ASKED[:-1] + b" " * 3_000_000 + b"}")
    served = await gate.http.post(CHAT, content=ASKED, headers={"authorization": f"Bearer {KEY}"})

    assert (refused.status_code, served.status_code) == (401, 200)
    assert len(upstream.bodies) == 1
    await settled(gate)


async def test_a_refused_body_without_an_end_is_answered_all_the_same(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxyctl.gateway.upload.LINGER", 0.02)
    reader, writer = await connect(gate)
    writer.write(crumbs("POST", "/v1/nothing").removesuffix(b"0\r\n\r\n"))

    answer = await reader.read()

    writer.close()
    assert status_of(answer) == 404
    assert "nothing at /v1/nothing" in body_of(answer)["error"]["message"]
    await alive(gate)


@pytest.mark.parametrize(
    "query", ["key=%C3%A4", "key=%ff%00", "key", "key=%", "key=a&key=b", "x=%zz&key=" + "k" * 3000]
)
async def test_any_key_in_the_query_is_only_a_wrong_one(
    start_gateway: StartGateway, upstream: Upstream, query: str
) -> None:
    gate = await start_gateway(upstream.config() + '[server]\nkeys = ["$HOSTILE_KEY"]\n', KEYED)

    answer = await converse(gate, request(ASKED, path=f"{CHAT}?{query}"))

    assert status_of(answer) == 401
    assert upstream.bodies == []


# The parts.


class Pieces:
    """An ASGI `receive`: pieces that are already there, then silence."""

    def __init__(self, *messages: Mapping[str, Any]) -> None:
        self._queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        for message in messages:
            self._queue.put_nowait(message)

    async def __call__(self) -> Mapping[str, Any]:
        return await self._queue.get()


def piece(body: bytes, *, more: bool = True) -> Mapping[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_read_whole() -> None:
    upload = Upload(Pieces(piece(b"ab"), piece(b"c"), piece(b"", more=False)))

    assert await upload.read(3) == b"abc"
    assert upload.done


async def test_a_body_over_the_limit_is_not() -> None:
    with pytest.raises(TooLargeError):
        await Upload(Pieces(piece(b"ab"), piece(b"cd"))).read(3)


async def test_a_sender_that_leaves_is_noticed() -> None:
    upload = Upload(Pieces(piece(b"ab"), {"type": "http.disconnect"}))

    with pytest.raises(ClientGoneError):
        await upload.read(10)
    assert upload.done


async def test_a_body_that_stalls_is_given_up() -> None:
    with pytest.raises(BadRequestError, match="nothing more of the body"):
        await Upload(Pieces(piece(b"ab"))).read(10, stalled=0.01)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_whoever_cancels_a_reader_is_obeyed() -> None:
    reading = asyncio.create_task(Upload(Pieces(piece(b"ab"))).read(10))
    await asyncio.sleep(0)

    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_patience_renewed_begins_anew() -> None:
    patience = Patience(0.01)
    patience.renew()
    patience._look()  # what its timer does: something came meanwhile

    assert not patience.ended()
    patience.stop()


@pytest.mark.parametrize(
    ("value", "length"), [(b"", 0), (b"12", 12), (b"-1", 0), (b"x", 0), (b"9" * 5000, float("inf"))]
)
def test_a_declared_length_is_a_number_or_nothing(value: bytes, length: float) -> None:
    assert declared_length({b"content-length": value}) == length
