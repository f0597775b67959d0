"""Upstreams that lie, cut, drip and quote keys: the caller gets the truth in its own dialect, and never our secrets."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
from collections.abc import AsyncIterator

import httpx
import pytest

from proxyctl.core.exchange import ExchangeRecord
from tests.gateway.conftest import TOKEN, Gateway, StartGateway
from tests.gateway.hostile import (
    CHAT,
    KEY,
    KEYED,
    Upstream,
    chunk,
    completion,
    hostile_upstream,
    response,
    settled,
    streamed,
)

MESSAGES = "/v1/messages"
BOTH_LANES = pytest.mark.parametrize("path", [CHAT, MESSAGES])
BOTH_KINDS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
HELD_BACK = b'set-cookie: id=1\r\nserver: upstream/1\r\nalt-svc: h3=":443"\r\nx-powered-by: php\r\n'
LIMITS = b"x-ratelimit-remaining-requests: 41\r\n"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with hostile_upstream() as running:
        yield running


@pytest.fixture
async def gate(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(upstream.config())


@pytest.fixture
async def keyed(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(upstream.config(keyed=True), KEYED)


async def ask(gate: Gateway, path: str = CHAT, *, stream: bool = False) -> httpx.Response:
    return await gate.http.post(path, json=gate.chat("local:m", max_tokens=9, stream=stream))


async def refused(gate: Gateway, answer: httpx.Response, *statuses: int) -> ExchangeRecord:
    """The answer is an error with a text, is recorded as one, and nothing is left of it."""
    assert answer.status_code in (statuses or (502,)), answer.text[:300]
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["message"]
    [record] = await gate.records(1)
    assert record.outcome == "error"
    await settled(gate)
    return record


def says_cut(answer: httpx.Response) -> bool:
    """Whether a stream ends in its dialect's error, with no sign of a good end before it."""
    last = [line for line in answer.text.splitlines() if line.startswith("data: ")][-1]
    whole = ("[DONE]", '"finish_reason":"stop"', "message_stop")
    return "error" in json.loads(last[6:]) and not any(sign in answer.text for sign in whole)


# What is no answer.


@BOTH_LANES
@BOTH_KINDS
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(response(b""), id="empty"),
        pytest.param(response(b"", kind="text/event-stream"), id="empty stream"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
        pytest.param(response(b"", status="302 Found", more=b"location: http://127.0.0.1:9/\r\n"), id="302"),
        pytest.param(response(b"", status="304 Not Modified"), id="304"),
        pytest.param(response(b"<html><h1>Oops</h1>", status="500 Oops", kind="text/html"), id="500 page"),
        pytest.param(response(b"<html>welcome", kind="text/html"), id="200 page"),
        pytest.param(response(b"null"), id="null"),
        pytest.param(response(b"[]"), id="list"),
        pytest.param(response(b"{}"), id="object"),
        pytest.param(response(b'{"choices":[]}'), id="no choice"),
        pytest.param(response(b'{"choices":[null]}'), id="null choice"),
        pytest.param(response(b'{"choices":' + b"[" * 100_000), id="deep"),
        pytest.param(response(b"\xff\xfe\x00"), id="bytes"),
        pytest.param(b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n", id="999"),
        pytest.param(b"nonsense\r\n\r\n", id="not HTTP"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", id="101"),
        pytest.param(b"", id="hang-up"),
    ],
)
async def test_what_is_no_answer_is_an_error(
    gate: Gateway, upstream: Upstream, path: str, stream: bool, answer: bytes
) -> None:
    upstream.answer = answer

    await refused(gate, await ask(gate, path, stream=stream), 500, 502, 503, 504)


@BOTH_LANES
@pytest.mark.parametrize(
    "error",
    [
        b'{"error":5}',
        b'{"error":"text"}',
        b'{"error":["x"]}',
        b'{"error":{"message":{"a":1}}}',
        b'{"error":true}',
        b'{"error":{"code":1e400}}',
        b'{"error":{"message":null,"type":7,"param":{}}}',
        b'[{"error":"x"}]',
        b"5",
        b"",
    ],
)
@pytest.mark.parametrize(("status", "told"), [("400 Bad", 400), ("429 Slow", 429), ("500 Oops", 502)])
async def test_an_error_of_any_shape_is_told_as_one(
    gate: Gateway, upstream: Upstream, path: str, error: bytes, status: str, told: int
) -> None:
    upstream.answer = response(error, status=status)

    answer = await ask(gate, path)

    assert answer.status_code == told
    assert answer.json()["error"]
    [record] = await gate.records(1)
    assert record.outcome == "error"
    assert record.attempts[0].error


# Packing.


@BOTH_LANES
@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"gzip, gzip", b"nonsense"])
@BOTH_KINDS
async def test_an_answer_packed_unasked_is_read_or_refused(
    gate: Gateway, upstream: Upstream, path: str, coding: bytes, stream: bool
) -> None:
    plain = streamed(chunk("hello"), chunk(finish="stop"), b"[DONE]").partition(b"\r\n\r\n")[2]
    packed = gzip.compress(plain if stream else completion())
    kind = "text/event-stream" if stream else "application/json"
    upstream.answer = response(packed, kind=kind, more=b"content-encoding: " + coding + b"\r\n")

    answer = await ask(gate, path, stream=stream)

    assert "content-encoding" not in answer.headers
    if coding == b"gzip":
        assert answer.status_code == 200
        assert "hello" in answer.text
    else:
        await refused(gate, answer)
        assert repr(coding.decode()) in answer.text


