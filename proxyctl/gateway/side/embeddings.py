"""Embeddings in two forms, OpenAI's `/v1/embeddings` and Gemini's verbs, towards every provider that embeds.

A request with more inputs than a provider takes at once goes in several calls, one after the other. What the provider
did not count is estimated, and said to be. Gemini's form passes as it came to whoever speaks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace
from typing_extensions import override

from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.core.exchange import Exchange
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.gemini_generate import embedding as contents
from proxyctl.dialects.side.embeddings import EmbeddingsRequest, Vector, decode_request, encode_answer, whole
from proxyctl.dialects.side.facts import Embedder
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.side.requests import SideInbound, decoded
from proxyctl.gateway.side.work import ESTIMATE, Preparing, Told, Work
from proxyctl.gateway.targets import Target
from proxyctl.metering.estimate import estimate_body, estimate_tokens
from proxyctl.routing.deployment import Deployment

Telling = Callable[[Sequence[Vector], str, Usage], bytes]
"""Writes the caller's answer: vectors, the model that made them, and what was read for them."""


class EmbeddingsWork(Work):
    """Requests on one embedder, one call each or several; `native` when the embedder's form is the caller's own."""

    def __init__(
        self, requests: Sequence[EmbeddingsRequest], embedder: Embedder, model: str, telling: Telling, *, native: bool
    ) -> None:
        losses = Losses()
        batches = [batch for request in requests for batch in _batches(request, embedder.batch)]
        for request in requests:
            for path in request.uncarried:
                losses.add(path, "it has no counterpart there")
        super().__init__([encode_json(embedder.encode(batch, model, losses)) for batch in batches], losses)
        self.lane = "passthrough" if native else "translate"
        self.path = embedder.path
        self._batches = batches
        self._embedder = embedder
        self._model = model
        self._telling = telling

    @override
    def told(self, answers: Sequence[bytes], content_type: str) -> Told:
        read = [self._embedder.decode(answer) for answer in answers]
        for one, batch in zip(read, self._batches, strict=True):
            whole(len(batch.inputs), one.vectors)
        counted = [one.usage for one in read if one.usage is not None]
        usage = _summed(counted) if len(counted) == len(read) else _estimated(self._batches)
        body = self._telling([vector for one in read for vector in one.vectors], read[0].model or self._model, usage)
        headers = ESTIMATE if usage.source == "estimated" else []
        return Told(body=body, usage=usage, model=read[0].model, headers=headers)

    @override
    def paid(self, answers: Sequence[bytes]) -> Usage | None:
        counted: list[Usage] = []
        with suppress(DecodeError, UnicodeError, RecursionError):
            for answer in answers:
                usage = self._embedder.decode(answer).usage
                counted += [] if usage is None else [usage]
        return replace(_summed(counted), source="partial") if counted else None


class PassedContents(Work):
    """Gemini's own form on a provider that speaks it."""

    lane = "passthrough"

    def __init__(self, inbound: Inbound, embedder: Embedder, model: str, *, batch: bool) -> None:
        body = contents.for_model(inbound.body, inbound.fields, model, batch=batch)
        super().__init__([body], Losses())
        self.path = embedder.path if batch else embedder.single
        self._fields = inbound.fields
        self._batch = batch

    @override
    def told(self, answers: Sequence[bytes], content_type: str) -> Told:
        [body] = answers
        return Told(body=body, usage=contents.usage_of(body, batch=self._batch) or self._estimated())

    def _estimated(self) -> Usage:
        """By the texts alone; what holds more than texts, by all of it that may be text."""
        try:
            return _estimated(contents.decode_requests(self._fields, batch=self._batch))
        except (DecodeError, UnsupportedError):
            return Usage(input=estimate_body(self.bodies[0]), source="estimated")


def embedding(inbound: SideInbound) -> Preparing:
    """Read the request once, make it ready for whichever target. Raises `BadRequestError` on a malformed one."""
    request = decoded(decode_request, inbound.fields)

    def telling(vectors: Sequence[Vector], model: str, usage: Usage) -> bytes:
        return encode_answer(vectors, model=model, usage=usage, encoding=request.encoding)

    def prepare(target: Target, deployment: Deployment, exchange: Exchange) -> Work:
        del exchange
        embedder = _embedder(target)
        native = embedder.dialect == inbound.dialect.name
        return EmbeddingsWork([request], embedder, deployment.model, telling, native=native)

    return prepare


def embedding_contents(inbound: Inbound, *, batch: bool) -> Preparing:
    """The same for Gemini's form, which is read only for those who have another."""

    def telling(vectors: Sequence[Vector], model: str, usage: Usage) -> bytes:
        del model  # it stands in a header
        return contents.encode_answer(vectors, usage, batch=batch)

    def prepare(target: Target, deployment: Deployment, exchange: Exchange) -> Work:
        del exchange
        embedder = _embedder(target)
        if embedder.dialect == inbound.dialect.name:
            return PassedContents(inbound, embedder, deployment.model, batch=batch)
        requests = decoded(partial(contents.decode_requests, batch=batch), inbound.fields)
        return EmbeddingsWork(requests, embedder, deployment.model, telling, native=False)

    return prepare


def _embedder(target: Target) -> Embedder:
    embedder = target.provider.beside.embedder
    if embedder is None:
        raise UnsupportedError(f"{target.name} has no embeddings", param="model")
    return embedder


def _batches(request: EmbeddingsRequest, size: int) -> list[EmbeddingsRequest]:
    starts = range(0, len(request.inputs), size)
    return [replace(request, inputs=request.inputs[start : start + size]) for start in starts]


def _summed(counted: Sequence[Usage]) -> Usage:
    billed = [usage.billed_input for usage in counted if usage.billed_input is not None]
    return Usage(input=sum(usage.input for usage in counted), billed_input=sum(billed) if billed else None)


def _estimated(batches: Sequence[EmbeddingsRequest]) -> Usage:
    inputs = [one for batch in batches for one in batch.inputs]
    tokens = sum(estimate_tokens(one) if isinstance(one, str) else len(one) for one in inputs)
    return Usage(input=math.ceil(tokens), source="estimated")
