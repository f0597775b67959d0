"""The sixty conformance cases of the wire notes (2026-11), each through the daemon's server over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.conftest import StartGateway
from tests.gateway.hostile import BOUND, connect, request, until
from tests.gateway.wire_case import CASES, ENVIRON, PATHS, Caller, Run, config, folders, play, runs
from tests.gateway.wire_upstream import Answer, WireUpstream, wire_upstream

CASE_60 = CASES / "60-packed-answers-and-clients-that-leave"
EVENTS = {"content-type": "text/event-stream"}


@pytest.fixture
async def wire() -> AsyncIterator[WireUpstream]:
    async with wire_upstream() as running:
        yield running


@pytest.mark.parametrize(("folder", "run", "stream"), [pytest.param(*rest, id=name) for name, *rest in runs()])
async def test_case(
    folder: Path,
    run: Run,
    *,
    stream: bool,
    start_gateway: StartGateway,
    wire: WireUpstream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _high: low)  # no waiting before retries
    gateway = await start_gateway(config(wire, run.config), ENVIRON)

    await play(gateway, wire, folder, run, stream=stream)


@pytest.mark.parametrize("caller", ["chat", "messages"])
@pytest.mark.parametrize(
    ("model", "file", "source"),
    [("local:qwen3", "cut.sse", "estimated"), ("gemini:gemini-3.8-flash", "gemini.sse", "partial")],
    ids=["uncounted", "counted"],
)
async def test_60_a_client_that_leaves_a_stream_closes_the_upstream(
    caller: Caller, model: str, file: str, source: str, start_gateway: StartGateway, wire: WireUpstream
) -> None:
    """What had come is kept: as its provider counted it until then, or as we estimate it where nobody did."""
    gateway = await start_gateway(config(wire, {}), ENVIRON)
    wire.answers = [Answer([(CASE_60 / file).read_bytes()], headers=EVENTS, stays_open=True)]
    reader, writer = await connect(gateway)
    writer.write(request(_hello(model, stream=True), path=PATHS[caller]))
    async with asyncio.timeout(BOUND):
        await reader.readuntil(b" two")

        writer.close()
        await wire.gone.wait()
        [record] = await gateway.records(1)

    assert (record.outcome, len(record.attempts), len(wire.asked)) == ("client_closed", 1, 1)
    assert record.usage is not None
    assert record.usage.output > 0
    assert record.usage.source == source


@pytest.mark.parametrize("caller", ["chat", "messages"])
async def test_60_a_client_that_leaves_before_its_answer_closes_the_upstream(
    caller: Caller, start_gateway: StartGateway, wire: WireUpstream
) -> None:
    gateway = await start_gateway(config(wire, {}), ENVIRON)
    wire.answers = [Answer([b'{"id":"chatcmpl-60","choices":['], stays_open=True)]
    _reader, writer = await connect(gateway)
    writer.write(request(_hello("local:qwen3", stream=False), path=PATHS[caller]))
    async with asyncio.timeout(BOUND):
        await until(lambda: bool(wire.asked))

        writer.close()
        await wire.gone.wait()
        [record] = await gateway.records(1)

    assert (record.outcome, len(record.attempts), len(wire.asked)) == ("client_closed", 1, 1)
    assert record.usage is None, "nobody has counted what was never told"


def _hello(model: str, *, stream: bool) -> bytes:
    messages = [{"role": "user", "content": "Hi"}]
    return json.dumps({"model": model, "max_tokens": 400, "messages": messages, "stream": stream}).encode()


def test_every_case_has_a_folder() -> None:
    assert [folder.name.partition("-")[0] for folder in folders()] == [f"{number:02}" for number in range(1, 61)]
