"""The simulator beside chat: each provider's form, and what each refuses. Judged by the providers' own SDKs."""

from __future__ import annotations

import base64
import struct
from typing import Any

import cohere
import httpx
import msgspec
import pytest
from cohere import EmbedByTypeResponse
from google.genai import types as google_types
from groq.types import CreateEmbeddingResponse as GroqEmbeddings
from mistralai.client.models import EmbeddingResponse, TranscriptionResponse
from openai.types import Completion, CreateEmbeddingResponse
from pydantic import BaseModel
from together.types import Embedding as TogetherEmbedding
from together.types import RerankCreateResponse

from proxyctl.simulator import Simulator
from proxyctl.simulator.beside import ranked, vector

LOCAL, GROQ, TOGETHER, MISTRAL = "/local/v1", "/groq/openai/v1", "/together/v1", "/mistral/v1"
GEMINI = "/gemini/v1beta/models/gemini-embedding-001"


def part(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, **more}


@pytest.mark.parametrize(
    ("path", "model", "judge"),
    [
        (LOCAL, "text-embedding-3-small", CreateEmbeddingResponse),
        (GROQ, "nomic-embed-text-v1_5", GroqEmbeddings),
        (TOGETHER, "intfloat/multilingual-e5-large-instruct", TogetherEmbedding),
        (MISTRAL, "mistral-embed", EmbeddingResponse),
    ],
)
async def test_embeddings_are_what_the_sdk_knows(post: Any, path: str, model: str, judge: type[BaseModel]) -> None:
    response = await post(f"{path}/embeddings", {"model": model, "input": ["a", "b"]})

    judge.model_validate(response.json())
    first, second = response.json()["data"]
    assert first["embedding"] == vector("a", len(first["embedding"]))
    assert second["embedding"] != first["embedding"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (MISTRAL, {"model": "mistral-embed", "input": "a", "dimensions": 5}, 422),
        (MISTRAL, {"model": "mistral-embed", "input": "a", "user": "me"}, 422),
        (MISTRAL, {"model": "mistral-embed", "input": [1, 2]}, 400),
        (MISTRAL, {"model": "no-such", "input": "a"}, 400),
        (LOCAL, {"model": "no-such", "input": "a"}, 404),
        (LOCAL, {"model": "text-embedding-3-small", "input": []}, 400),
        (LOCAL, {"model": "text-embedding-3-small", "input": ["a", ""]}, 400),
        (LOCAL, {"model": "text-embedding-3-small", "input": ["a", 1]}, 400),
        (LOCAL, {"model": "text-embedding-3-small"}, 400),
        (TOGETHER, {"model": "intfloat/multilingual-e5-large-instruct", "input": [[1]]}, 400),
    ],
)
async def test_embeddings_that_are_refused(post: Any, path: str, body: Any, status: int) -> None:
    assert (await post(f"{path}/embeddings", body)).status_code == status


async def test_base64_and_token_lists(post: Any) -> None:
    body = {"model": "local-embed", "input": [[1, 2], [3]], "encoding_format": "base64", "dimensions": 4}

    answer = (await post(f"{LOCAL}/embeddings", body)).json()

    packed = base64.b64decode(answer["data"][0]["embedding"])
    assert list(struct.unpack("<4f", packed)) == vector("[1, 2]", 4)
    assert answer["usage"]["prompt_tokens"] == 3


async def test_cohere_embeds_and_reranks_for_its_sdk(post: Any) -> None:
    embed = {"model": "embed-v4.0", "input_type": "search_query", "texts": ["a"], "embedding_types": ["float"]}
    rerank = {"model": "rerank-v5.0-pro", "query": "red apples", "documents": ["x", "red apples"], "top_n": 1}

    embedded = await post("/cohere/v2/embed", embed)
    reranked = await post("/cohere/v2/rerank", rerank)

    EmbedByTypeResponse.model_validate(embedded.json())
    cohere.V2RerankResponse.model_validate(reranked.json())
    assert [one["index"] for one in reranked.json()["results"]] == [1]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("embed", {"model": "embed-v4.0", "texts": ["a"]}, 422),
        ("embed", {"model": "embed-v4.0", "input_type": "search_query", "texts": ["a"], "input": "a"}, 422),
        ("embed", {"model": "embed-v4.0", "input_type": "search_query", "texts": ["a"] * 97}, 400),
        ("embed", {"model": "embed-v4.0", "input_type": "search_query", "texts": ["a"], "output_dimension": 3}, 400),
        ("embed", {"model": "no", "input_type": "search_query", "texts": ["a"]}, 404),
        ("rerank", {"model": "rerank-v5.0-pro", "query": "q", "documents": [{"text": "a"}]}, 422),
        ("rerank", {"model": "rerank-v5.0-pro", "query": "q", "documents": ["a"], "return_documents": True}, 422),
        ("rerank", {"model": "rerank-v5.0-pro", "query": "q", "documents": []}, 400),
        ("rerank", {"model": "no", "query": "q", "documents": ["a"]}, 404),
        ("rerank", b"{", 400),
    ],
)
async def test_cohere_is_strict(post: Any, path: str, body: Any, status: int) -> None:
    assert (await post(f"/cohere/v2/{path}", body)).status_code == status


