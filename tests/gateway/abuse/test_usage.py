"""Counts that nobody can read: the answer arrives all the same, and no figure passes for reported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.abuse.asking import BOTH_KINDS, ask
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import BOTH_LANES, Upstream, chunk, completion, response, streamed


@BOTH_LANES
@BOTH_KINDS
@pytest.mark.parametrize("usage", [7, "a lot", [1], {"prompt_tokens": "3", "completion_tokens": {}}], ids=str)
async def test_usage_that_cannot_be_read_spoils_no_answer(
    gate: Gateway, upstream: Upstream, path: str, stream: bool, usage: Any
) -> None:
    counts = json.dumps({"id": "chatcmpl-1", "model": "m", "choices": [], "usage": usage}).encode()
    frames = streamed(chunk("hello"), chunk(finish="stop"), counts, b"[DONE]")
    upstream.answer = frames if stream else response(completion(usage=usage))

    answer = await ask(gate, path, stream=stream)

    assert answer.status_code == 200, answer.text[:300]
    assert "hello" in answer.text
    [record] = await gate.records(1)
    assert record.outcome == "ok"
    assert record.usage is not None
    assert record.usage.source == "estimated"
