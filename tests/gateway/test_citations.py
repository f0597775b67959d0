"""An answer's sources cross dialects where the caller's has a place for them; else the record says what was lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.gateway.conftest import StartGateway
from tests.gateway.hostile import CHAT, MESSAGES, Upstream, response, streamed

USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
CHUNKS = {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}]}
SUPPORTED = {**CHUNKS, "groundingSupports": [{"segment": {"endIndex": 6}, "groundingChunkIndices": [0]}]}


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
SOURCED = {"type": "document", "id": "d"}
PAGE = {**SOURCED, "document": {"url": "https://a.example", "title": "A"}}
COUNTS = {"tokens": {"input_tokens": 1, "output_tokens": 1}}


def cited(source: dict[str, Any]) -> dict[str, Any]:
    return {"start": 0, "end": 6, "text": "Lisbon", "sources": [source]}


def cohere(source: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "text", "text": "Lisbon."}]
    message = {"role": "assistant", "content": content, "citations": [cited(source)]}
    return {"id": "c", "finish_reason": "COMPLETE", "message": message, "usage": COUNTS}


def cohere_stream(*sources: dict[str, Any]) -> list[dict[str, Any]]:
    message = {"role": "assistant", "content": [], "citations": []}
    return [
        {"type": "message-start", "id": "c", "delta": {"message": message}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Lisbon."}}}},
        {"type": "content-end", "index": 0},
        *(
            {"type": "citation-start", "index": index, "delta": {"message": {"citations": cited(source)}}}
            for index, source in enumerate(sources)
        ),
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": COUNTS}},
    ]


def whole(answer: dict[str, Any]) -> bytes:
    return response(msgspec.json.encode(answer))


def frames(*events: dict[str, Any]) -> bytes:
    return streamed(*map(msgspec.json.encode, events))


async def asked(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes, *, path: str = CHAT
) -> tuple[str, list[str]]:
    """What the caller got, and the paths of what the record says was lost."""
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
    return told.text, [loss.path for loss in record.losses]


def annotations(told: str) -> list[Any]:
    """Of a chat answer, whole or streamed."""
    lines = [line.removeprefix("data: ") for line in told.splitlines() if line.startswith(("{", "data: {"))]
    choices = [choice for line in lines for choice in msgspec.json.decode(line)["choices"]]
    return [one for choice in choices for one in (choice.get("message") or choice["delta"]).get("annotations", [])]


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        ("gemini", whole(grounded(SUPPORTED)), "Lisbon"),
        ("gemini", frames(grounded(SUPPORTED)), "Lisbon"),
        ("anthropic", whole(CITED), "Lisbon."),
        ("anthropic", frames(*CITED_STREAM), "Lisbon."),
        ("cohere", whole(cohere(PAGE)), "Lisbon"),
        ("cohere", frames(*cohere_stream(PAGE)), "Lisbon"),
    ],
)
async def test_a_source_with_an_address_reaches_a_chat_client(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes, words: str
) -> None:
    told, _ = await asked(start_gateway, upstream, kind, answer)

    place = {"start_index": 0, "end_index": len(words), "title": "A", "url": "https://a.example"}
    assert annotations(told) == [{"type": "url_citation", "url_citation": place}]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("gemini", whole(grounded(CHUNKS))),
        ("gemini", frames(grounded(CHUNKS))),
        ("cohere", whole(cohere(SOURCED))),
        ("cohere", frames(*cohere_stream(SOURCED))),
    ],
    ids=["no-place", "no-place-streamed", "no-address", "no-address-streamed"],
)
async def test_a_source_that_cannot_be_told_is_a_loss(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes
) -> None:
    told, lost = await asked(start_gateway, upstream, kind, answer)

    assert annotations(told) == []
    assert lost == ["choices[0].message.annotations"]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("gemini", whole(grounded({}))),
        ("anthropic", whole({**CITED, "content": [{"type": "text", "text": "Lisbon.", "citations": None}]})),
        ("anthropic", frames(*CITED_STREAM[:3], *CITED_STREAM[4:])),
        ("cohere", frames(*cohere_stream())),
    ],
)
async def test_an_answer_without_sources_loses_nothing(
    start_gateway: StartGateway, upstream: Upstream, kind: str, answer: bytes
) -> None:
    _, found = await asked(start_gateway, upstream, kind, answer)

    assert not [path for path in found if "itation" in path or "annotation" in path or "grounding" in path]


@pytest.mark.parametrize("answer", [whole(CITED), frames(*CITED_STREAM)], ids=["whole", "streamed"])
async def test_sources_pass_to_callers_of_the_same_dialect(
    start_gateway: StartGateway, upstream: Upstream, answer: bytes
) -> None:
    told, lost = await asked(start_gateway, upstream, "anthropic", answer, path=MESSAGES)

    assert told.count("encrypted_index") == 1
    assert lost == []