@BOTH_LANES
async def test_a_packed_error_is_told_in_words(gate: Gateway, upstream: Upstream, path: str) -> None:
    packed = gzip.compress(b'{"error":{"message":"no such field"}}')
    upstream.answer = response(packed, status="400 Bad", more=b"content-encoding: gzip\r\n")

    answer = await ask(gate, path)

    assert answer.status_code == 400
    assert "no such field" in answer.json()["error"]["message"]


@BOTH_LANES
@BOTH_KINDS
async def test_packed_garbage_is_an_error(gate: Gateway, upstream: Upstream, path: str, stream: bool) -> None:
    kind = "text/event-stream" if stream else "application/json"
    upstream.answer = response(completion(), kind=kind, more=b"content-encoding: gzip\r\n")

    await refused(gate, await ask(gate, path, stream=stream))


# Lengths, cuts, ends.


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
    [(opened, idle)] = gate.state._transport.counts().values()
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
async def test_a_frame_without_an_end_is_given_up(gate: Gateway, upstream: Upstream, path: str) -> None:
    endless = b"data: " + b"x" * 1_000_000

    async def flood(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed())
        while not writer.is_closing():
            writer.write(endless)
            await writer.drain()

    upstream.answer = flood

    await refused(gate, await ask(gate, path, stream=True))


# Secrets.


@pytest.mark.parametrize("where", ["error", "page", "stream first", "stream later", "200 error", "stream page", "list"])
@BOTH_LANES
async def test_our_key_quoted_by_an_upstream_stays_here(
    keyed: Gateway, upstream: Upstream, path: str, where: str
) -> None:
    quote = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}.", "code": 400}}).encode()
    page = b"<html>" + KEY.encode()
    upstream.answer = {
        "error": response(quote, status="400 Bad"),
        "page": response(page, kind="text/html"),
        "stream first": streamed(quote),
        "stream later": streamed(chunk("hello"), quote),
        "200 error": response(quote),
        "stream page": response(page, kind="text/html"),
        "list": response(b"[" + quote + b"]", status="401 Who"),
    }[where]

    answer = await ask(keyed, path, stream="stream" in where)

    assert f"authorization: Bearer {KEY}".encode() in upstream.heads[0]
    assert KEY not in answer.text + repr(answer.headers)
    [record] = await keyed.records(1)
    assert KEY not in repr(record)
    for view in ("logs", "status", "health", "metrics"):
        shown = await keyed.http.get(f"/providers/{view}", headers={"authorization": f"Bearer {TOKEN}"})
        assert shown.status_code == 200, view
        assert KEY not in shown.text, view


