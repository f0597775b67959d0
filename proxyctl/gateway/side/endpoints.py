"""The side endpoints: which paths there are, how each reads its requests, and who serves them.

The front lets callers in, reads the body and tells refusals; here a body becomes something that can be run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import GatewayError
from proxyctl.core.exchange import Exchange
from proxyctl.dialects.base import Fields, InboundDialect, encode_json
from proxyctl.dialects.openai_completions import OPENAI_COMPLETIONS
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.inbound import ClientHeaders, Inbound, check_media, client_name
from proxyctl.gateway.live import Live
from proxyctl.gateway.reply import JSON, Headers, Reply, exchange_headers, served_headers
from proxyctl.gateway.side.audio import FormInbound, check_form, transcribing, translating
from proxyctl.gateway.side.counting import Counted, count_tokens
from proxyctl.gateway.side.embeddings import embedding
from proxyctl.gateway.side.requests import BESIDE, RERANKING, SideInbound
from proxyctl.gateway.side.rerank import reranking
from proxyctl.gateway.side.work import ESTIMATE, Preparing, SideDispatch
from proxyctl.gateway.state import GatewayState

_MESSAGES: DialectName = "anthropic-messages"
_RESPONSES: DialectName = "openai-responses"
InboundT = TypeVar("InboundT", bound=Inbound)


class SideCall(NamedTuple):
    """One request on a side endpoint, its body read."""

    state: GatewayState
    live: Live
    headers: ClientHeaders
    body: bytes
    reply: Reply


class Served(NamedTuple):
    """A request understood: the exchange that it is, and what serves it."""

    exchange: Exchange
    run: Callable[[], Awaitable[None]]


class SideEndpoint(NamedTuple):
    """`dialect` is whose errors the caller reads; `understand` raises `GatewayError` on a malformed request.

    `quiet`: what it serves is no inference, and leaves no record.
    """

    dialect: InboundDialect
    understand: Callable[[SideCall], Served]
    check_media: Callable[[ClientHeaders], None] = check_media
    quiet: bool = False


def _dispatched(
    read: Callable[[ClientHeaders, bytes], InboundT],
    preparing: Callable[[InboundT], Preparing],
    dialect: InboundDialect,
    check: Callable[[ClientHeaders], None] = check_media,
) -> SideEndpoint:
    """An endpoint that chat's dispatch serves."""

    def understand(call: SideCall) -> Served:
        inbound = read(call.headers, call.body)
        prepare = preparing(inbound)
        exchange = _begun(call, inbound)
        return Served(exchange, SideDispatch(call.state, call.live, inbound, exchange, call.reply, prepare).run)

    return SideEndpoint(dialect, understand, check)


def _counting(dialect: InboundDialect, told: Callable[[int], Fields]) -> SideEndpoint:
    """An endpoint that counts the prompts of a dialect and tells the number as `told` says."""

    def understand(call: SideCall) -> Served:
        inbound = Inbound(dialect, call.headers, call.body)
        exchange = _begun(call, inbound)

        async def run() -> None:
            try:
                counted = await count_tokens(call.state, call.live, inbound, exchange)
            except GatewayError as exc:
                await call.reply.problem(dialect, exc.problem(), exchange)
                return
            headers = [*count_headers(counted, exchange), JSON]
            await call.reply.whole(200, headers, encode_json(told(counted.tokens)))

        return Served(exchange, run)

    return SideEndpoint(dialect, understand, quiet=True)


def _understand_legacy(call: SideCall) -> Served:
    """A bare prompt takes chat's whole way: both lanes, streams and all."""
    inbound = Inbound(OPENAI_COMPLETIONS, call.headers, call.body)
    exchange = _begun(call, inbound)
    return Served(exchange, Dispatch(call.state, call.live, inbound, exchange, call.reply).run)


_LEGACY = SideEndpoint(OPENAI_COMPLETIONS, _understand_legacy)


def count_headers(counted: Counted, exchange: Exchange) -> Headers:
    """Who counted, and whether it was only an estimate."""
    deployment = counted.deployment
    headers = exchange_headers(exchange)
    if deployment is not None:
        exchange.substitute = deployment.substitute
        headers = served_headers(exchange, provider=deployment.provider, model=deployment.model, upstream={})
    return headers + ESTIMATE if counted.is_estimate else headers


def _endpoints() -> Mapping[str, SideEndpoint]:
    embeddings = _dispatched(SideInbound, embedding, BESIDE)
    rerank = _dispatched(partial(SideInbound, dialect=RERANKING), reranking, RERANKING)
    transcription = _dispatched(FormInbound, transcribing, BESIDE, check_form)
    translation = _dispatched(FormInbound, translating, BESIDE, check_form)
    found = {
        "/v1/embeddings": embeddings,
        "/embeddings": embeddings,
        "/v1/rerank": rerank,
        "/v2/rerank": rerank,
        "/rerank": rerank,
        "/v1/completions": _LEGACY,
        "/completions": _LEGACY,
        "/v1/audio/transcriptions": transcription,
        "/v2/audio/transcriptions": transcription,
        "/audio/transcriptions": transcription,
        "/v1/audio/translations": translation,
        "/audio/translations": translation,
    }
    messages = _counting(INBOUND[_MESSAGES], lambda tokens: {"input_tokens": tokens})
    for base in ("/v1", "", "/anthropic/v1", "/anthropic"):
        found[f"{base}/messages/count_tokens"] = messages
    responses = _counting(
        INBOUND[_RESPONSES], lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens}
    )
    return found | {"/v1/responses/input_tokens": responses, "/responses/input_tokens": responses}


SIDE_PATHS: Mapping[str, SideEndpoint] = _endpoints()


def _begun(call: SideCall, inbound: Inbound) -> Exchange:
    name = inbound.dialect.name
    return Exchange.begin(name, inbound.peek, call.state.clock, client=client_name(call.headers))
