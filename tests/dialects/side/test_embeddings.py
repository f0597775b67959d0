"""Embeddings requests in all their shapes, and vectors that lose nothing on their way through base64."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields
from proxyctl.dialects.cohere_chat.beside import CohereEmbedder
from proxyctl.dialects.gemini_generate.beside import GeminiCounter, GeminiEmbedder
from proxyctl.dialects.side.embeddings import (
    EmbeddingsRequest,
    decode_openai_answer,
    decode_request,
    from_base64,
    normalised,
    to_base64,
    whole,
)


def read(**fields: Any) -> EmbeddingsRequest:
    return decode_request(decode_fields(msgspec.json.encode({"model": "m", **fields})))


@pytest.mark.parametrize(
    ("given_input", "inputs"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ([1, 2],)),
        ([[1], [2, 3]], ([1], [2, 3])),
    ],
)
def test_an_input_has_four_shapes(given_input: Any, inputs: Any) -> None:
    assert read(input=given_input).inputs == inputs


@pytest.mark.parametrize(
    ("given_input", "path"),
    [("", "input"), ([], "input"), (["a", ""], "input[1]"), (["a", 1], "input[1]"), (None, "input")],
)
def test_a_wrong_input_is_pointed_at(given_input: Any, path: str) -> None:
    with pytest.raises(DecodeError) as wrong:
        read(input=given_input)

    assert wrong.value.path.startswith(path)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20))
def test_base64_keeps_every_32_bit_number(numbers: list[float]) -> None:
    assert from_base64(to_base64(numbers)) == numbers


def test_base64_is_little_endian() -> None:
    assert to_base64([1.0, -2.0]) == "AACAPwAAAMA="
    assert struct.unpack("<f", b"\x00\x00\x80?") == (1.0,)


@pytest.mark.parametrize("text", ["x", "AAA=", "é", "AACAPwA="])
def test_what_is_no_vector_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        from_base64(text)


def test_a_vector_of_zeros_has_no_direction() -> None:
    assert normalised([0.0, 0.0]) == [0.0, 0.0]
    assert normalised([3.0, 4.0]) == pytest.approx([0.6, 0.8])


def test_an_answer_is_read_by_its_indexes() -> None:
    body = b'{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"total_tokens":7}}'

    answer = decode_openai_answer(body)

    assert answer.vectors == [[1.0], [2.0]]
    assert answer.usage is not None
    assert answer.usage.input_total == 7


def test_a_missing_vector_is_noticed() -> None:
    with pytest.raises(DecodeError, match="1 vectors for 2 inputs"):
        whole(2, [[1.0]])


def test_gemini_is_asked_one_request_a_text() -> None:
    losses = Losses()
    request = read(input=["a", "b"], dimensions=3, task_type="RETRIEVAL_QUERY", other=1)

    body = msgspec.json.decode(msgspec.json.encode(GeminiEmbedder().encode(request, "gemini-embedding-001", losses)))

    assert body["requests"][1] == {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "b"}]},
        "taskType": "RETRIEVAL_QUERY",
        "outputDimensionality": 3,
    }
    assert [loss.path for loss in losses.entries()] == ["other"]


def test_cohere_is_told_what_the_texts_are_for() -> None:
    body = CohereEmbedder().encode(read(input="a", dimensions=256), "embed-v4.0", Losses())

    assert body == {
        "model": "embed-v4.0",
        "texts": ["a"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }


def test_gemini_names_a_tuned_model_by_its_own_collection() -> None:
    body = GeminiEmbedder().encode(read(input="a"), "tunedModels/mine", Losses())

    assert body["requests"][0]["model"] == "tunedModels/mine"
    assert GeminiCounter().encode({}, "tunedModels/mine")["generateContentRequest"]["model"] == "tunedModels/mine"


def test_gemini_counts_the_whole_request() -> None:
    counter = GeminiCounter()

    assert counter.encode({"contents": [], "tools": []}, "models/g") == {
        "generateContentRequest": {"model": "models/g", "contents": [], "tools": []}
    }
    assert counter.decode(b'{"totalTokens":7}') == 7
    with pytest.raises(DecodeError):
        counter.decode(b"{}")
