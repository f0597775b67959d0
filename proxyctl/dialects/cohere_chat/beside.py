"""Cohere's embeddings and reranking, both v2. Source: wire notes 2026-11, "Cohere v2", and the official SDK's types."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.embeddings import Embedded, EmbeddingsRequest, lost_fields
from proxyctl.dialects.side.facts import Embedder, Reranker
from proxyctl.dialects.side.rerank import Reranked, RerankRequest, Result, as_text
from proxyctl.dialects.typed import decode_typed

_BATCH = 96
_EMBED_FIELDS = frozenset({"input_type", "truncate", "max_tokens", "priority"})
_RERANK_FIELDS = frozenset({"relevant_spans", "priority"})
_DEFAULT_INPUT = "search_document"
_INPUT_TYPES = {
    "RETRIEVAL_DOCUMENT": "search_document",
    "RETRIEVAL_QUERY": "search_query",
    "QUESTION_ANSWERING": "search_query",
    "FACT_VERIFICATION": "search_query",
    "CODE_RETRIEVAL_QUERY": "search_query",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
}
"""Google's tasks as Cohere's `input_type`: a question, a claim and a search for code are queries for documents."""


class _Billed(Struct):
    input_tokens: int | float | None = None


class _Meta(Struct):
    billed_units: _Billed | None = None


class _Vectors(Struct):
    float_: list[list[float]] = msgspec.field(name="float")


class _Embedded(Struct):
    embeddings: _Vectors
    meta: _Meta | None = None


_embedded = msgspec.json.Decoder(_Embedded)


class CohereEmbedder(Embedder):
    """`input_type` is required there: what a client does not say is taken to be a document to be found."""

    dialect = "cohere-chat"

    def __init__(self) -> None:
        super().__init__("/v2/embed", batch=_BATCH)

    @override
    def encode(self, request: EmbeddingsRequest, model: str, losses: Losses) -> Fields:
        texts = request.texts()
        fields: Fields = {
            "model": model,
            "texts": list(texts),
            "input_type": _INPUT_TYPES.get(request.task or "", _DEFAULT_INPUT),
            "embedding_types": ["float"],
        }
        if request.dimensions is not None:
            fields["output_dimension"] = request.dimensions
        if request.task is not None and request.task not in _INPUT_TYPES:
            losses.add("taskType", f"there is no such input_type there: {_DEFAULT_INPUT} was sent")
        if request.title is not None:
            losses.add("title", "it has no counterpart there")
        for name in lost_fields(request):
            if name in _EMBED_FIELDS:
                fields[name] = request.extras[name]
            else:
                losses.add(name, "it has no counterpart there")
        return fields

    @override
    def decode(self, body: bytes) -> Embedded:
        answer = decode_typed(_embedded, body)
        billed = answer.meta.billed_units if answer.meta is not None else None
        counted = billed.input_tokens if billed is not None else None
        return Embedded(
            vectors=answer.embeddings.float_,
            usage=None if counted is None else Usage(input=int(counted), billed_input=int(counted)),
        )


class _Result(Struct):
    index: int
    relevance_score: float


class _Reranked(Struct):
    results: list[_Result]
    id: str | None = None
    meta: dict[str, Any] | None = None


_reranked = msgspec.json.Decoder(_Reranked)


class CohereReranker(Reranker):
    """Documents are texts here. It is paid by the search, so no tokens are reported."""

    def __init__(self) -> None:
        super().__init__("/v2/rerank")

    @override
    def encode(self, request: RerankRequest, model: str, losses: Losses) -> Fields:
        fields: Fields = {
            "model": model,
            "query": request.query,
            "documents": [as_text(document) for document in request.documents],
        }
        if request.top_n is not None:
            fields["top_n"] = request.top_n
        if request.max_tokens_per_doc is not None:
            fields["max_tokens_per_doc"] = request.max_tokens_per_doc
        if request.rank_fields is not None:
            losses.add("rank_fields", "documents are texts there, ranked as a whole")
        for name, value in request.extras.items():
            if name in _RERANK_FIELDS:
                fields[name] = value
            else:
                losses.add(name, "it has no counterpart there")
        return fields

    @override
    def decode(self, body: bytes) -> Reranked:
        answer = decode_typed(_reranked, body)
        return Reranked(
            results=[Result(result.index, result.relevance_score) for result in answer.results],
            id=answer.id or "",
            meta=answer.meta,
        )
