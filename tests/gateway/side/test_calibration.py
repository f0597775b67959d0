"""Estimates that learn: what a provider counted of earlier prompts corrects what is told of the next one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxyctl.dialects.registry import INBOUND
from proxyctl.metering.conversation import estimate_conversation
from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import Upstream, completion, response

COUNT = "/v1/messages/count_tokens"
PROMPT = "How long this prompt is matters to nobody but to who pays for it. " * 20


def asking(model: str, text: str = PROMPT, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def estimated(text: str = PROMPT) -> int:
    body = msgspec.json.encode(asking("m", text))
    return estimate_conversation(INBOUND["openai-chat"].decode_request(body))


def counting(tokens: int) -> bytes:
    usage = {"prompt_tokens": tokens, "completion_tokens": 2, "total_tokens": tokens + 2}
    return response(completion(usage=usage))


async def chat(gateway: Gateway, times: int, path: str = "/v1/chat/completions", **more: Any) -> None:
    for _ in range(times):
        answer = await gateway.http.post(path, json=asking("local:m", **more))
        assert answer.status_code == 200, answer.text
    await gateway.state.meter.settled()


async def counted(gateway: Gateway, text: str = PROMPT, path: str = COUNT) -> int:
    answer = await gateway.http.post(path, json=asking("local:m", text))
    assert answer.headers["x-proxyctl-estimate"] == "1"
    tokens: int = answer.json()["input_tokens"]
    return tokens


async def test_a_count_follows_what_the_provider_counts(gate: Gateway, upstream: Upstream) -> None:
    """It is still an estimate, and says so."""
    upstream.answer = counting(2 * estimated())
    before = await counted(gate)

    await chat(gate, 2)
    too_few = await counted(gate)
    await chat(gate, 1)

    assert before == too_few == estimated()
    assert await counted(gate) == 2 * estimated()
    assert await counted(gate, "Another text. ") == pytest.approx(2 * estimated("Another text. "), abs=1)


async def test_every_counting_endpoint_is_corrected(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = counting(2 * estimated())
    await chat(gate, 3)

    responses = await gate.http.post("/v1/responses/input_tokens", json={"model": "local:m", "input": PROMPT})
    contents = {"contents": [{"parts": [{"text": PROMPT}]}]}
    gemini = await gate.http.post("/v1beta/models/local:m:countTokens", json=contents)

    assert responses.json()["input_tokens"] == gemini.json()["totalTokens"] == 2 * estimated()


async def test_a_translated_conversation_teaches_too(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = counting(2 * estimated())

    await chat(gate, 3, "/v1/messages", max_tokens=50)

    assert await counted(gate) == 2 * estimated()


async def test_what_nobody_counted_teaches_nothing(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = response(completion(usage=None))

    await chat(gate, 5)

    assert await counted(gate) == estimated()


async def test_an_answer_in_several_pieces_teaches_nothing(gateway: Gateway) -> None:
    """Its provider counted the prompt once for each of them."""
    body = asking("gemini:gemini-3.8-flash")
    for stream in (False, True, False, True):
        gateway.simulator.fault(Fault(kind="finish", provider="gemini", reason="CONTINUATION", times=1))
        assert (await gateway.http.post("/v1/chat/completions", json={**body, "stream": stream})).status_code == 200
    await gateway.state.meter.settled()

    assert gateway.state.calibration.scale("gemini", "gemini-3.8-flash") == 1.0


async def test_pictures_teach_nothing(gate: Gateway, upstream: Upstream) -> None:
    """What one counts differs by its size: the text's figure would be wrong."""
    upstream.answer = counting(5 * estimated())
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    shown = [{"role": "user", "content": [{"type": "text", "text": PROMPT}, picture]}]

    await chat(gate, 5, messages=shown)

    assert await counted(gate) == estimated()


@pytest.mark.parametrize(("more", "scale"), [({}, 2.0), ({"previous_response_id": "resp_theirs"}, 1.0)])
async def test_a_conversation_that_the_provider_keeps_teaches_nothing(
    gate: Gateway, upstream: Upstream, more: dict[str, str], scale: float
) -> None:
    """It counted what we have not seen."""
    await gate.configure(upstream.config(kind="openai"))
    usage = {"input_tokens": 2 * estimated(), "output_tokens": 2, "total_tokens": 2 * estimated() + 2}
    document = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "usage": usage}
    upstream.answer = response(msgspec.json.encode({**document, "output": [], "created_at": 1}))

    for _ in range(3):
        body = {"model": "openai:m", "input": PROMPT, **more}
        assert (await gate.http.post("/v1/responses", json=body)).status_code == 200
    await gate.state.meter.settled()

    assert gate.state.calibration.scale("openai", "m") == scale


async def test_a_stream_begins_with_the_corrected_size(gateway: Gateway) -> None:
    """Clients of Anthropic read the context's size in the first event, before a provider has told it."""
    model = "cohere:command-a-plus-05-2026"
    body = asking(model, max_tokens=50)
    for _ in range(3):
        whole = await gateway.http.post("/v1/messages", json=body)
    await gateway.state.meter.settled()
    reported = whole.json()["usage"]["input_tokens"]

    told = (await gateway.http.post("/v1/messages", json={**body, "stream": True})).text
    count = await gateway.http.post(COUNT, json=body)

    first = next(line for line in told.splitlines() if line.startswith("data:") and "message_start" in line)
    started = msgspec.json.decode(first.removeprefix("data:"))["message"]["usage"]["input_tokens"]
    assert reported > estimated() + 50
    assert started == count.json()["input_tokens"] == pytest.approx(reported, abs=1)


async def test_counters_need_no_correction(gateway: Gateway) -> None:
    for _ in range(3):
        await gateway.http.post("/v1/messages", json=asking("anthropic:claude-sonnet-5-5", max_tokens=50))
    await gateway.state.meter.settled()

    answer = await gateway.http.post(COUNT, json=asking("anthropic:claude-sonnet-5-5"))

    assert answer.json() == {"input_tokens": len(PROMPT) // 4}
    assert "x-proxyctl-estimate" not in answer.headers
