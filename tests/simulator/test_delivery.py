"""Each fault as bytes on the wire, and what the ledger says about it."""

import asyncio
import gzip
from typing import Any

import httpx
import msgspec
import pytest

from proxyctl.simulator import Fault, Simulator

PATHS = {
    "local": "/local/v1/chat/completions",
    "anthropic": "/anthropic/v1/messages",
    "gemini": "/gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
    "cohere": "/cohere/v2/chat",
    "mistral": "/mistral/v1/chat/completions",
}
MODELS = {
    "local": "gpt-4.1",
    "anthropic": "claude-haiku-4-5",
    "cohere": "command-a-03-2025",
    "mistral": "mistral-small-2603",
}
KEYS = (
    b"authorization: Bearer k\r\nx-goog-api-key: k\r\nanthropic-version: 2026-10-21\r\n"
    b"content-type: application/json\r\nhost: simulator\r\n"
)


def body_for(provider: str, *, stream: bool = True) -> bytes:
    if provider == "gemini":
        return b'{"contents":[{"parts":[{"text":"Hello you"}]}]}'
    value: dict[str, Any] = {
        "model": MODELS[provider],
        "messages": [{"role": "user", "content": "Hello you"}],
        "stream": stream,
    }
    if provider == "anthropic":
        value["max_tokens"] = 500
    return msgspec.json.encode(value)


def raw_request(provider: str, *, stream: bool = True, close: bool = True) -> bytes:
    path = PATHS[provider] if stream else PATHS[provider].replace("streamGenerateContent?alt=sse", "generateContent")
    body = body_for(provider, stream=stream)
    closing = b"connection: close\r\n" if close else b""
    return b"POST %b HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n%b" % (path.encode(), KEYS, closing, len(body), body)


def chunks_of(raw: bytes) -> tuple[list[bytes], bool]:
    """The chunks of a chunked body, and whether the body was ended properly."""
    _, _, rest = raw.partition(b"\r\n\r\n")
    chunks: list[bytes] = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return chunks, True
        chunks.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    return chunks, False


async def settled(simulator: Simulator) -> None:
    """Until no connection is open: what happened to the last one is in the ledger then."""
    async with asyncio.timeout(20):
        while simulator.open_connections:
            await asyncio.sleep(0)


@pytest.mark.parametrize("provider", list(PATHS))
async def test_a_stream_is_one_chunk_a_frame(exchange: Any, provider: str) -> None:
    chunks, ended = chunks_of(await exchange(raw_request(provider)))

    assert ended
    assert len(chunks) > 3
    assert all(chunk.endswith(b"\n\n") and chunk.count(b"\n\n") == 1 for chunk in chunks)


@pytest.mark.parametrize("provider", list(PATHS))
async def test_cut_ends_without_any_end(simulator: Simulator, exchange: Any, provider: str) -> None:
    simulator.fault(Fault(kind="cut", provider=provider, after_frames=2))

    chunks, ended = chunks_of(await exchange(raw_request(provider)))

    assert (len(chunks), ended) == (2, False)
    entry = simulator.ledger.entries[-1]
    assert (entry.fault, entry.frames_sent, entry.client_closed_early, entry.usage) == ("cut", 2, False, None)


@pytest.mark.parametrize("provider", list(PATHS))
async def test_missing_terminator_ends_properly_but_says_nothing(
    simulator: Simulator, exchange: Any, provider: str
) -> None:
    whole, _ = chunks_of(await exchange(raw_request(provider)))
    simulator.fault(Fault(kind="missing_terminator", provider=provider))

    chunks, ended = chunks_of(await exchange(raw_request(provider)))

    assert ended
    assert len(chunks) == len(whole) - 1
    last = {
        "local": b"[DONE]",
        "mistral": b"[DONE]",
        "anthropic": b"message_stop",
        "gemini": b'"finishReason"',
        "cohere": b"message-end",
    }[provider]
    assert last in whole[-1]
    assert last not in b"".join(chunks)


@pytest.mark.parametrize("provider", list(PATHS))
async def test_crlf(simulator: Simulator, exchange: Any, provider: str) -> None:
    simulator.fault(Fault(kind="crlf", provider=provider))

    chunks, _ = chunks_of(await exchange(raw_request(provider)))

    assert all(chunk.endswith(b"\r\n\r\n") for chunk in chunks)
    assert b"".join(chunks).count(b"\n") == b"".join(chunks).count(b"\r\n")


