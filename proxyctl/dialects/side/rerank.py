"""Reranking as Cohere's and Together's clients ask for it; both forms are read, both answers' members are written.

The two differ little: the older form takes documents that are objects and can hand them back, the newer (v2) takes
texts alone. Source: wire notes 2026-11, "side endpoints", and the official SDKs' types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.errors import DecodeError
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.openings import optional, raw, read_model
from proxyctl.dialects.typed import decode_typed

Document = str | dict[str, Any]
_KNOWN = frozenset(
    {"model", "query", "documents", "top_n", "return_documents", "rank_fields", "max_tokens_per_doc", "stream"}
)

_query = msgspec.json.Decoder(str)
_documents = msgspec.json.Decoder(list[Document])
_number = msgspec.json.Decoder(int | None)
_flag = msgspec.json.Decoder(bool | None)
_names = msgspec.json.Decoder(list[str] | None)


class RerankRequest(Struct, frozen=True, kw_only=True):
    """`extras` are further top-level fields, as they came."""

    query: str
    documents: Sequence[Document]
    top_n: int | None = None
    return_documents: bool = False
    rank_fields: list[str] | None = None
    max_tokens_per_doc: int | None = None
    extras: Mapping[str, Raw] = {}


class Result(Struct, frozen=True):
    """`index` points into the request's documents; a higher score is more relevant."""

    index: int
    relevance_score: float


class Reranked(Struct, frozen=True, kw_only=True):
    """Results, best first. `meta` is the provider's own account of it, handed on as it is."""

    results: Sequence[Result]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
    meta: Mapping[str, Any] | None = None


def decode_request(fields: Mapping[str, Raw]) -> RerankRequest:
    """Raises `DecodeError` with the path of the first thing that is not as documented."""
    read_model(fields)
    for name in ("query", "documents"):
        if name not in fields:
            raise DecodeError("it is required", path=name)
    documents = decode_typed(_documents, raw(fields, "documents"), under="documents")
    if not documents:
        raise DecodeError("it must not be empty", path="documents")
    top_n = optional(_number, fields, "top_n")
    if top_n is not None and top_n < 1:
        raise DecodeError("it must be at least 1", path="top_n")
    return RerankRequest(
        query=decode_typed(_query, raw(fields, "query"), under="query"),
        documents=documents,
        top_n=top_n,
        return_documents=bool(optional(_flag, fields, "return_documents")),
        rank_fields=optional(_names, fields, "rank_fields"),
        max_tokens_per_doc=optional(_number, fields, "max_tokens_per_doc"),
        extras={name: value for name, value in fields.items() if name not in _KNOWN and bytes(value) != b"null"},
    )


def as_text(document: Document) -> str:
    """A document as text: its `text`, else all of it as JSON."""
    if isinstance(document, str):
        return document
    text = document.get("text")
    return text if isinstance(text, str) else encode_json(document).decode()


def encode_answer(request: RerankRequest, answer: Reranked, *, model: str, identity: str) -> bytes:
    """An answer that clients of either form read. Raises `DecodeError` for a result that points at no document."""
    results = []
    for place, result in enumerate(answer.results):
        if not 0 <= result.index < len(request.documents):
            raise DecodeError(f"there is no document {result.index}", path=f"results[{place}].index")
        entry: dict[str, Any] = {"index": result.index, "relevance_score": result.relevance_score}
        if request.return_documents:
            document = request.documents[result.index]
            entry["document"] = {"text": document} if isinstance(document, str) else document
        results.append(entry)
    document = {"object": "rerank", "id": answer.id or identity, "model": model, "results": results}
    if answer.meta is not None:
        document["meta"] = answer.meta
    if (usage := answer.usage) is not None:
        document["usage"] = {
            "prompt_tokens": usage.input_total,
            "completion_tokens": usage.output_total,
            "total_tokens": usage.total,
        }
    return encode_json(document)
