"""`POST /v1/rerank` and `/v2/rerank`: one reading of the request, one answer that clients of both forms understand."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from proxyctl.core.errors import UnsupportedError
from proxyctl.core.exchange import Exchange
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.side.facts import Reranker
from proxyctl.dialects.side.rerank import RerankRequest, decode_request, encode_answer
from proxyctl.gateway.side.requests import SideInbound, decoded
from proxyctl.gateway.side.work import Preparing, Told, Work
from proxyctl.gateway.targets import Target
from proxyctl.routing.deployment import Deployment


class RerankWork(Work):
    """One rerank request on one reranker. `identity` is told where the provider gives no id."""

    lane = "translate"

    def __init__(self, request: RerankRequest, reranker: Reranker, model: str, identity: str) -> None:
        losses = Losses()
        super().__init__([encode_json(reranker.encode(request, model, losses))], losses)
        self.path = reranker.path
        self._request = request
        self._reranker = reranker
        self._model = model
        self._identity = identity

    @override
    def told(self, answers: Sequence[bytes], content_type: str) -> Told:
        answer = self._reranker.decode(answers[0])
        body = encode_answer(self._request, answer, model=answer.model or self._model, identity=self._identity)
        return Told(body=body, usage=answer.usage, model=answer.model)


def reranking(inbound: SideInbound) -> Preparing:
    """Read the request once, make it ready for whichever target. Raises `BadRequestError` on a malformed one."""
    request = decoded(decode_request, inbound.fields)

    def prepare(target: Target, deployment: Deployment, exchange: Exchange) -> Work:
        reranker = target.provider.beside.reranker
        if reranker is None:
            raise UnsupportedError(f"{target.name} has no reranking", param="model")
        return RerankWork(request, reranker, deployment.model, exchange.id)

    return prepare