@pytest.mark.parametrize("provider", list(PATHS))
async def test_malformed_frame_stands_among_good_ones(simulator: Simulator, exchange: Any, provider: str) -> None:
    simulator.fault(Fault(kind="malformed_frame", provider=provider, after_frames=1))

    chunks, ended = chunks_of(await exchange(raw_request(provider)))

    assert ended
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(chunks[1].partition(b"data: ")[2])
    assert msgspec.json.decode(chunks[2].partition(b"data: ")[2])


@pytest.mark.parametrize("provider", list(PATHS))
async def test_huge_frame(simulator: Simulator, exchange: Any, provider: str) -> None:
    simulator.fault(Fault(kind="huge_frame", provider=provider, size=300_000))

    chunks, ended = chunks_of(await exchange(raw_request(provider)))

    assert ended
    assert [len(chunk) > 300_000 for chunk in chunks].count(True) == 1


@pytest.mark.parametrize("provider", list(PATHS))
async def test_characters_are_split_between_writes(simulator: Simulator, exchange: Any, provider: str) -> None:
    simulator.fault(Fault(kind="split_utf8", provider=provider))

    chunks, ended = chunks_of(await exchange(raw_request(provider)))

    assert ended
    broken = [chunk for chunk in chunks if chunk.decode("utf-8", "ignore").encode() != chunk]
    assert len(broken) >= 2
    assert "漢字" in b"".join(chunks).decode()


async def test_comments_stand_between_frames(simulator: Simulator, exchange: Any) -> None:
    simulator.fault(Fault(kind="comments", provider="local"))

    chunks, _ = chunks_of(await exchange(raw_request("local")))

    assert all(chunk.startswith(b": keep-alive\n\ndata: ") for chunk in chunks)


@pytest.mark.parametrize("provider", list(PATHS))
async def test_error_in_200_is_the_last_frame(simulator: Simulator, exchange: Any, provider: str) -> None:
    simulator.fault(Fault(kind="error_in_200", provider=provider, after_frames=1, status=503, message="planned"))

    raw = await exchange(raw_request(provider))

    chunks, ended = chunks_of(raw)
    assert raw.startswith(b"HTTP/1.1 200 ")
    assert ended
    assert len(chunks) == 2
    assert b"planned" in chunks[1]
    assert simulator.ledger.entries[-1].usage is None


async def test_error_in_200_for_a_whole_answer(simulator: Simulator, exchange: Any) -> None:
    simulator.fault(Fault(kind="error_in_200", provider="local", status=500, message="planned"))

    raw = await exchange(raw_request("local", stream=False))

    assert raw.startswith(b"HTTP/1.1 200 ")
    assert b'"message":"planned"' in raw


async def test_reset_is_a_reset(simulator: Simulator) -> None:
    simulator.fault(Fault(kind="reset", provider="local"))
    reader, writer = await asyncio.open_connection(*simulator.address)
    writer.write(raw_request("local"))

    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()

    assert simulator.ledger.entries[-1].status is None


