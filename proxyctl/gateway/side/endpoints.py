"""The side endpoints: which paths there are, how each reads its requests, and who serves them.

The front lets callers in, reads the body and tells refusals; here a body becomes something that can be run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import GatewayError
from proxyctl.core.exchange import Exchange, Operation
from proxyctl.dialects.base import Fields, InboundDialect, encode_json
from proxyctl.dialects.gemini_generate.beside import request_to_count
from proxyctl.dialects.gemini_generate.embedding import EMBED_CONTENTS
from proxyctl.dialects.openai_completions import OPENAI_COMPLETIONS
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.inbound import Address, ClientHeaders, Inbound, check_media, client_name, read_object
from proxyctl.gateway.live import Live
from proxyctl.gateway.reply import JSON, Headers, Reply, exchange_headers, served_headers
from proxyctl.gateway.responses_inbound import ResponsesInbound
from proxyctl.gateway.side.audio import FormInbound, check_form, transcribing, translating
from proxyctl.gateway.side.counting import Counted, count_tokens
from proxyctl.gateway.side.embeddings import embedding, embedding_contents
from proxyctl.gateway.side.requests import BESIDE, RERANKING, SideInbound
from proxyctl.gateway.side.rerank import reranking
from proxyctl.gateway.side.work import ESTIMATE, Preparing, SideDispatch
from proxyctl.gateway.state import GatewayState

_MESSAGES: DialectName = "anthropic-messages"
_RESPONSES: DialectName = "openai-responses"
_GENERATE: DialectName = "gemini-generate"
InboundT = TypeVar("InboundT", bound=Inbound)


class SideCall(NamedTuple):
    """One request on a side endpoint, its body read. `address` is what its path says beside the verb."""

    state: GatewayState
    live: Live
    headers: ClientHeaders
    query: bytes
    address: Address | None
    body: bytes
    reply: Reply


class Served(NamedTuple):
    """A request understood: the exchange that it is, and what serves it."""

    exchange: Exchange
    run: Callable[[], Awaitable[None]]


class SideEndpoint(NamedTuple):
    """`dialect` is whose errors the caller reads; `understand` raises `GatewayError` on a malformed request.

    `operation` is what the record calls it.

    `quiet`: what it serves is no inference, and leaves no record.
    """

    dialect: InboundDialect
    understand: Callable[[SideCall], Served]
    operation: Operation
    check_media: Callable[[ClientHeaders], None] = check_media
    quiet: bool = False


def _dispatched(
    operation: Operation,
    read: Callable[[SideCall], InboundT],
    preparing: Callable[[InboundT], Preparing],
    dialect: InboundDialect,
    check: Callable[[ClientHeaders], None] = check_media,
) -> SideEndpoint:
    """An endpoint that chat's dispatch serves."""

    def understand(call: SideCall) -> Served:
        inbound = read(call)
        prepare = preparing(inbound)
        exchange = _begun(call, inbound, operation)
        return Served(exchange, SideDispatch(call.state, call.live, inbound, exchange, call.reply, prepare).run)

    return SideEndpoint(dialect, understand, operation, check)


def _counting(
    dialect: InboundDialect, read: Callable[[SideCall], Inbound], told: Callable[[int], Fields]
) -> SideEndpoint:
    """An endpoint that counts the prompts of a dialect and tells the number as `told` says."""

    def understand(call: SideCall) -> Served:
        inbound = read(call)
        exchange = _begun(call, inbound)

        async def run() -> None:
            try:
                counted = await count_tokens(call.state, call.live, inbound, exchange)
            except GatewayError as exc:
                await call.reply.problem(dialect, exc.problem(), exchange)
                return
            headers = [*count_headers(counted, exchange), JSON]
            await call.reply.whole(200, headers, counted.answer or encode_json(told(counted.tokens)))

        return Served(exchange, run)

    return SideEndpoint(dialect, understand, "chat", quiet=True)


def _read_form(call: SideCall) -> FormInbound:
    return FormInbound(call.headers, call.body)


def _read_messages(call: SideCall) -> Inbound:
    return Inbound(INBOUND[_MESSAGES], call.headers, call.body)


def _read_responses(call: SideCall) -> Inbound:
    """The whole conversation: what the gateway keeps of it belongs to the prompt."""
    owner = call.live.guard.owner(call.headers, call.query)
    return ResponsesInbound(call.state.kept, owner, INBOUND[_RESPONSES], call.headers, call.body)


def _read_contents(call: SideCall) -> Inbound:
    """Bare contents, or a whole request in a field of its own."""
    body = request_to_count(read_object(call.body)) or call.body
    return Inbound(INBOUND[_GENERATE], call.headers, body, call.address)


def _read_to_embed(call: SideCall) -> Inbound:
    return Inbound(EMBED_CONTENTS, call.headers, call.body, call.address)


def _understand_legacy(call: SideCall) -> Served:
    """A bare prompt takes chat's whole way: both lanes, streams and all."""
    inbound = Inbound(OPENAI_COMPLETIONS, call.headers, call.body)
    exchange = _begun(call, inbound, _LEGACY.operation)
    return Served(exchange, Dispatch(call.state, call.live, inbound, exchange, call.reply).run)


_LEGACY = SideEndpoint(OPENAI_COMPLETIONS, _understand_legacy, "text_completion")


def count_headers(counted: Counted, exchange: Exchange) -> Headers:
    """Who counted, and whether it was only an estimate."""
    deployment = counted.deployment
    headers = exchange_headers(exchange)
    if deployment is not None:
        exchange.substitute = deployment.substitute
        headers = served_headers(exchange, provider=deployment.provider, model=deployment.model, upstream={})
    return headers + ESTIMATE if counted.is_estimate else headers


def _endpoints() -> Mapping[str, SideEndpoint]:
    embeddings = _dispatched("embeddings", lambda call: SideInbound(call.headers, call.body), embedding, BESIDE)
    rerank = _dispatched("rerank", lambda call: SideInbound(call.headers, call.body, RERANKING), reranking, RERANKING)
    transcription = _dispatched("transcription", _read_form, transcribing, BESIDE, check_form)
    translation = _dispatched("translation", _read_form, translating, BESIDE, check_form)
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
    messages = _counting(INBOUND[_MESSAGES], _read_messages, lambda tokens: {"input_tokens": tokens})
    for base in ("/v1", "", "/anthropic/v1", "/anthropic"):
        found[f"{base}/messages/count_tokens"] = messages
    responses = _counting(
        INBOUND[_RESPONSES],
        _read_responses,
        lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens},
    )
    return found | {"/v1/responses/input_tokens": responses, "/responses/input_tokens": responses}


def _verbs() -> Mapping[str, SideEndpoint]:
    """What is asked of a model in a path, by the path's last word."""
    one, several = partial(embedding_contents, batch=False), partial(embedding_contents, batch=True)
    return {
        "countTokens": _counting(INBOUND[_GENERATE], _read_contents, lambda tokens: {"totalTokens": tokens}),
        "embedContent": _dispatched("embeddings", _read_to_embed, one, EMBED_CONTENTS),
        "batchEmbedContents": _dispatched("embeddings", _read_to_embed, several, EMBED_CONTENTS),
    }


SIDE_PATHS: Mapping[str, SideEndpoint] = _endpoints()
SIDE_VERBS: Mapping[str, SideEndpoint] = _verbs()


def _begun(call: SideCall, inbound: Inbound, operation: Operation = "chat") -> Exchange:
    client = client_name(call.headers)
    return Exchange.begin(inbound.dialect.name, inbound.peek, call.state.clock, client=client, operation=operation)
