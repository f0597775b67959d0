"""`POST /v1/embeddings`: OpenAI's form towards every provider that embeds.

A request with more inputs than a provider takes at once goes in several calls, one after the other. What the provider
did not count is estimated, and said to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace
from typing_extensions import override

from proxyctl.core.errors import UnsupportedError
from proxyctl.core.exchange import Exchange
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.side.embeddings import EmbeddingsRequest, decode_request, encode_answer, whole
from proxyctl.dialects.side.facts import Embedder
from proxyctl.gateway.side.requests import SideInbound, decoded
from proxyctl.gateway.side.work import ESTIMATE, Preparing, Told, Work
from proxyctl.gateway.targets import Target
from proxyctl.metering.estimate import estimate_tokens
from proxyctl.routing.deployment import Deployment


class EmbeddingsWork(Work):
    """One embeddings request on one embedder."""

    def __init__(self, request: EmbeddingsRequest, embedder: Embedder, model: str) -> None:
        losses = Losses()
        starts = range(0, len(request.inputs), embedder.batch)
        batches = [replace(request, inputs=request.inputs[start : start + embedder.batch]) for start in starts]
        super().__init__([encode_json(embedder.encode(batch, model, losses)) for batch in batches], losses)
        self.lane = "passthrough" if embedder.native else "translate"
        self.path = embedder.path
        self._request = request
        self._sizes = [len(batch.inputs) for batch in batches]
        self._embedder = embedder
        self._model = model

    @override
    def told(self, answers: Sequence[bytes], content_type: str) -> Told:
        read = [self._embedder.decode(answer) for answer in answers]
        for one, size in zip(read, self._sizes, strict=True):
            whole(size, one.vectors)
        counted = [one.usage for one in read if one.usage is not None]
        usage = _summed(counted) if len(counted) == len(read) else _estimated(self._request)
        body = encode_answer(
            [vector for one in read for vector in one.vectors],
            model=read[0].model or self._model,
            usage=usage,
            encoding=self._request.encoding,
        )
        headers = ESTIMATE if usage.source == "estimated" else []
        return Told(body=body, usage=usage, model=read[0].model, headers=headers)


def embedding(inbound: SideInbound) -> Preparing:
    """Read the request once, make it ready for whichever target. Raises `BadRequestError` on a malformed one."""
    request = decoded(decode_request, inbound.fields)

    def prepare(target: Target, deployment: Deployment, exchange: Exchange) -> Work:
        del exchange
        embedder = target.provider.beside.embedder
        if embedder is None:
            raise UnsupportedError(f"{target.name} has no embeddings", param="model")
        return EmbeddingsWork(request, embedder, deployment.model)

    return prepare


def _summed(counted: Sequence[Usage]) -> Usage:
    billed = [usage.billed_input for usage in counted if usage.billed_input is not None]
    return Usage(input=sum(usage.input for usage in counted), billed_input=sum(billed) if billed else None)


def _estimated(request: EmbeddingsRequest) -> Usage:
    tokens = sum(estimate_tokens(one) if isinstance(one, str) else len(one) for one in request.inputs)
    return Usage(input=math.ceil(tokens), source="estimated")