@pytest.mark.parametrize(("kind", "media"), [("html", b"text/html"), ("garbage", b"application/json")])
async def test_a_body_that_is_no_answer(simulator: Simulator, exchange: Any, kind: Any, media: bytes) -> None:
    simulator.fault(Fault(kind=kind, provider="local"))

    raw = await exchange(raw_request("local"))

    assert raw.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: " + media in raw
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        msgspec.json.decode(raw.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("kind", ["cut", "stall"])
async def test_whole_answer_that_breaks_off(simulator: Simulator, kind: Any) -> None:
    """The head promises more bytes than come."""
    simulator.fault(Fault(kind=kind, provider="local"))
    reader, writer = await asyncio.open_connection(*simulator.address)
    writer.write(raw_request("local", stream=False, close=False))

    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    got = await reader.readexactly(size // 2)
    if kind == "cut":
        assert await reader.read() == b""
    writer.close()
    await settled(simulator)

    assert got.startswith(b'{"id"')
    assert simulator.ledger.entries[-1].client_closed_early is (kind == "stall")


async def test_malformed_whole_answer(simulator: Simulator, exchange: Any) -> None:
    simulator.fault(Fault(kind="malformed_frame", provider="local"))

    raw = await exchange(raw_request("local", stream=False))

    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(raw.partition(b"\r\n\r\n")[2])


async def test_silence_notices_the_client_leaving(simulator: Simulator) -> None:
    simulator.fault(Fault(kind="silence", provider="local"))
    _, writer = await asyncio.open_connection(*simulator.address)
    writer.write(raw_request("local"))
    async with asyncio.timeout(20):
        while not simulator.ledger.received:
            await asyncio.sleep(0)

    writer.close()
    await settled(simulator)

    entry = simulator.ledger.entries[-1]
    assert (entry.status, entry.client_closed_early, entry.finished) == (None, True, False)


async def test_stall_notices_the_client_leaving(simulator: Simulator) -> None:
    simulator.fault(Fault(kind="stall", provider="anthropic", after_frames=2))
    reader, writer = await asyncio.open_connection(*simulator.address)
    writer.write(raw_request("anthropic", close=False))
    await reader.readuntil(b"event: content_block_start")

    writer.close()
    await settled(simulator)

    entry = simulator.ledger.entries[-1]
    assert (entry.status, entry.streamed, entry.frames_sent, entry.client_closed_early) == (200, True, 2, True)


async def test_stall_with_an_end_goes_on(simulator: Simulator, exchange: Any) -> None:
    simulator.fault(Fault(kind="stall", provider="local", after_frames=2, seconds=0.01))

    chunks, ended = chunks_of(await exchange(raw_request("local")))

    assert ended
    assert chunks[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize("stream", [False, True])
async def test_slow_first_answers_in_the_end(simulator: Simulator, exchange: Any, stream: bool) -> None:
    simulator.fault(Fault(kind="slow_first", provider="local", seconds=0.01))

    assert (await exchange(raw_request("local", stream=stream))).startswith(b"HTTP/1.1 200 ")
    assert simulator.ledger.entries[-1].finished


async def test_slow_first_and_a_client_that_does_not_wait(simulator: Simulator) -> None:
    simulator.fault(Fault(kind="slow_first", provider="local", seconds=600))
    _, writer = await asyncio.open_connection(*simulator.address)
    writer.write(raw_request("local"))
    async with asyncio.timeout(20):
        while not simulator.ledger.received:
            await asyncio.sleep(0)

    writer.close()
    await settled(simulator)

    assert simulator.ledger.entries[-1].client_closed_early


async def test_pace_puts_time_between_frames_and_notices_the_client(simulator: Simulator) -> None:
    simulator.pace.delay = 600
    reader, writer = await asyncio.open_connection(*simulator.address)
    writer.write(raw_request("local", close=False))
    await reader.readuntil(b"\n\n")

    writer.close()
    await settled(simulator)

    entry = simulator.ledger.entries[-1]
    assert (entry.frames_sent, entry.client_closed_early, entry.usage) == (1, True, None)


@pytest.mark.parametrize("accepts", ["gzip, deflate", "identity"])
async def test_gzip_for_clients_that_accept_it(simulator: Simulator, accepts: str) -> None:
    simulator.fault(Fault(kind="gzip", provider="local"))
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream(
            "POST",
            simulator.root + PATHS["local"],
            content=body_for("local", stream=False),
            headers={"authorization": "Bearer k", "accept-encoding": accepts},
        ) as response,
    ):
        raw = b"".join([piece async for piece in response.aiter_raw()])

    zipped = "gzip" in accepts
    assert (response.headers.get("content-encoding") == "gzip") is zipped
    assert b"chat.completion" in (gzip.decompress(raw) if zipped else raw)


async def test_padding_makes_long_answers(simulator: Simulator, exchange: Any) -> None:
    simulator.pace.words = 400

    chunks, _ = chunks_of(await exchange(raw_request("local")))

    assert len(chunks) == 200 + 3  # two words a frame; role, finish and [DONE]
    assert b"word400" in chunks[-3]


async def test_usage_is_booked_for_whole_answers_only(simulator: Simulator, exchange: Any) -> None:
    simulator.fault(Fault(kind="cut", provider="local", after_frames=1))
    for _ in range(3):
        await exchange(raw_request("local"))

    total = simulator.ledger.totals["local"]["gpt-4.1"]
    tally = simulator.ledger.entries[-1].usage
    assert tally is not None
    assert (total.requests, total.prompt, total.output) == (2, 2 * tally.prompt, 2 * tally.output)