async def test_gemini_embeds_for_its_sdk(http: httpx.AsyncClient) -> None:
    key = {"x-goog-api-key": "k"}

    one = await http.post(f"{GEMINI}:embedContent", json=part("a", outputDimensionality=3), headers=key)
    many = await http.post(f"{GEMINI}:batchEmbedContents", json={"requests": [part("a"), part("b")]}, headers=key)

    google_types.EmbedContentResponse.model_validate(many.json())
    assert one.json() == {"embedding": {"values": vector("a", 3)}}
    assert [len(entry["values"]) for entry in many.json()["embeddings"]] == [3072, 3072]


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        (f"{GEMINI}:batchEmbedContents", {"requests": []}, 400),
        (f"{GEMINI}:batchEmbedContents", {"requests": [part("a")] * 101}, 400),
        (f"{GEMINI}:batchEmbedContents", {"requests": [part("a", model="models/other")]}, 400),
        (f"{GEMINI}:batchEmbedContents", {"requests": [part("")]}, 400),
        (f"{GEMINI}:embedContent", part("a", taskType="GUESS"), 400),
        (f"{GEMINI}:embedContent", part("a", dimensions=3), 400),
        (f"{GEMINI}:embedContent", part("a", outputDimensionality=0), 400),
        (f"{GEMINI}:generateContent", {"contents": []}, 404),
        ("/gemini/v1beta/models/gemini-3.8-flash:embedContent", part("a"), 404),
    ],
)
async def test_gemini_is_strict(http: httpx.AsyncClient, target: str, body: Any, status: int) -> None:
    assert (await http.post(target, json=body, headers={"x-goog-api-key": "k"})).status_code == status


async def test_together_reranks_for_its_sdk(post: Any) -> None:
    body = {
        "model": "Salesforce/Llama-Rank-V1",
        "query": "red apples",
        "documents": [{"text": "x"}, {"text": "red"}],
        "return_documents": True,
    }

    answer = await post(f"{TOGETHER}/rerank", body)

    RerankCreateResponse.model_validate(answer.json())
    assert answer.json()["results"][0] == {"index": 1, "relevance_score": 0.5, "document": {"text": "red"}}


def test_equal_scores_keep_their_order() -> None:
    assert [index for index, _ in ranked("a", ["b", "a", "c", "a"])] == [1, 3, 0, 2]


@pytest.mark.parametrize(("path", "model"), [(LOCAL, "gpt-4.1"), (TOGETHER, "Qwen/Qwen3.8-Flash")])
async def test_legacy_completions(post: Any, frames: Any, path: str, model: str) -> None:
    body = {"model": model, "prompt": "Good morning", "max_tokens": 200, "stop": "never"}

    whole = (await post(f"{path}/completions", body)).json()
    stream = await frames(f"{path}/completions", {**body, "stream": True, "stream_options": {"include_usage": True}})

    chunks = [data for _, data in stream[:-1]]
    text = "".join(choice["text"] for chunk in chunks for choice in chunk["choices"])
    assert stream[-1] == (None, "[DONE]")
    assert text == whole["choices"][0]["text"]
    assert chunks[-1]["usage"] == whole["usage"]
    if path == LOCAL:
        Completion.model_validate(whole)


async def test_an_echo_and_a_list_of_prompts(post: Any) -> None:
    echoed = await post(f"{LOCAL}/completions", {"model": "gpt-4.1", "prompt": "Hello", "echo": True})
    listed = await post(f"{LOCAL}/completions", {"model": "gpt-4.1", "prompt": ["a"]})

    assert echoed.json()["choices"][0]["text"].startswith("Hello")
    assert listed.status_code == 400


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (f"{GROQ}/audio/transcriptions", {"model": "whisper-large-v3"}, 200),
        (f"{GROQ}/audio/translations", {"model": "whisper-large-v3", "response_format": "verbose_json"}, 200),
        (f"{GROQ}/audio/transcriptions", {"model": "whisper-large-v3", "response_format": "vtt"}, 400),
        (f"{GROQ}/audio/transcriptions", {"model": "no"}, 404),
        (f"{LOCAL}/audio/transcriptions", {"model": "whisper-1", "response_format": "text"}, 200),
        (f"{MISTRAL}/audio/translations", {"model": "voxtral-mini-latest"}, 404),
        ("/cohere/v2/audio/transcriptions", {"model": "cohere-transcribe-03-2026", "language": "en"}, 200),
        ("/cohere/v2/audio/transcriptions", {"model": "cohere-transcribe-03-2026"}, 400),
    ],
)
async def test_forms_with_a_file(http: httpx.AsyncClient, path: str, fields: dict[str, str], status: int) -> None:
    answer = await http.post(path, data=fields, files={"file": ("a.wav", b"12345", "audio/wav")})

    assert answer.status_code == status
    assert status != 200 or "5 bytes as a.wav" in answer.text


async def test_mistral_says_what_it_heard_in_its_own_form(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        f"{MISTRAL}/audio/transcriptions", data={"model": "voxtral-mini-latest"}, files={"file": ("a.wav", b"1")}
    )

    assert TranscriptionResponse.model_validate(answer.json()).usage.prompt_audio_seconds == 1


async def test_a_form_without_a_file_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{GROQ}/audio/transcriptions", data={"model": "whisper-large-v3"})

    assert answer.status_code == 400


async def test_the_ledger_knows_what_was_told(post: Any, simulator: Simulator) -> None:
    body = {"model": "mistral-embed", "input": "x" * 40}

    await post(f"{MISTRAL}/embeddings", msgspec.json.encode(body))

    assert simulator.ledger.totals["mistral"]["mistral-embed"].prompt == 10
