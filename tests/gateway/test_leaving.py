"""The caller leaves, or the daemon does."""

from __future__ import annotations

import asyncio

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway


async def closed_early(gateway: Gateway) -> bool:
    """Wait until the upstream has seen its connection closed."""
    while True:
        entries = [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
        if entries and entries[-1].client_closed_early:
            return True
        await asyncio.sleep(0.005)


async def test_a_caller_that_leaves_mid_stream_closes_the_upstream(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="stall", after_frames=3, times=None))
    body = gateway.chat("groq:llama-3.3-70b-versatile", stream=True)

    async with gateway.http.stream("POST", "/v1/chat/completions", json=body) as response:
        async for _ in response.aiter_bytes():
            break

    assert await asyncio.wait_for(closed_early(gateway), 5)
    [record] = await gateway.records(1)
    assert record.outcome == "client_closed"
    assert record.usage is not None
    assert not gateway.state.availability.entries("groq", gateway.state.clock.now())


async def test_a_caller_that_leaves_before_the_answer_closes_the_upstream(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="silence", times=None))
    asking = asyncio.create_task(
        gateway.http.post("/v1/chat/completions", json=gateway.chat("groq:llama-3.3-70b-versatile"))
    )
    while not gateway.state.metrics.of("groq").active:
        await asyncio.sleep(0.005)

    asking.cancel()

    assert await asyncio.wait_for(closed_early(gateway), 5)
    [record] = await gateway.records(1)
    assert record.outcome == "client_closed"


async def test_a_drain_ends_open_streams_with_an_error(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="stall", after_frames=3, times=None))
    body = gateway.chat("groq:llama-3.3-70b-versatile", stream=True)
    text = ""

    async with gateway.http.stream("POST", "/v1/chat/completions", json=body) as response:
        draining: asyncio.Task[None] | None = None
        async for piece in response.aiter_text():
            text += piece
            draining = draining or asyncio.create_task(gateway.state.drain(0.05))

    assert draining is not None
    await draining
    assert "shutting_down" in text
    assert "[DONE]" not in text
    refused = await gateway.http.post("/v1/chat/completions", json=body)
    assert refused.status_code == 503
