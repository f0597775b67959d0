"""Answers that pause (WIRE "streaming grammars", CONTINUATION): callers see one answer, the books all its pieces."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from proxyctl.core.clock import ManualClock
from proxyctl.gateway.continuing import MOST_PIECES
from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import BOUND, CHAT, MESSAGES, Upstream, response, settled, streamed, until

MODEL = "gemini:gemini-3.8-flash"
TEXT = "Tell me a rather long story about a gateway that never stops in the middle of what it says, not even here."
STREAMED_OR_NOT = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
GEMINI = "/v1beta/models/gemini:gemini-3.8-flash"


def pauses(gateway: Gateway, times: int | None = 1) -> None:
    gateway.simulator.fault(Fault(kind="finish", provider="gemini", reason="CONTINUATION", times=times))


def body_for(path: str, *, stream: bool) -> dict[str, Any]:
    if path == "/v1/responses":
        return {"model": MODEL, "input": TEXT, "stream": stream}
    more = {"max_tokens": 500} if path == MESSAGES else {}
    return {"model": MODEL, "messages": [{"role": "user", "content": TEXT}], "stream": stream, **more}


async def ask(gateway: Gateway, path: str, *, stream: bool) -> str:
    answer = await gateway.http.post(path, json=body_for(path, stream=stream))
    assert answer.status_code == 200, answer.text
    return answer.text


def said(path: str, text: str, *, stream: bool) -> tuple[str, list[str]]:
    """An answer's text, and every finish reason in it."""
    if not stream:
        return _whole(path, msgspec.json.decode(text))
    lines = (line[6:] for line in text.split("\n") if line.startswith("data: {"))
    pieces, reasons = [], []
    for event in map(msgspec.json.decode, lines):
        if path == CHAT:
            for choice in event["choices"]:
                pieces.append(choice["delta"].get("content") or "")
                reasons += [choice["finish_reason"]] if choice["finish_reason"] else []
        elif path == MESSAGES:
            delta = event.get("delta", {})
            pieces.append(delta.get("text", ""))
            reasons += [delta["stop_reason"]] if delta.get("stop_reason") else []
        elif event["type"] == "response.output_text.delta":
            pieces.append(event["delta"])
        elif event["type"] in {"response.completed", "response.incomplete", "response.failed"}:
            reasons.append(event["response"]["status"])
    return "".join(pieces), reasons


