"""What the tests of lying upstreams ask, and how they judge what the caller got."""

from __future__ import annotations

import json

import httpx
import pytest

from proxyctl.core.exchange import ExchangeRecord
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import CHAT, settled

BOTH_KINDS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


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
