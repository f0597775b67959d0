"""HTTP as clients should not write it: every request gets its own clear answer, and nothing of it stays behind."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.hostile import (
    ASKED,
    BOTH_LANES,
    BOUND,
    SENT,
    Upstream,
    alive,
    body_of,
    completion,
    connect,
    converse,
    request,
    response,
    settled,
    status_of,
    until,
)


async def test_pipelined_requests_are_answered_in_their_order(gate: Gateway, upstream: Upstream) -> None:
    async def echo(body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(completion(json.loads(body)["messages"][0]["content"])))

    upstream.answer = echo
    first, second = ASKED.replace(b"hi", b"one"), ASKED.replace(b"hi", b"two")

    answer = await converse(gate, request(first, close=False) + request(second))

    assert answer.count(b"HTTP/1.1 200") == 2
    assert 0 < answer.index(b'"one"') < answer.index(b'"two"')
    await alive(gate)


async def test_a_chunked_upload_arrives_whole(gate: Gateway, upstream: Upstream) -> None:
    pieces = [ASKED[at : at + 7] for at in range(0, len(ASKED), 7)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = request(more=b"transfer-encoding: chunked\r\n").replace(b"content-length: 0\r\n", b"")

    answer = await converse(gate, head + sent + b"0\r\n\r\n")

    assert status_of(answer) == 200
    assert upstream.bodies == [SENT]


async def test_a_client_that_waits_for_a_continue_gets_one(gate: Gateway, upstream: Upstream) -> None:
    reader, writer = await connect(gate)
    whole = request(ASKED, more=b"expect: 100-continue\r\n")
    head, end, body = whole.partition(b"\r\n\r\n")

    async with asyncio.timeout(BOUND):
        writer.write(head + end)
        interim = await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        answer = await reader.read()

    writer.close()
    assert status_of(interim) == 100
    assert status_of(answer) == 200
    assert upstream.bodies == [SENT]


@BOTH_LANES
async def test_half_a_body_and_a_hang_up_leave_nothing(gate: Gateway, upstream: Upstream, path: str) -> None:
    whole = request(ASKED, path=path)
    _reader, writer = await connect(gate)
    writer.write(whole[:-20])
    await until(lambda: bool(gate.state.exchanges))

    writer.close()

    await settled(gate)
    assert upstream.bodies == []
    await alive(gate)


async def test_length_and_chunks_together_cannot_smuggle_a_request(gate: Gateway, upstream: Upstream) -> None:
    """RFC 9112 section 6.3: what one reader takes for a body is another reader's next request."""
    hidden = request(ASKED)

    answer = await converse(gate, request(b"0\r\n\r\n", more=b"transfer-encoding: chunked\r\n", close=False) + hidden)

    assert status_of(answer) == 400
    assert len(upstream.bodies) <= 1
    await alive(gate)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 19, b"9" * 5000, b"5, 6"])
async def test_an_absurd_length_is_refused(gate: Gateway, upstream: Upstream, length: bytes) -> None:
    answer = await converse(gate, request(b"{}").replace(b"content-length: 2", b"content-length: " + length))

    assert answer == b"" or status_of(answer) in (400, 413, 431)
    assert upstream.bodies == []
    await alive(gate)


# Methods, paths, headers.


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET", "PUT", "DELETE", "TRACE"])
@BOTH_LANES
async def test_other_methods_are_refused_without_asking_anybody(
    gate: Gateway, upstream: Upstream, method: str, path: str
) -> None:
    answer = await converse(gate, request(ASKED if method == "PUT" else b"", method=method, path=path))

    assert status_of(answer) == 405
    assert (answer.partition(b"\r\n\r\n")[2] == b"") is (method == "HEAD")
    assert upstream.bodies == []


async def test_a_head_of_the_list_has_its_headers_and_no_body(gate: Gateway) -> None:
    answer = await converse(gate, request(method="HEAD", path="/v1/models"))

    assert status_of(answer) == 200
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "path",
    [
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/chat/completions/",
        "/v1/chat/completions/../completions",
        "/v1/%ff%00%0d%0a",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/" + "x" * 8000,
        "/V1/CHAT/COMPLETIONS",
    ],
)
async def test_an_odd_path_is_a_404_that_is_valid_json(gate: Gateway, upstream: Upstream, path: str) -> None:
    answer = await converse(gate, request(ASKED, path=path))

    assert status_of(answer) == 404
    assert body_of(answer)["error"]["message"]
    assert upstream.bodies == []


async def test_an_encoded_slash_names_the_same_path(gate: Gateway, upstream: Upstream) -> None:
    """ASGI hands paths over decoded; whoever writes it so means this path, and gets no way round a check."""
    answer = await converse(gate, request(ASKED, path="/v1/chat%2Fcompletions"))

    assert status_of(answer) == 200
    assert upstream.bodies == [SENT]


@pytest.mark.parametrize("path", ["/%70roviders/status", "/providers%2Fstatus", "/providersx", "//providers/status"])
async def test_no_spelling_of_a_management_path_gets_past_its_check(gate: Gateway, path: str) -> None:
    answer = await converse(gate, request(method="GET", path=path, more=b"origin: https://evil.example\r\n"))

    assert status_of(answer) == 403


async def test_a_huge_header_is_refused(gate: Gateway) -> None:
    answer = await converse(gate, request(ASKED, more=b"x-filler: " + b"a" * 100_000 + b"\r\n"))

    assert answer == b"" or status_of(answer) in (400, 431)
    await alive(gate)
