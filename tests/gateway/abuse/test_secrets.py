"""Upstreams that quote our keys: no secret leaves the gateway in an answer, a record or a view."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.gateway.abuse.asking import ask, says_cut
from tests.gateway.conftest import TOKEN, Gateway
from tests.gateway.hostile import BOTH_LANES, CHAT, KEY, Upstream, chunk, completion, response, streamed


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
