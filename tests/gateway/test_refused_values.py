"""A value of a header that the provider does not know: the request goes once more without it, and the loss is told."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import Upstream, response

MESSAGES = "/v1/messages"
KNOWN, UNKNOWN = "interleaved-thinking-2025-05-14", "time-travel-2031-01-01"
ASK: dict[str, Any] = {
    "model": "anthropic:claude-opus-5-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Good morning"}],
}


def betas(gateway: Gateway) -> list[str | None]:
    """The header of each request for a message."""
    return [entry.headers.get("anthropic-beta") for entry in gateway.simulator.ledger.entries if entry.path == MESSAGES]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_request_goes_once_more_without_it(gateway: Gateway, *, stream: bool) -> None:
    answer = await gateway.http.post(
        MESSAGES, json={**ASK, "stream": stream}, headers={"anthropic-beta": f"{KNOWN},{UNKNOWN}"}
    )

    assert answer.status_code == 200, answer.text
    assert betas(gateway) == [f"{KNOWN},{UNKNOWN}", KNOWN]
    assert (answer.headers["x-proxyctl-losses"], answer.headers["x-proxyctl-attempts"]) == ("1", "2")
    [record] = await gateway.records(1)
    assert [loss.path for loss in record.losses] == [f"anthropic-beta: {UNKNOWN}"]


async def test_without_any_left_the_header_is_not_sent(gateway: Gateway) -> None:
    answer = await gateway.http.post(MESSAGES, json=ASK, headers={"anthropic-beta": UNKNOWN})

    assert answer.status_code == 200, answer.text
    assert betas(gateway) == [UNKNOWN, None]


async def test_a_strict_request_gets_the_refusal(gateway: Gateway) -> None:
    headers = {"anthropic-beta": UNKNOWN, "x-proxyctl-strict": "1"}

    answer = await gateway.http.post(MESSAGES, json=ASK, headers=headers)

    assert answer.status_code == 400
    assert UNKNOWN in answer.json()["error"]["message"]
    assert betas(gateway) == [UNKNOWN]


async def test_the_second_request_may_fail_like_a_first(start_gateway: StartGateway, upstream: Upstream) -> None:
    """What was refused for a header's sake is no failure of the deployment: a fault behind it is tried again."""
    complaint = f"Unexpected value(s) `{UNKNOWN}` for the `anthropic-beta` header."
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": complaint}}
    said = {"type": "message", "role": "assistant", "id": "msg_1", "model": "m", "stop_reason": "end_turn"}
    message = {**said, "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 1, "output_tokens": 1}}
    answers = iter(
        (
            response(msgspec.json.encode(refusal), status="400 Bad Request"),
            response(b"{}", status="500 Oh No"),
            response(msgspec.json.encode(message)),
        )
    )

    async def answer(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    upstream.answer, upstream.keep = answer, True
    config = upstream.config(keyed=True, kind="anthropic").replace(
        "max_attempts = 1", "max_attempts = 4\nmax_deployments = 1"
    )
    gate = await start_gateway(config, {"HOSTILE_KEY": "k"})

    told = await gate.http.post(MESSAGES, json=ASK, headers={"anthropic-beta": f"{KNOWN},{UNKNOWN}"})

    assert told.status_code == 200, told.text
    assert told.headers["x-proxyctl-attempts"] == "3"


async def test_another_refusal_is_handed_on_at_once(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="anthropic", status=400, times=None))

    answer = await gateway.http.post(MESSAGES, json=ASK, headers={"anthropic-beta": KNOWN})

    assert answer.status_code == 400
    assert len(betas(gateway)) == 1
