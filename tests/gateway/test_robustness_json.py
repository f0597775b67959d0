"""Requests whose JSON is odd: what is routed is what is sent, and what cannot be read is refused."""

from __future__ import annotations

import json

import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.hostile import (
    ASKED,
    BOTH_LANES,
    CHAT,
    Upstream,
    alive,
)


@pytest.mark.parametrize(
    "twice",
    [
        b'"model":"local:other","model":"local:m"',
        b'"model":"local:other","mod\\u0065l":"local:m"',
        b'"mod\\u0065l":"local:other","model":"local:m"',
        b'"mod\\u0065l":"local:other","\\u006Dodel":"local:m"',
    ],
)
async def test_of_two_models_the_routed_one_reaches_the_upstream(
    gate: Gateway, upstream: Upstream, twice: bytes
) -> None:
    answer = await gate.http.post(CHAT, content=ASKED.replace(b'"model":"local:m"', twice))

    assert answer.status_code == 200
    [sent] = upstream.bodies
    pairs = json.loads(sent, object_pairs_hook=list)
    assert [value for key, value in pairs if key == "model"] == ["m"]


@pytest.mark.parametrize(
    "twice",
    [b'"stream":true,"stream":false', b'"stream":true,"str\\u0065am":false', b'"str\\u0065am":true,"stream":false'],
)
async def test_of_two_streams_the_obeyed_one_reaches_the_upstream(
    gate: Gateway, upstream: Upstream, twice: bytes
) -> None:
    """The model's name needs no change here, so that nothing else makes the body be written anew."""
    body = ASKED.replace(b'"local:m"', b'"m",' + twice)

    answer = await gate.http.post(CHAT, content=body)

    assert answer.status_code == 200, answer.text
    [sent] = upstream.bodies
    pairs = json.loads(sent, object_pairs_hook=list)
    assert [value for key, value in pairs if key == "stream"] == [False]


async def test_of_two_models_of_an_unchanged_body_one_is_sent(gate: Gateway, upstream: Upstream) -> None:
    answer = await gate.http.post(CHAT, content=ASKED.replace(b'"local:m"', b'"other","mod\\u0065l":"m"'))

    assert answer.status_code == 200, answer.text
    [sent] = upstream.bodies
    pairs = json.loads(sent, object_pairs_hook=list)
    assert [value for key, value in pairs if key == "model"] == ["m"]


NASTY = {
    "deep list": b'{"model":"local:m","messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep object": b'{"model":"local:m","messages":[],"x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    "deep tools": ASKED[:-1] + b',"tools":[' + b'{"a":' * 700 + b"1" + b"}" * 700 + b"]}",
    "surrogate in the model": ASKED.replace(b"local:m", b"local:\\ud800"),
    "surrogate in the text": ASKED.replace(b"hi", b"\\udc00 x \\ud800"),
    "NUL in the model": ASKED.replace(b"local:m", b"local:a\\u0000b"),
    "line end in the model": ASKED.replace(b"local:m", b"local:a\\r\\nx-evil: 1"),
    "blanks round the model": ASKED.replace(b"local:m", b"local: m\\u000b "),
    "NUL in the text": ASKED.replace(b"hi", b"a\\u0000b"),
    "raw NUL": ASKED.replace(b"hi", b"a\0b"),
    "huge limit": ASKED.replace(b":9,", b":1" + b"0" * 400 + b","),
    "long limit": ASKED.replace(b":9,", b":1" + b"0" * 5000 + b","),
    "infinite limit": ASKED.replace(b":9,", b":1e999,"),
    "negative limit": ASKED.replace(b":9,", b":-9,"),
    "huge temperature": ASKED[:-1] + b',"temperature":1e400}',
    "NaN": ASKED[:-1] + b',"temperature":NaN}',
    "model of a megabyte": ASKED.replace(b"local:m", b"local:" + b"m" * 1_000_000),
    "half a document": ASKED[:-9],
    "two documents": ASKED + ASKED,
    "byte order mark": b"\xef\xbb\xbf" + ASKED,
    "UTF-16": ASKED.decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", NASTY)
@BOTH_LANES
async def test_a_nasty_body_is_served_or_refused_and_never_our_fault(gate: Gateway, path: str, name: str) -> None:
    answer = await gate.http.post(path, content=NASTY[name])

    assert answer.status_code in (200, 400, 404, 413), answer.text[:300]
    assert answer.json()
    assert "x-evil" not in answer.headers
    await alive(gate)


@pytest.mark.parametrize("name", ["NUL in the text", "huge temperature"])
async def test_what_passes_through_arrives_as_it_was_written(gate: Gateway, upstream: Upstream, name: str) -> None:
    """An unreadable value is the provider's to refuse: the passthrough lane rebuilds none."""
    body = NASTY[name].replace(b'"local:m"', b'"m"')

    await gate.http.post(CHAT, content=body)

    assert upstream.bodies == [body]
