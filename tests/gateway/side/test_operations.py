"""What a record says was asked for: a dialect alone does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import TOKEN, Gateway

TEXT = "Some words"
FORM = {"file": ("talk.wav", b"\x00" * 100, "audio/wav")}


@pytest.mark.parametrize(
    ("path", "body", "operation"),
    [
        ("/v1/chat/completions", {"model": "local:gpt-4.1", "messages": [{"role": "user", "content": TEXT}]}, "chat"),
        ("/v1/responses", {"model": "groq:llama-3.3-70b-versatile", "input": TEXT}, "chat"),
        ("/v1/completions", {"model": "local:gpt-4.1", "prompt": TEXT}, "text_completion"),
        ("/v1/embeddings", {"model": "mistral:mistral-embed", "input": TEXT}, "embeddings"),
        ("/v1beta/models/mistral:mistral-embed:embedContent", {"content": TEXT}, "embeddings"),
        ("/v1/rerank", {"model": "cohere:rerank-v5.0-pro", "query": TEXT, "documents": [TEXT]}, "rerank"),
    ],
)
async def test_a_request_is_recorded_as_what_it_was(
    gateway: Gateway, path: str, body: dict[str, Any], operation: str
) -> None:
    answer = await gateway.http.post(path, json=body)

    assert answer.status_code == 200, answer.text
    [record] = await gateway.records(1)
    assert record.operation == operation


@pytest.mark.parametrize(("verb", "operation"), [("transcriptions", "transcription"), ("translations", "translation")])
async def test_forms_too(gateway: Gateway, verb: str, operation: str) -> None:
    data = {"model": "groq:whisper-large-v3"}

    answer = await gateway.http.post(f"/v1/audio/{verb}", files=FORM, data=data)

    assert answer.status_code == 200, answer.text
    [record] = await gateway.records(1)
    assert record.operation == operation


async def test_a_refused_one_says_it_as_well(gateway: Gateway) -> None:
    await gateway.http.post("/v1/rerank", content=b"{")

    [record] = await gateway.records(1)
    assert (record.outcome, record.operation) == ("refused", "rerank")


async def test_readers_of_records_see_it_where_it_is_no_chat(gateway: Gateway) -> None:
    """A chat's record stays as short as it was."""
    await gateway.http.post("/v1/embeddings", json={"model": "mistral:mistral-embed", "input": TEXT})
    await gateway.http.post("/v1/chat/completions", json=gateway.chat("groq:llama-3.3-70b-versatile"))
    await gateway.records(2)

    page = (await gateway.http.get("/providers/logs", headers={"authorization": f"Bearer {TOKEN}"})).json()

    assert [record.get("operation", "chat") for record in page["records"]] == ["chat", "embeddings"]
    assert "operation" not in page["records"][0]