async def test_our_key_cut_in_two_by_the_network_stays_here(keyed: Gateway, upstream: Upstream) -> None:
    quote = b"data: " + json.dumps({"error": {"message": f"bad key {KEY}"}}).encode() + b"\n\n"
    middle = quote.index(KEY.encode()) + 9

    async def drip(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(chunk("hello")))
        for part in (quote[:middle], quote[middle:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    upstream.answer = drip

    answer = await ask(keyed, stream=True)

    assert says_cut(answer)
    assert KEY not in answer.text
    assert KEY[9:] not in answer.text


async def test_a_callers_own_credential_never_reaches_the_upstream(keyed: Gateway, upstream: Upstream) -> None:
    upstream.answer = response(completion())
    own = {"authorization": "Bearer callers-own", "cookie": "callers-own", "x-api-key": "callers-own"}

    answer = await keyed.http.post(CHAT, json=keyed.chat("local:m"), headers=own)

    assert answer.status_code == 200
    assert b"callers-own" not in upstream.heads[0]


# Headers.


@BOTH_LANES
@BOTH_KINDS
async def test_headers_of_the_upstreams_own_stay_there(
    gate: Gateway, upstream: Upstream, path: str, stream: bool
) -> None:
    more = HELD_BACK + LIMITS + b"connection: close, x-hop\r\nx-hop: 1\r\n"
    good = streamed(chunk("hello"), chunk(finish="stop"), b"[DONE]", more=more.replace(b"connection: close, ", b"x: "))
    upstream.answer = good if stream else response(completion(), more=more)

    answer = await ask(gate, path, stream=stream)

    assert answer.status_code == 200
    assert {"set-cookie", "alt-svc", "x-powered-by", "x-hop", "x"}.isdisjoint(answer.headers)
    assert "upstream" not in answer.headers.get("server", "")
    assert answer.headers.get("x-ratelimit-remaining-requests") == ("41" if path == CHAT else None)


@BOTH_LANES
async def test_no_upstream_sets_cookies_by_an_error(gate: Gateway, upstream: Upstream, path: str) -> None:
    upstream.answer = response(b'{"error":{"message":"no"}}', status="400 Bad", more=HELD_BACK)

    answer = await ask(gate, path)

    assert answer.status_code == 400
    assert {"set-cookie", "alt-svc", "x-powered-by"}.isdisjoint(answer.headers)


@pytest.mark.parametrize("name", [b"x-request-id", b"x-ratelimit-remaining"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"\x01", b" blank ", b"\ta\tb\t", b"", b"a" * 30_000])
@BOTH_LANES
async def test_an_odd_header_of_the_upstream_breaks_no_answer(
    gate: Gateway, upstream: Upstream, path: str, name: bytes, value: bytes
) -> None:
    upstream.answer = response(completion(), more=name + b":" + value + b"\r\n")

    answer = await ask(gate, path)

    # What is not HTTP is refused as a whole; the rest is served.
    assert answer.status_code in (200, 502)
    assert answer.json()
    await settled(gate)


@pytest.mark.parametrize(
    "model", ["a\x00b", "a\r\nx-evil: 1", " m\x0b ", "\u00e4\u20ac\ud83d\ude00", "m" * 100_000, "\x7f"]
)
@BOTH_LANES
@BOTH_KINDS
async def test_an_odd_name_of_the_served_model_breaks_no_header(
    gate: Gateway, upstream: Upstream, path: str, stream: bool, model: str
) -> None:
    name = model.encode("utf-16", "surrogatepass").decode("utf-16")
    first = json.dumps({**json.loads(chunk("hello")), "model": name}).encode()
    frames = streamed(first, chunk(finish="stop"), b"[DONE]")
    upstream.answer = frames if stream else response(completion(model=name))

    answer = await ask(gate, path, stream=stream)

    assert answer.status_code == 200, answer.text[:300]
    assert "x-evil" not in answer.headers
    assert len(answer.headers["x-proxyctl-model"]) <= 1200
    assert "hello" in answer.text


@pytest.mark.parametrize(
    ("value", "waits"),
    [
        ("-5", None),
        ("1e400", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("Fri, 99 Foo 99999999 00:00:00 GMT", None),
        ("Wed, 21 Oct 9999 07:28:00 GMT", 7 * 86_400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("99999999999999999999", 7 * 86_400),
        ("9" * 400, None),
        ("0", 0),
        ("1.5", 2),
    ],
)
@BOTH_LANES
async def test_nonsense_in_retry_after_is_no_wait(
    gate: Gateway, upstream: Upstream, path: str, value: str, waits: int | None
) -> None:
    line = f"retry-after: {value}\r\n".encode()
    upstream.answer = response(b'{"error":{"message":"slow down"}}', status="429 Slow", more=line)

    answer = await ask(gate, path)

    assert answer.status_code == 429
    told = answer.headers.get("retry-after")
    assert (None if told is None else int(told)) == waits
    now = gate.state.clock.now()
    outs = gate.state.availability.entries("local", now)
    assert all(out.until is not None and math.isfinite(out.until) and out.until - now <= 600 for out in outs)
    assert (await gate.http.get("/providers/status")).status_code == 200
