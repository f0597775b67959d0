"""A value of a header that the provider does not know: the request goes once more without it, and the loss is told."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway

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


async def test_another_refusal_is_handed_on_at_once(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="anthropic", status=400, times=None))

    answer = await gateway.http.post(MESSAGES, json=ASK, headers={"anthropic-beta": KNOWN})

    assert answer.status_code == 400
    assert len(betas(gateway)) == 1