def _whole(path: str, answer: dict[str, Any]) -> tuple[str, list[str]]:
    if path == CHAT:
        [choice] = answer["choices"]
        return choice["message"]["content"], [choice["finish_reason"]]
    if path == MESSAGES:
        return "".join(block["text"] for block in answer["content"]), [answer["stop_reason"]]
    texts = [part["text"] for item in answer["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(texts), [answer["status"]]


@STREAMED_OR_NOT
@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1/responses"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_paused_answer_arrives_as_one(gateway: Gateway, path: str, times: int, *, stream: bool) -> None:
    expected = said(path, await ask(gateway, path, stream=stream), stream=stream)
    gateway.simulator.ledger.clear()
    pauses(gateway, times)

    told = said(path, await ask(gateway, path, stream=stream), stream=stream)

    assert told == expected
    assert len(told[1]) == 1
    record, _ = await gateway.records(2)
    total = gateway.simulator.ledger.totals["gemini"]["gemini-3.8-flash"]
    assert total.requests == times + 1
    assert (record.outcome, record.finish, len(record.attempts)) == ("ok", "end", 1)
    assert record.usage is not None
    assert (record.usage.source, record.usage.input_total) == ("reported", total.prompt)
    assert record.usage.output_total == total.output


@STREAMED_OR_NOT
async def test_each_piece_is_asked_for_by_the_same_bytes_and_its_token(gateway: Gateway, *, stream: bool) -> None:
    pauses(gateway, 2)

    await ask(gateway, CHAT, stream=stream)

    first, *others = [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
    for entry in others:
        token = msgspec.json.decode(entry.body)["continuationToken"]
        assert entry.body == first.body[:-1] + b',"continuationToken":"%b"}' % token.encode()
        assert (entry.path, entry.headers["x-goog-api-key"]) == (first.path, first.headers["x-goog-api-key"])


@STREAMED_OR_NOT
async def test_an_answer_that_pauses_for_ever_is_cut_by_length(gateway: Gateway, *, stream: bool) -> None:
    pauses(gateway, None)

    _, reasons = said(CHAT, await ask(gateway, CHAT, stream=stream), stream=stream)

    assert reasons == ["length"]
    assert sum(entry.method == "POST" for entry in gateway.simulator.ledger.entries) == MOST_PIECES
    [record] = await gateway.records(1)
    assert (record.outcome, record.finish) == ("ok", "length")


@pytest.mark.parametrize("kind", ["reset", "cut", "status"])
async def test_a_stream_that_fails_in_a_later_piece_was_interrupted(gateway: Gateway, kind: Any) -> None:
    pauses(gateway)
    gateway.simulator.fault(Fault(kind=kind, provider="gemini", after_frames=1, status=503))

    text = await ask(gateway, CHAT, stream=True)

    assert '"error"' in text
    assert "[DONE]" not in text
    assert said(CHAT, text[: text.index('data: {"error"')], stream=True)[1] == []
    [record] = await gateway.records(1)
    assert (record.outcome, record.finish, len(record.attempts)) == ("interrupted", None, 1)
    assert record.usage is not None
    assert record.usage.source == "partial"


@pytest.mark.parametrize("kind", ["reset", "status"])
async def test_a_whole_answer_that_fails_in_a_later_piece_is_tried_again(gateway: Gateway, kind: Any) -> None:
    """Nothing has been sent yet. What the first piece cost stays on the failed attempt's account."""
    expected = said(CHAT, await ask(gateway, CHAT, stream=False), stream=False)
    pauses(gateway)
    gateway.simulator.fault(Fault(kind=kind, provider="gemini", status=503))

    told = said(CHAT, await ask(gateway, CHAT, stream=False), stream=False)

    assert told == expected
    record, _ = await gateway.records(2)
    failed, served = record.attempts
    assert (failed.outcome, served.outcome) == ("error", "ok")
    assert failed.usage is not None
    assert (failed.usage.source, failed.usage.input_total) == ("partial", served.usage and served.usage.input_total)


@STREAMED_OR_NOT
@pytest.mark.parametrize("status", [400, 404, 413])
async def test_a_rest_that_is_refused_is_not_the_callers_fault(gateway: Gateway, status: int, *, stream: bool) -> None:
    """The very request was just taken; nor is its model missing."""
    pauses(gateway)
    gateway.simulator.fault(Fault(kind="status", provider="gemini", status=status))

    answer = await gateway.http.post(CHAT, json=body_for(CHAT, stream=stream))

    assert answer.status_code == (200 if stream else 502)
    assert "continuation_refused" in answer.text
    assert gateway.state.availability.is_quiet


async def test_a_caller_that_leaves_in_a_later_piece_closes_it(gateway: Gateway) -> None:
    pauses(gateway)
    gateway.simulator.fault(Fault(kind="stall", provider="gemini", after_frames=2))

    async with gateway.http.stream("POST", CHAT, json=body_for(CHAT, stream=True)) as answer:
        async for _ in answer.aiter_bytes():
            if sum(entry.method == "POST" for entry in gateway.simulator.ledger.entries) == 2:
                break

    await until(lambda: bool(gateway.simulator.ledger.entries[-1].client_closed_early))
    [record] = await gateway.records(1)
    assert record.outcome == "client_closed"
    await settled(gateway)


async def test_a_whole_answer_takes_no_longer_than_its_limit(start_gateway: StartGateway, upstream: Upstream) -> None:
    """The limit holds for all pieces together, whatever each of them does."""
    asked = asyncio.Event()

    async def answer(body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"continuationToken" not in body:
            writer.write(response(paused("t")))
            return
        asked.set()
        await asyncio.sleep(BOUND)

    upstream.answer, upstream.keep = answer, True
    config = upstream.config(keyed=True, kind="gemini")
    config = config.replace("[routing]", "[routing]\ndeadline_seconds = 0.2")
    gate = await start_gateway(config, {"HOSTILE_KEY": "k"})

    told = await gate.http.post(CHAT, json=body_for(CHAT, stream=False))

    assert (told.status_code, told.json()["error"]["code"]) == (504, "deadline_exceeded")
    assert asked.is_set()


def paused(token: str, text: str = "so far") -> bytes:
    candidate = {
        "index": 0,
        "content": {"role": "model", "parts": [{"text": text}]},
        "finishReason": "CONTINUATION",
        "continuationToken": token,
    }
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    return msgspec.json.encode({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"})


@STREAMED_OR_NOT
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_token_that_comes_twice_leads_nowhere(
    start_gateway: StartGateway, upstream: Upstream, path: str, *, stream: bool
) -> None:
    upstream.answer, upstream.keep = (streamed(paused("same")), False) if stream else (response(paused("same")), True)
    gate = await start_gateway(upstream.config(keyed=True, kind="gemini"), {"HOSTILE_KEY": "k"})

    text, reasons = said(path, await ask(gate, path, stream=stream), stream=stream)

    assert (text, reasons) == ("so farso far", ["length" if path == CHAT else "max_tokens"])
    assert len(upstream.bodies) == 2


async def test_waiting_for_the_pieces_of_a_whole_answer_is_not_our_time(
    start_gateway: StartGateway, upstream: Upstream
) -> None:
    gate = await start_gateway(upstream.config(keyed=True, kind="gemini"), {"HOSTILE_KEY": "k"})
    clock = gate.state.clock = ManualClock()

    async def slow(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock.advance(10)
        writer.write(response(paused("same")))

    upstream.answer = slow

    await ask(gate, CHAT, stream=False)

    [record] = await gate.records(1)
    assert (record.duration_ms, record.gateway_ms) == (20_000, 0)


async def test_a_piece_whose_last_frame_lacks_its_blank_line_is_followed(
    start_gateway: StartGateway, upstream: Upstream
) -> None:
    """What the end of a body completes goes to the caller before the next piece."""

    async def answer(body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        piece = paused("t", "one, ") if b"continuationToken" not in body else paused("", "two")
        writer.write(streamed(piece.replace(b'"continuationToken":""', b'"x":0')).rstrip(b"\n"))

    upstream.answer, upstream.keep = answer, False
    gate = await start_gateway(upstream.config(keyed=True, kind="gemini"), {"HOSTILE_KEY": "k"})

    assert said(CHAT, await ask(gate, CHAT, stream=True), stream=True) == ("one, two", ["length"])


@STREAMED_OR_NOT
async def test_a_caller_of_the_same_dialect_follows_by_itself(gateway: Gateway, *, stream: bool) -> None:
    """The passthrough lane hands on the provider's own contract: its clients know the token, and may use it later."""
    verb = ":streamGenerateContent?alt=sse" if stream else ":generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
    pauses(gateway)

    first = await gateway.http.post(GEMINI + verb, json=body)
    last = first.text.rstrip().rpartition("data: ")[2] if stream else first.text
    candidate = msgspec.json.decode(last)["candidates"][0]
    second = await gateway.http.post(GEMINI + verb, json={**body, "continuationToken": candidate["continuationToken"]})

    assert candidate["finishReason"] == "CONTINUATION"
    assert second.status_code == 200
    assert '"STOP"' in second.text
    assert sum(entry.method == "POST" for entry in gateway.simulator.ledger.entries) == 2
