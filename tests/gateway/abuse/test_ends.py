"""Upstreams that cut, drip, linger and flood: an end is told for what it is."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.abuse.asking import ask, refused, says_cut
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import BOTH_LANES, MESSAGES, Upstream, chunk, completion, response, settled, streamed


@BOTH_LANES
async def test_a_length_that_promises_too_much_is_a_cut(gate: Gateway, upstream: Upstream, path: str) -> None:
    upstream.answer = response(completion(), length=len(completion()) + 1)

    await refused(gate, await ask(gate, path))


@BOTH_LANES
async def test_a_length_that_promises_too_little_is_no_answer(gate: Gateway, upstream: Upstream, path: str) -> None:
    upstream.answer = response(completion(), length=len(completion()) - 1)

    await refused(gate, await ask(gate, path))


async def test_bytes_behind_an_answer_are_nobodys_answer(gate: Gateway, upstream: Upstream) -> None:
    """A connection on which too much was said is never used again: the next caller would read it."""
    poison = response(completion("for somebody else"))
    upstream.answer, upstream.keep = response(completion("first")) + poison, True

    first = await ask(gate)
    upstream.answer = response(completion("second"))
    second = await ask(gate)

    assert first.json()["choices"][0]["message"]["content"] == "first"
    assert second.json()["choices"][0]["message"]["content"] == "second"


@BOTH_LANES
async def test_a_whole_answer_cut_between_chunks_is_an_error(gate: Gateway, upstream: Upstream, path: str) -> None:
    body = completion()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    upstream.answer = head + b"%x\r\n%b\r\n" % (len(body), body)

    await refused(gate, await ask(gate, path))


@BOTH_LANES
@pytest.mark.parametrize("rest", [b"", b"5\r\nda", b"zz\r\n", b"-1\r\n"])
async def test_a_chunked_stream_that_breaks_says_so(gate: Gateway, upstream: Upstream, path: str, rest: bytes) -> None:
    frames = b"".join(b"data: " + chunk("hello") + b"\n\n" for _ in range(3))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    async def serve(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"%x\r\n%b\r\n" % (len(frames), frames))
        await writer.drain()
        writer.write(rest)

    upstream.answer = serve

    answer = await ask(gate, path, stream=True)

    # Behind frames that came in one piece with the break, nothing had been sent: then the status tells.
    assert says_cut(answer) if answer.status_code == 200 else answer.status_code == 502
    [record] = await gate.records(1)
    assert record.outcome in ("interrupted", "error")
    await settled(gate)


@BOTH_LANES
async def test_a_stream_without_an_end_is_said_to_be_cut(gate: Gateway, upstream: Upstream, path: str) -> None:
    upstream.answer = streamed(chunk("hello"), chunk("you"), b"[DONE]")

    answer = await ask(gate, path, stream=True)

    assert says_cut(answer)
    [record] = await gate.records(1)
    assert record.outcome == "interrupted"


@BOTH_LANES
async def test_garbage_behind_the_end_changes_nothing(gate: Gateway, upstream: Upstream, path: str) -> None:
    good = streamed(chunk("hello"), chunk(finish="stop"), b"[DONE]")
    upstream.answer = good
    expected = (await ask(gate, path, stream=True)).text
    upstream.answer = good + b"\x00\xff garbage {{{ \r\n\r\ndata: {\n\nevent: x\n\n" + b"z" * 100

    answer = await ask(gate, path, stream=True)

    assert answer.text == expected
    assert {record.outcome for record in await gate.records(2)} == {"ok"}


@BOTH_LANES
async def test_an_upstream_that_lingers_behind_its_end_keeps_nobody_waiting(
    start_gateway: StartGateway, upstream: Upstream, path: str
) -> None:
    async def linger(_body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(chunk("hello"), chunk(finish="stop"), b"[DONE]"))
        await writer.drain()
        await reader.read()

    upstream.answer = linger
    gate = await start_gateway(upstream.config("idle_timeout = 600"))

    async with asyncio.timeout(10):
        answer = await ask(gate, path, stream=True)

    assert "message_stop" in answer.text or "[DONE]" in answer.text
    [record] = await gate.records(1)
    assert record.outcome == "ok"
    await settled(gate)


@BOTH_LANES
async def test_a_connection_whose_end_comes_late_serves_again(gate: Gateway, upstream: Upstream, path: str) -> None:
    """Most servers write the last chunk on its own, behind the frame that ends the answer."""
    events = streamed(chunk("hello"), chunk(finish="stop"), b"[DONE]").partition(b"\r\n\r\n")[2]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    told = asyncio.Event()

    async def serve(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"%x\r\n%b\r\n" % (len(events), events))
        await told.wait()
        writer.write(b"0\r\n\r\n")

    upstream.answer, upstream.keep = serve, True

    async with asyncio.timeout(10):
        answer = await ask(gate, path, stream=True)
        told.set()
        await settled(gate)

    assert "hello" in answer.text
    [(opened, idle)] = gate.state.transport.counts().values()
    assert (opened, idle) == (1, 1)


@BOTH_LANES
async def test_of_two_finish_reasons_one_end_is_told(gate: Gateway, upstream: Upstream, path: str) -> None:
    upstream.answer = streamed(chunk("hello"), chunk(finish="stop"), chunk(finish="length"), b"[DONE]")

    answer = await ask(gate, path, stream=True)

    assert answer.status_code == 200
    assert "error" not in answer.text
    if path == MESSAGES:
        assert answer.text.count('"type":"message_stop"') == 1
        assert answer.text.count('"type":"message_delta"') == 1
    [record] = await gate.records(1)
    assert record.outcome == "ok"
    assert record.attempts[0].finish in ("stop", "length")


@BOTH_LANES
async def test_pings_alone_are_no_first_token(start_gateway: StartGateway, upstream: Upstream, path: str) -> None:
    async def ping(_body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed())
        gone = asyncio.ensure_future(reader.read())
        while not gone.done():
            writer.write(b": ping\n\nevent: ping\ndata: {}\n\n")
            await writer.drain()
            await asyncio.wait((gone,), timeout=0.01)

    upstream.answer = ping
    gate = await start_gateway(upstream.config("first_token_timeout = 0.3"))

    answer = await ask(gate, path, stream=True)

    record = await refused(gate, answer, 504)
    assert record.attempts[0].error_kind == "timeout"


@BOTH_LANES
async def test_a_large_answer_arrives_whole(gate: Gateway, upstream: Upstream, path: str) -> None:
    text = "0123456789" * 3_000_000
    upstream.answer = response(completion(text))

    answer = (await ask(gate, path)).json()

    got = answer["content"][0]["text"] if path == MESSAGES else answer["choices"][0]["message"]["content"]
    assert got == text


@BOTH_LANES
async def test_emptiness_without_an_end_is_given_up(start_gateway: StartGateway, upstream: Upstream, path: str) -> None:
    """What waits for an answer's beginning is held in memory: as much as a frame may be, and no more."""
    emptiness = b": " + b"x" * 1_000_000 + b"\n\ndata: " + chunk("") + b"\n\n"

    async def flood(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed())
        while not writer.is_closing():
            writer.write(emptiness)
            await writer.drain()

    upstream.answer = flood
    gate = await start_gateway(upstream.config("first_token_timeout = 600"))

    async with asyncio.timeout(15):
        answer = await ask(gate, path, stream=True)

    assert "without anything" in (await refused(gate, answer)).error


@BOTH_LANES
async def test_a_frame_without_an_end_is_given_up(gate: Gateway, upstream: Upstream, path: str) -> None:
    endless = b"data: " + b"x" * 1_000_000

    async def flood(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed())
        while not writer.is_closing():
            writer.write(endless)
            await writer.drain()

    upstream.answer = flood

    await refused(gate, await ask(gate, path, stream=True))
