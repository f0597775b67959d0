"""What an answer says of its sources does not cross dialects, and the record says so; in its own dialect it passes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.gateway.conftest import StartGateway
from tests.gateway.hostile import CHAT, MESSAGES, Upstream, response, streamed

USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
CHUNKS = {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}]}


def grounded(sources: dict[str, Any]) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "Lisbon."}]}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "groundingMetadata": sources}],
        "usageMetadata": USAGE,
    }


CITATION = {
    "type": "web_search_result_location",
    "url": "https://a.example",
    "title": "A",
    "encrypted_index": "x",
    "cited_text": "Lisbon",
}
CITED = {
    "type": "message",
    "id": "msg_1",
    "model": "m",
    "role": "assistant",
    "content": [{"type": "text", "text": "Lisbon.", "citations": [CITATION]}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
CITED_STREAM: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**CITED, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "", "citations": []}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Lisbon."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": CITATION}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
SOURCED = {"start": 0, "end": 6, "text": "Lisbon", "sources": [{"type": "document", "id": "d"}]}
COHERE = {
    "id": "c",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Lisbon."}], "citations": [SOURCED]},
    "usage": {"tokens": {"input_tokens": 1, "output_tokens": 1}},
}
COHERE_STREAM: list[dict[str, Any]] = [
    {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant", "content": [], "citations": []}}},
    {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Lisbon."}}}},
    {"type": "content-end", "index": 0},
    {"type": "citation-start", "index": 0, "delta": {"message": {"citations": SOURCED}}},
    {"type": "citation-end", "index": 0},
    {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": COHERE["usage"]}},
]


def whole(answer: dict[str, Any]) -> bytes:
    return response(msgspec.json.encode(answer))


def frames(*events: dict[str, Any]) -> bytes:
    return streamed(*map(msgspec.json.encode, events))


async def losses(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes, *, path: str = CHAT
) -> list[str]:
    """The paths of what the record says was lost."""
    stream = b"event-stream" in answer
    upstream.answer, upstream.keep = answer, False
    gate = await start_gateway(upstream.config(keyed=True, kind=kind), {"HOSTILE_KEY": "k"})
    body = {
        "model": f"{kind}:m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Where?"}],
        "stream": stream,
    }

    told = await gate.http.post(path, json=body)

    assert "Lisbon." in told.text, told.text
    [record] = await gate.records(1)
    return [loss.path for loss in record.losses]


@pytest.mark.parametrize(
    ("kind", "answer", "path"),
    [
        ("gemini", whole(grounded(CHUNKS)), "candidates[0].groundingMetadata"),
        ("gemini", frames(grounded(CHUNKS)), "candidates[0].groundingMetadata"),
        ("anthropic", whole(CITED), "content[].citations"),
        ("anthropic", frames(*CITED_STREAM), "content[].citations"),
        ("cohere", whole(COHERE), "message.citations"),
        ("cohere", frames(*COHERE_STREAM), "message.citations"),
    ],
)
async def test_sources_that_are_not_carried_are_a_loss(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes, path: str
) -> None:
    assert path in await losses(start_gateway, upstream, kind, answer)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("gemini", whole(grounded({}))),
        ("anthropic", whole({**CITED, "content": [{"type": "text", "text": "Lisbon.", "citations": None}]})),
        ("anthropic", frames(*CITED_STREAM[:3], *CITED_STREAM[4:])),
        ("cohere", frames(*COHERE_STREAM[:4], *COHERE_STREAM[6:])),
    ],
)
async def test_an_answer_without_sources_loses_nothing(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes
) -> None:
    found = await losses(start_gateway, upstream, kind, answer)

    assert not [path for path in found if "itation" in path or "grounding" in path]


@pytest.mark.parametrize("answer", [whole(CITED), frames(*CITED_STREAM)], ids=["whole", "streamed"])
async def test_sources_pass_to_callers_of_the_same_dialect(
    start_gateway: StartGateway, upstream: Upstream, answer: bytes
) -> None:
    assert await losses(start_gateway, upstream, "anthropic", answer, path=MESSAGES) == []
