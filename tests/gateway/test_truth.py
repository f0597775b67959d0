"""What is told and what is kept is true, also when things go wrong: ends, statuses, times, names, sizes."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest

from proxyctl.core.clock import ManualClock
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.inbound import LONGEST_MODEL
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import (
    ASKED,
    BOTH_LANES,
    CHAT,
    KEY,
    KEYED,
    SENT,
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

HELD_OPEN = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def in_chunks(*events: bytes) -> bytes:
    """A stream without the chunk that ends its body: whoever closes now, cuts it."""
    frames = [b"data: " + event + b"\n\n" for event in events]
    return HELD_OPEN + b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames)


# Ends.


@BOTH_LANES
@pytest.mark.parametrize("done", [[], [b"[DONE]"]], ids=["behind the finish", "behind the terminator"])
async def test_a_connection_lost_behind_the_end_cuts_nothing(
    gate: Gateway, upstream: Upstream, path: str, done: list[bytes]
) -> None:
    """The finish reason is the end of an answer; both lanes judge alike."""
    upstream.answer, upstream.keep = in_chunks(chunk("hello"), chunk(finish="stop"), *done), False

    answer = await gate.http.post(path, content=STREAMED)

    assert "hello" in answer.text
    assert "error" not in answer.text
    assert ("message_stop" in answer.text) is (path != CHAT)
    [record] = await gate.records(1)
    assert (record.outcome, record.finish) == ("ok", "end")


@BOTH_LANES
async def test_a_connection_lost_before_the_end_is_a_cut(gate: Gateway, upstream: Upstream, path: str) -> None:
    upstream.answer, upstream.keep = in_chunks(chunk("hello"), chunk("world")), False

    answer = await gate.http.post(path, content=STREAMED)

    assert "error" in answer.text
    assert "message_stop" not in answer.text
    [record] = await gate.records(1)
    assert (record.outcome, record.finish) == ("interrupted", None)


async def test_an_answer_that_drips_is_given_up(start_gateway: StartGateway, upstream: Upstream) -> None:
    """It is never silent for long, so that no limit on silence ends it."""

    async def drip(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"", length=1_000_000).removesuffix(b"\r\n") + b"\r\n")
        while not writer.transport.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.005)

    upstream.answer = drip
    gate = await start_gateway(upstream.config("total_timeout = 0.1"))

    answer = await gate.http.post(CHAT, content=ASKED)

    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "upstream_stalled"
    await settled(gate)


@BOTH_LANES
async def test_a_fault_of_our_own_is_told_and_logged(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    async def broken(*_args: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Dispatch, "_try", broken)

    with caplog.at_level(logging.ERROR):
        answer = await gate.http.post(path, content=ASKED)

    assert answer.status_code == 500
    assert answer.json()["error"]["message"]
    assert "a bug" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    [record] = await gate.records(1)
    assert (record.outcome, record.status) == ("error", 500)
    await settled(gate)


async def test_a_drain_leaves_an_answer_that_is_on_its_way_alone(gate: Gateway, upstream: Upstream) -> None:
    """A caller that reads slowly has been handed all of it: an error behind it would be no JSON, nor its length."""
    upstream.answer = response(completion("x" * 8_000_000))
    reader, writer = await connect(gate)
    writer.write(request(ASKED))
    await until(lambda: bool(upstream.bodies))
    head = await reader.readuntil(b"\r\n\r\n")

    draining = asyncio.create_task(gate.state.drain(0.02))
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    rest = await reader.read()

    await draining
    writer.close()
    assert len(json.loads(body)["choices"][0]["message"]["content"]) == 8_000_000
    assert rest == b""


# Statuses and bodies.


@BOTH_LANES
async def test_an_error_inside_a_200_is_no_200(gate: Gateway, upstream: Upstream, path: str) -> None:
    error = {"error": {"message": "max_tokens is too large", "type": "invalid_request_error", "code": 400}}
    upstream.answer = response(json.dumps(error).encode())

    answer = await gate.http.post(path, content=ASKED)

    assert answer.status_code == 400
    assert "max_tokens is too large" in answer.json()["error"]["message"]
    [record] = await gate.records(1)
    assert (record.outcome, record.status) == ("error", 400)


@pytest.mark.parametrize(("status", "told"), [("400 Bad", 400), ("404 Lost", 404), ("422 No", 400)])
@pytest.mark.parametrize("page", [b"<html>nginx</html>", b"", b"[]", b'"text"', b"\x1f\x8b\x08"])
async def test_only_the_dialects_own_errors_pass_through(
    gate: Gateway, upstream: Upstream, status: str, told: int, page: bytes
) -> None:
    """A proxy's page is nobody's dialect: SDKs read JSON."""
    upstream.answer = response(page, status=status, kind="text/html")

    answer = await gate.http.post(CHAT, content=ASKED)

    assert answer.status_code == told
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["message"].startswith("local")


async def test_waiting_for_an_upstream_that_fails_is_not_our_time(gate: Gateway, upstream: Upstream) -> None:
    clock = gate.state.clock = ManualClock()

    async def slow(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock.advance(10)
        writer.write(response(b'{"error":{"message":"no"}}', status="500 No"))

    upstream.answer = slow

    answer = await gate.http.post(CHAT, content=ASKED)

    assert answer.headers["server-timing"] == "gateway;dur=0.00"
    [record] = await gate.records(1)
    assert (record.duration_ms, record.gateway_ms) == (10_000, 0)


async def test_waiting_for_an_upstream_while_the_caller_leaves_is_not_our_time(
    gate: Gateway, upstream: Upstream
) -> None:
    clock = gate.state.clock = ManualClock()

    async def silent(_body: bytes, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    upstream.answer = silent
    _reader, writer = await connect(gate)
    writer.write(request(ASKED))
    await until(lambda: bool(upstream.bodies))
    clock.advance(10)

    writer.close()

    await settled(gate)
    [record] = await gate.records(1)
    assert (record.outcome, record.duration_ms, record.gateway_ms) == ("client_closed", 10_000, 0)


# What is kept.


@BOTH_LANES
@pytest.mark.parametrize("body", [ASKED, STREAMED], ids=["whole", "streamed"])
async def test_half_a_character_in_a_models_name_spoils_no_log(
    gate: Gateway, upstream: Upstream, path: str, body: bytes
) -> None:
    """JSON may hold it, UTF-8 may not."""
    name = b'"model":"\\ud800"'
    whole = response(completion().replace(b'"model":"m"', name))
    stream = streamed(*(one.replace(b'"model":"m"', name) for one in (chunk("hi"), chunk(finish="stop"))), b"[DONE]")
    upstream.answer, upstream.keep = (stream, False) if body is STREAMED else (whole, True)

    answer = await gate.http.post(path, content=body)
    kept = await gate.http.get("/providers/logs")
    counted = await gate.http.get("/providers/metrics")

    assert answer.status_code == (200 if path == CHAT else 502), answer.text
    assert (kept.status_code, counted.status_code) == (200, 200)


async def test_a_name_too_long_for_a_model_is_refused(gate: Gateway, upstream: Upstream) -> None:
    fits = await gate.http.post(CHAT, content=ASKED.replace(b"local:m", b"local:" + b"m" * (LONGEST_MODEL - 6)))
    long = await gate.http.post(CHAT, content=ASKED.replace(b"local:m", b"m" * (LONGEST_MODEL + 1)))

    assert fits.status_code == 200
    assert long.status_code == 400
    assert long.json()["error"]["param"] == "model"
    assert len(long.content) < 1000
    assert len(upstream.bodies) == 1


async def test_a_session_named_by_a_book_is_remembered_by_its_hash(start_gateway, upstream: Upstream) -> None:
    """Where there is a choice to make, ten thousand sessions are remembered."""
    second = f'[providers.other]\nmode = "pooled"\nbase_url = "http://127.0.0.1:{upstream.port}/v1"\nkeyless = true\n'
    models = 'models = { m = "m" }\n'
    gate: Gateway = await start_gateway(upstream.config(models) + second + models)
    body = SENT[:-1] + b',"user":"' + b"u" * 3_000_000 + b'"}'

    answers = [await gate.http.post(CHAT, content=body) for _ in range(4)]

    assert len({answer.headers["x-proxyctl-provider"] for answer in answers}) == 1, "it is one session"
    for record in await gate.records(4):
        assert 0 < len(record.session) <= 200
    assert all(len(key) < 300 for key in gate.state.affinity._holds)


@BOTH_LANES
async def test_texts_of_megabytes_are_not_kept(gate: Gateway, upstream: Upstream, path: str) -> None:
    text = "x" * 2_000_000
    upstream.answer = response(json.dumps({"error": {"message": text}}).encode(), status="500 No")
    await gate.http.post(path, content=ASKED)
    upstream.answer = response(completion(model=text), more=b"x-request-id: " + b"r" * 5000 + b"\r\n")
    served = await gate.http.post(path, content=ASKED)
    unknown = {f"{'k' * 1000}{number}": 1 for number in range(5000)}
    await gate.http.post("/v1/messages", content=json.dumps({**json.loads(ASKED), **unknown}))

    assert served.status_code == 200
    assert max(len(value) for value in served.headers.values()) <= 200
    for record in await gate.records(3):
        assert len(record.error) < 3000
        assert len(record.served_model) <= 200
        assert len(record.losses) <= 1000
        assert all(len(attempt.upstream_request_id) <= 200 for attempt in record.attempts)


async def test_a_request_nested_too_deeply_to_be_rewritten_is_refused(gate: Gateway, upstream: Upstream) -> None:
    schema = b'{"type":"object","properties":{"a":' * 450 + b"{}" + b"}}" * 450
    tool = b'{"name":"t","input_schema":' + schema + b"}"

    answer = await gate.http.post("/v1/messages", content=ASKED[:-1] + b',"tools":[' + tool + b"]}")

    assert answer.status_code == 400
    assert "nested" in answer.json()["error"]["message"]
    assert upstream.bodies == []
    await alive(gate)


# Keys, where they are not expected.


@pytest.fixture
async def keyed(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(upstream.config(keyed=True), KEYED)


@BOTH_LANES
@pytest.mark.parametrize("body", [ASKED, STREAMED], ids=["whole", "streamed"])
async def test_a_key_cut_by_a_messages_limit_is_still_hidden(
    keyed: Gateway, upstream: Upstream, path: str, body: bytes
) -> None:
    """What is shown of a page is cut to a length: not through the middle of a key that nobody then recognises."""
    upstream.answer = response(b"<p>" + b"a" * 180 + KEY.encode() + b"</p>", kind="text/html")

    answer: httpx.Response = await keyed.http.post(path, content=body)

    assert answer.status_code == 502
    assert KEY[:10] not in answer.text
    assert KEY[:10] not in (await keyed.http.get("/providers/logs")).text
