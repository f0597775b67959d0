"""Embeddings and reranking of the servers that follow OpenAI, and of those that follow the older reranking form.

What they differ in is stated by their provider: which fields they take, what they call them, how many inputs at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.embeddings import (
    Embedded,
    EmbeddingsRequest,
    decode_openai_answer,
    lose_hints,
    openai_fields,
)
from proxyctl.dialects.side.facts import Embedder, Reranker
from proxyctl.dialects.side.rerank import Reranked, RerankRequest, Result
from proxyctl.dialects.typed import decode_typed

_UNMISSED = frozenset({"encoding_format", "user"})
"""Numbers are the default everywhere, and nobody's answer depends on a user's name."""


class OpenAIEmbedder(Embedder):
    """`fields` is the allow-list of body fields (`None`: unknown ones are tolerated), `renames` comes before it.

    `tokens`: inputs may be token lists; elsewhere they are refused, since they are numbers of another tokenizer.
    """

    dialect = "openai-chat"

    def __init__(
        self,
        path: str,
        *,
        batch: int = 2048,
        fields: frozenset[str] | None = None,
        renames: Mapping[str, str] | None = None,
        tokens: bool = False,
    ) -> None:
        super().__init__(path, batch=batch)
        self._fields = fields
        self._renames = renames or {}
        self._tokens = tokens

    @override
    def encode(self, request: EmbeddingsRequest, model: str, losses: Losses) -> Fields:
        if not self._tokens:
            request.texts()
        encoded: Fields = {}
        for name, value in openai_fields(request, model).items():
            renamed = self._renames.get(name, name)
            if self._fields is None or renamed in self._fields:
                encoded[renamed] = value
            elif name == "dimensions":
                raise UnsupportedError("this provider's vectors have one length", param="dimensions")
            elif name not in _UNMISSED:
                losses.add(name, "the provider does not take it")
        lose_hints(request, losses)
        return encoded

    @override
    def decode(self, body: bytes) -> Embedded:
        return decode_openai_answer(body)


class _Result(Struct):
    index: int
    relevance_score: float


class _Counts(Struct):
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    total_tokens: int | float | None = None


class _Answer(Struct):
    results: list[_Result]
    id: str | None = None
    model: str | None = None
    usage: _Counts | None = None


_answer = msgspec.json.Decoder(_Answer)


class CompatibleReranker(Reranker):
    """Documents may be objects; what is returned of them is put back by the gateway."""

    @override
    def encode(self, request: RerankRequest, model: str, losses: Losses) -> Fields:
        if request.max_tokens_per_doc is not None:
            losses.add("max_tokens_per_doc", "the provider does not take it")
        fields: Fields = {"model": model, "query": request.query, "documents": list(request.documents)}
        if request.top_n is not None:
            fields["top_n"] = request.top_n
        if request.rank_fields is not None:
            fields["rank_fields"] = request.rank_fields
        return {**fields, **request.extras}

    @override
    def decode(self, body: bytes) -> Reranked:
        answer = decode_typed(_answer, body)
        return Reranked(
            results=[Result(result.index, result.relevance_score) for result in answer.results],
            id=answer.id or "",
            model=answer.model or "",
            usage=_usage(answer.usage),
        )


def _usage(counts: _Counts | None) -> Usage | None:
    if counts is None:
        return None
    output = max(0, int(counts.completion_tokens or 0))
    prompt = counts.prompt_tokens
    if prompt is None and counts.total_tokens is not None:
        prompt = counts.total_tokens - output
    return None if prompt is None else Usage(input=max(0, int(prompt)), output=output)
