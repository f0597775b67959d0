"""Choose the lane of an attempt and build the upstream call: which bytes go where, with which headers.

In the passthrough lane the body's own bytes are sent unless something must differ (the model's name, a field that the
provider refuses, usage that we want reported); then only the top level is written anew. In the translate lane the
canonical request is encoded in the provider's first dialect. Provider rules apply to both, through `Provider.adapt`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import ChatRequest, DialectName
from proxyctl.core.errors import BadRequestError
from proxyctl.core.exchange import Lane
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields, UpstreamDialect, encode_json
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.openai_chat.foreign import without_foreign_signatures
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.dialects.sound import unique_tools
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits
from proxyctl.gateway.inbound import ClientHeaders, Inbound, raw_or_none, session_of
from proxyctl.gateway.kept_signatures import Maker
from proxyctl.gateway.mending import UNMENDED, Mends
from proxyctl.gateway.proof_gathering import ProofGatherer
from proxyctl.gateway.targets import Target
from proxyctl.gateway.transport import Timeouts
from proxyctl.gateway.upstream import UpstreamCall

LARGE_PROMPT = 400_000
"""A body of this many bytes (some 100,000 tokens) may take long to its first token."""

NO_NAMES = ToolNames.of((), PERMISSIVE)
_JSON = (b"content-type", b"application/json")
_ACCEPT_STREAM = (b"accept", b"text/event-stream")
_ACCEPT_JSON = (b"accept", b"application/json")
_NO_HEADERS: ClientHeaders = {}


class Prepared(Struct, frozen=True, kw_only=True):
    """One attempt, ready to be sent.

    `names` undoes renamed tools in the answer (nothing in the passthrough lane); `hide_usage` when the stream's
    usage was asked for on our account only; `proofs` keeps what proves the answer's calls, for the next request.
    """

    lane: Lane
    dialect: UpstreamDialect
    call: UpstreamCall
    losses: Losses
    traits: ModelTraits
    names: ToolNames
    hide_usage: bool
    proofs: ProofGatherer | None = None


class _Said(NamedTuple):
    """A request as its lane says it. `headers` are the caller's, where they mean something to the provider."""

    body: bytes
    headers: ClientHeaders = _NO_HEADERS
    names: ToolNames = NO_NAMES
    proofs: ProofGatherer | None = None


def lane_of(inbound: Inbound, target: Target, model: str) -> tuple[Lane, DialectName]:
    """Pass through when the provider speaks the caller's dialect as its clients know it, else translate.

    Which of its dialects a request is sent in is the provider's to say: some models take some things in one only.
    """
    provider, caller = target.provider, inbound.dialect.name
    name = provider.dialect_for(caller, model, inbound.peek)
    passes = name == caller and provider.passes(name, model, inbound.peek)
    return ("passthrough" if passes else "translate"), name


def prepare(
    inbound: Inbound,
    target: Target,
    model: str,
    credential: int,
    told: ChatRequest | None = None,
    mends: Mends = UNMENDED,
) -> Prepared:
    """Build the call of one attempt. Raises `GatewayError` when the request cannot be said to this target.

    `told` is what to translate where that is not the request as it came; `mends` what this target refused of it.
    """
    lane, name = lane_of(inbound, target, model)
    losses = Losses()
    traits = target.provider.traits(model)
    if lane == "passthrough":
        said = _passed(inbound.told_to(target.maker(credential)), target, name, model, losses, mends)
    else:
        request = msgspec.structs.replace(told or inbound.canonical(), model=model)
        said = _translated(request, inbound, target, name, traits, losses, mends)
    stream = inbound.peek.stream
    call = UpstreamCall(
        origin=target.origin,
        method=b"POST",
        target=(target.path + target.provider.target(name, model, stream=stream)).encode(),
        headers=target.call_headers(
            _JSON,
            _ACCEPT_STREAM if stream else _ACCEPT_JSON,
            dialect=name,
            model=model,
            credential=credential,
            client=mends.headers(said.headers, losses),
        ),
        body=said.body,
        timeouts=_timeouts(inbound, target, traits),
    )
    return Prepared(
        lane=lane,
        dialect=UPSTREAM[name],
        call=call,
        losses=losses,
        traits=traits,
        names=said.names,
        proofs=said.proofs,
        hide_usage=stream and not inbound.peek.include_usage,
    )


