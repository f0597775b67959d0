"""The time of one exchange: what ends an attempt that has not begun to answer, and whose time a pause is."""

from __future__ import annotations

import asyncio

import pytest

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import BOTH_LANES, Upstream, chunk, settled, streamed

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"


def short(upstream: Upstream, seconds: float) -> str:
    """A config whose every limit but the deadline is long."""
    limits = "first_token_timeout = 600\nidle_timeout = 600\ntotal_timeout = 600"
    return upstream.config(limits).replace("max_attempts = 1", f"max_attempts = 3\ndeadline_seconds = {seconds}")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("begin", ["nothing", "head"])
@BOTH_LANES
async def test_an_attempt_that_has_not_begun_ends_with_the_exchanges_time(
    start_gateway: StartGateway, upstream: Upstream, path: str, begin: str, stream: bool
) -> None:
    async def stall(_body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if begin == "head":
            writer.write(streamed() if stream else JSON_HEAD + b'{"id"')
        await reader.read()  # until the gateway hangs up

    upstream.answer, upstream.keep = stall, False
    gate = await start_gateway(short(upstream, 0.2))

    async with asyncio.timeout(15):
        answer = await gate.http.post(path, json=gate.chat("local:m", max_tokens=9, stream=stream))

    assert answer.status_code == 504
    assert "time was over" in answer.text
    [record] = await gate.records(1)
    assert (record.outcome, record.error_kind, len(record.attempts)) == ("error", "timeout", 1)
    await settled(gate)


@BOTH_LANES
async def test_an_answer_that_has_begun_is_not_cut_by_the_deadline(
    start_gateway: StartGateway, upstream: Upstream, path: str
) -> None:
    async def slowly(_body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(chunk("hello")))
        await asyncio.wait((asyncio.ensure_future(reader.read()),), timeout=1.0)
        writer.write(b"data: " + chunk(finish="stop") + b"\n\ndata: [DONE]\n\n")

    upstream.answer, upstream.keep = slowly, False
    gate = await start_gateway(short(upstream, 0.5))

    answer = await gate.http.post(path, json=gate.chat("local:m", max_tokens=9, stream=True))

    assert "message_stop" in answer.text or "[DONE]" in answer.text
    [record] = await gate.records(1)
    assert record.outcome == "ok"


async def test_a_pause_before_a_retry_is_not_our_time(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.3)
    gateway.simulator.fault(Fault(kind="status", provider="groq", status=503))

    answer = await gateway.http.post("/v1/chat/completions", json=gateway.chat("groq:llama-3.3-70b-versatile"))

    assert answer.headers["x-proxyctl-attempts"] == "2"
    [record] = await gateway.records(1)
    assert record.gateway_ms is not None
    assert record.duration_ms - record.gateway_ms >= 290
