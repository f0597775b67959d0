"""What is no answer, or comes packed: the caller gets an error that says so, in its own dialect."""

from __future__ import annotations

import gzip

import pytest

from tests.gateway.abuse.asking import BOTH_KINDS, ask, refused
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import BOTH_LANES, Upstream, chunk, completion, response, streamed


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