def _passed(inbound: Inbound, target: Target, name: DialectName, model: str, losses: Losses, mends: Mends) -> _Said:
    provider = target.provider
    fields: Fields = dict(inbound.fields)
    if model != inbound.peek.model:
        fields["model"] = model
    if inbound.peek.stream and name == "openai-chat" and provider.asks_stream_usage():
        _ask_for_usage(fields)
    if inbound.proofs and name == "openai-chat" and "messages" in fields:
        is_foreign = partial(inbound.proofs.is_anothers, maker=Maker(name, model), session=partial(session_of, inbound))
        fields["messages"] = without_foreign_signatures(fields["messages"], is_foreign, losses)
    fields = mends.proven(fields, UPSTREAM[name], losses)
    adapted = provider.adapt(fields, dialect=name, model=model, losses=losses)
    adapted = mends.taken(adapted, losses, unasked=_unasked(inbound))
    if _unchanged(inbound.fields, adapted) and inbound.written_plainly():
        return _Said(inbound.body, inbound.headers)
    return _Said(encode_json(adapted), inbound.headers)


def _translated(
    request: ChatRequest,
    inbound: Inbound,
    target: Target,
    name: DialectName,
    traits: ModelTraits,
    losses: Losses,
    mends: Mends,
) -> _Said:
    request = unique_tools(request, losses)
    proofs: ProofGatherer | None = None
    if inbound.proofs is not None:
        maker, session = Maker(name, request.model), partial(session_of, inbound)
        request = inbound.proofs.put_back(request, maker, session, losses)
        proofs = inbound.proofs.gatherer(maker, session, unsigned=traits.reasoning_in is not None)
    try:
        fields = _translated_fields(request, target, name, traits, losses, mends)
        fields = mends.taken(fields, losses, unasked=_unasked(inbound))
        body = encode_json(fields)
    except RecursionError as exc:
        raise BadRequestError("the request is nested too deeply to be translated") from exc
    return _Said(body, names=ToolNames.of(request.tools, traits), proofs=proofs)


def _translated_fields(
    request: ChatRequest, target: Target, name: DialectName, traits: ModelTraits, losses: Losses, mends: Mends
) -> Fields:
    provider = target.provider
    for path in request.extras:
        losses.add(path, "it has no counterpart in another dialect")
    fields = UPSTREAM[name].encode_request(request, traits, losses)
    if request.stream and name == "openai-chat" and provider.asks_stream_usage():
        _ask_for_usage(fields)
    fields = mends.proven(fields, UPSTREAM[name], losses)
    return provider.adapt(fields, dialect=name, model=request.model, losses=losses)


def _ask_for_usage(fields: Fields) -> None:
    """Set `stream_options.include_usage`, keeping the caller's other stream options."""
    asked = raw_or_none(fields, "stream_options")
    options = msgspec.json.decode(asked, type=dict[str, Raw]) if asked else {}
    if bytes(options.get("include_usage", b"")) != b"true":
        fields["stream_options"] = {**options, "include_usage": True}


def _unasked(inbound: Inbound) -> tuple[str, ...]:
    """Fields that stand in a body for our sake only."""
    return () if inbound.peek.include_usage else ("stream_options",)


def _unchanged(before: Fields, after: Fields) -> bool:
    return len(before) == len(after) and all(after.get(key) is value for key, value in before.items())


def _timeouts(inbound: Inbound, target: Target, traits: ModelTraits) -> Timeouts:
    """A stream must begin soon; a whole answer may take as long as the exchange may."""
    settings = target.settings
    if not inbound.peek.stream:
        return Timeouts(settings.connect_timeout, settings.total_timeout, settings.idle_timeout)
    return Timeouts(settings.connect_timeout, first_token_limit(inbound, target, traits), settings.idle_timeout)


def first_token_limit(inbound: Inbound, target: Target, traits: ModelTraits) -> float:
    """Seconds until the first meaningful frame; `inf` for whole answers, which have no first token."""
    if not inbound.peek.stream:
        return math.inf
    settings = target.settings
    slow = inbound.peek.wants_thinking or traits.thinks_unasked or inbound.peek.size > LARGE_PROMPT
    return settings.thinking_first_token_timeout if slow else settings.first_token_timeout
