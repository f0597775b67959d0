"""The side endpoints' door: which paths there are, and who serves each.

It is entered by the front once the caller has been let in. Reading the body, refusals, records and the end of a caller
that leaves are alike for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import GatewayError, MethodNotAllowedError, ShuttingDownError
from proxyctl.core.exchange import Exchange, Peek
from proxyctl.dialects.base import Fields, InboundDialect, encode_json
from proxyctl.dialects.openai_chat import OpenAIChat
from proxyctl.dialects.openai_completions import OPENAI_COMPLETIONS
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.client_watch import ClientWatch, this_task
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.inbound import ClientHeaders, Inbound, check_media, client_name
from proxyctl.gateway.live import Live
from proxyctl.gateway.reply import Headers, Reply, exchange_headers, served_headers
from proxyctl.gateway.side.audio import FormInbound, check_form, transcribing, translating
from proxyctl.gateway.side.counting import Counted, count_tokens
from proxyctl.gateway.side.embeddings import embedding
from proxyctl.gateway.side.requests import BESIDE, RERANKING, SideInbound
from proxyctl.gateway.side.rerank import reranking
from proxyctl.gateway.side.work import ESTIMATE, Preparing, SideDispatch
from proxyctl.gateway.state import GatewayState
from proxyctl.gateway.upload import Upload, read_body

_JSON = (b"content-type", b"application/json")
_MESSAGES: DialectName = "anthropic-messages"
_RESPONSES: DialectName = "openai-responses"


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
    media: Callable[[ClientHeaders], None] = check_media
    quiet: bool = False


async def serve_side(
    state: GatewayState,
    live: Live,
    endpoint: SideEndpoint,
    method: str,
    headers: ClientHeaders,
    upload: Upload,
    reply: Reply,
) -> None:
    """Serve one request of a caller that the front has let in. Raises `ClientGoneError` when it leaves early."""
    try:
        if method != "POST":
            reply.extra = [*reply.extra, (b"allow", b"POST")]
            raise MethodNotAllowedError(f"this takes POST, not {method}")
        endpoint.media(headers)
        body = await read_body(headers, upload, live.settings.server.max_body_mib * 1024 * 1024)
        served = endpoint.understand(SideCall(state, live, headers, body, reply))
    except GatewayError as exc:
        await upload.skip()
        exchange = Exchange.begin(endpoint.dialect.name, Peek(model=""), state.clock, client=client_name(headers))
        await reply.problem(endpoint.dialect, exc.problem(), exchange)
        if not endpoint.quiet:
            state.meter.observe(exchange.finish("refused", reply.status, exc.problem()))
        return
    watch = ClientWatch(this_task(), upload.receive, reply)
    try:
        await served.run()
    except GatewayError as exc:
        await reply.problem(endpoint.dialect, exc.problem(), served.exchange)
    except asyncio.CancelledError:
        if not reply.gone:
            problem = ShuttingDownError("the gateway was stopped before the answer was complete").problem()
            await reply.break_off(endpoint.dialect, problem, served.exchange)
            raise
    finally:
        watch.stop()


def _dispatched(read: Callable[[SideInbound], Preparing], dialect: OpenAIChat) -> SideEndpoint:
    """An endpoint that chat's dispatch serves."""

    def understand(call: SideCall) -> Served:
        inbound = SideInbound(call.headers, call.body, dialect)
        preparing = read(inbound)
        exchange = _begun(call, inbound)
        dispatch = SideDispatch(call.state, call.live, inbound, exchange, call.reply, preparing)
        return Served(exchange, dispatch.run)

    return SideEndpoint(dialect, understand)


def _form(read: Callable[[FormInbound], Preparing]) -> SideEndpoint:
    """An endpoint that takes a form with a file."""

    def understand(call: SideCall) -> Served:
        inbound = FormInbound(call.headers, call.body)
        exchange = _begun(call, inbound)
        dispatch = SideDispatch(call.state, call.live, inbound, exchange, call.reply, read(inbound))
        return Served(exchange, dispatch.run)

    return SideEndpoint(BESIDE, understand, check_form)


def _counting(dialect: InboundDialect, told: Callable[[int], Fields]) -> SideEndpoint:
    """An endpoint that counts the prompts of a dialect and tells the number as `told` says."""

    def understand(call: SideCall) -> Served:
        inbound = Inbound(dialect, call.headers, call.body)
        exchange = _begun(call, inbound)

        async def run() -> None:
            counted = await count_tokens(call.state, call.live, inbound, exchange)
            headers = [*count_headers(counted, exchange), _JSON]
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
    embeddings, rerank = _dispatched(embedding, BESIDE), _dispatched(reranking, RERANKING)
    found = {
        "/v1/embeddings": embeddings,
        "/embeddings": embeddings,
        "/v1/rerank": rerank,
        "/v2/rerank": rerank,
        "/rerank": rerank,
        "/v1/completions": _LEGACY,
        "/completions": _LEGACY,
        "/v1/audio/transcriptions": _form(transcribing),
        "/v2/audio/transcriptions": _form(transcribing),
        "/audio/transcriptions": _form(transcribing),
        "/v1/audio/translations": _form(translating),
        "/audio/translations": _form(translating),
    }
    messages = _counting(INBOUND[_MESSAGES], lambda tokens: {"input_tokens": tokens})
    for base in ("/v1", "", "/anthropic/v1", "/anthropic"):
        found[f"{base}/messages/count_tokens"] = messages
    if _RESPONSES in INBOUND:
        responses = _counting(
            INBOUND[_RESPONSES], lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens}
        )
        found |= {"/v1/responses/input_tokens": responses, "/responses/input_tokens": responses}
    return found


SIDE_PATHS: Mapping[str, SideEndpoint] = _endpoints()


def _begun(call: SideCall, inbound: Inbound) -> Exchange:
    name = inbound.dialect.name
    return Exchange.begin(name, inbound.peek, call.state.clock, client=client_name(call.headers))
