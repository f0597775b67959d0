"""An upstream's headers: its own stay there, odd ones break nothing, nonsense in them is no instruction."""

from __future__ import annotations

import json
import math

import pytest

from tests.gateway.abuse.asking import BOTH_KINDS, ask
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import BOTH_LANES, CHAT, Upstream, chunk, completion, response, settled, streamed

HELD_BACK = b'set-cookie: id=1\r\nserver: upstream/1\r\nalt-svc: h3=":443"\r\nx-powered-by: php\r\n'
LIMITS = b"x-ratelimit-remaining-requests: 41\r\n"


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
