"""Gemini's counter and its embeddings, `countTokens` and `batchEmbedContents`. Source: wire notes 2026-11, "Gemini"."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import Fields
from proxyctl.dialects.gemini_generate.spelling import either
from proxyctl.dialects.side.embeddings import Embedded, EmbeddingsRequest, lost_fields, normalised
from proxyctl.dialects.side.facts import Counter, Embedder
from proxyctl.dialects.typed import decode_typed

_BATCH = 100
_PASSED = {"taskType": "taskType", "task_type": "taskType", "title": "title"}
"""What an OpenAI client may send along for this API, under either spelling."""


class _Counted(Struct, rename="camel"):
    total_tokens: int | None = None


_counted = msgspec.json.Decoder(_Counted)


def request_to_count(fields: Mapping[str, Raw]) -> bytes | None:
    """The whole request inside a `countTokens` body, `None` when the body has bare `contents` and so is one itself."""
    whole = either(fields, "generateContentRequest")
    return None if whole == b"null" else whole


class GeminiCounter(Counter):
    """Counts the whole request: `contents` alone would leave out the system text and the tools."""

    dialect = "gemini-generate"
    path = "/v1beta/{model}:countTokens"

    @override
    def encode(self, fields: Fields, model: str) -> Fields:
        return {"generateContentRequest": {"model": named(model), **fields}}

    @override
    def decode(self, body: bytes) -> int:
        total = decode_typed(_counted, body).total_tokens
        if total is None:
            raise DecodeError("no count in the answer", path="totalTokens")
        return total


class _Vector(Struct):
    values: list[float]


class _Metadata(Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Embedded(Struct, rename="camel"):
    embeddings: list[_Vector]
    usage_metadata: _Metadata | None = None


_embedded = msgspec.json.Decoder(_Embedded)


class GeminiEmbedder(Embedder):
    """One request a text. Vectors are made of length 1: shortened ones come as they were cut."""

    dialect = "gemini-generate"

    def __init__(self) -> None:
        path = "/v1beta/{model}:"
        super().__init__(f"{path}batchEmbedContents", batch=_BATCH, single=f"{path}embedContent")

    @override
    def encode(self, request: EmbeddingsRequest, model: str, losses: Losses) -> Fields:
        texts = request.texts()
        options: Fields = {_PASSED[name]: value for name, value in request.extras.items() if name in _PASSED}
        if request.dimensions is not None:
            options["outputDimensionality"] = request.dimensions
        for name in lost_fields(request):
            if name not in _PASSED:
                losses.add(name, "it has no counterpart there")
        return {
            "requests": [{"model": named(model), "content": {"parts": [{"text": text}]}, **options} for text in texts]
        }

    @override
    def decode(self, body: bytes) -> Embedded:
        answer = decode_typed(_embedded, body)
        counted = answer.usage_metadata.prompt_token_count if answer.usage_metadata is not None else None
        return Embedded(
            vectors=[normalised(vector.values) for vector in answer.embeddings],
            usage=None if counted is None else Usage(input=counted),
        )


def named(model: str) -> str:
    """A model as requests name it, with its collection: tuned models have one of their own."""
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
