"""How many tokens a prompt has: asked of the provider that would serve it, where it can count, else estimated.

Counting is no inference. It uses up no turn and no trial, is neither recorded nor billed, and weighs against nobody:
whatever goes wrong at the provider ends in an estimate, which says that it is one. Only a request that the provider
refuses in the caller's own dialect is refused, since it would be refused as a message too.
"""

from __future__ import annotations

import logging

from msgspec import Struct
from msgspec.structs import replace

from proxyctl.core.chat import ChatRequest
from proxyctl.core.errors import (
    BadRequestError,
    DecodeError,
    StatusError,
    UnavailableError,
    UnsupportedError,
    UpstreamError,
)
from proxyctl.core.exchange import Exchange
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields, decode_fields, encode_json
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.dialects.side.facts import Counter
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.live import Live
from proxyctl.gateway.mending import UNMENDED, Mends, mended
from proxyctl.gateway.prepare import Prepared, lane_of, prepare
from proxyctl.gateway.problems import refusal
from proxyctl.gateway.state import GatewayState, plan_query
from proxyctl.gateway.targets import Target
from proxyctl.gateway.transport import Timeouts
from proxyctl.gateway.upstream import UpstreamCall
from proxyctl.metering.conversation import estimate_conversation
from proxyctl.metering.estimate import estimate_body
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.plan import explain

PATIENCE = 10.0
"""Seconds for a count: callers ask before each message, and an estimate is at hand."""
_CALLERS = frozenset({400, 413, 422})
_log = logging.getLogger(__name__)


class Counted(Struct, frozen=True, kw_only=True):
    """A prompt's tokens. `deployment` is who would serve it, `None` when nobody can now.

    `answer` is the counter's own, where it was asked in the caller's dialect: it may say more than the number.
    """

    tokens: int
    is_estimate: bool
    deployment: Deployment | None = None
    answer: bytes | None = None


async def count_tokens(state: GatewayState, live: Live, inbound: Inbound, exchange: Exchange) -> Counted:
    """Count a conversation's prompt. Raises the `GatewayError` that the conversation itself would be refused with."""
    query = plan_query(inbound, exchange)
    now = exchange.clock.now()
    plan = explain(query, live.snapshot, state.catalogue, state.availability, state.affinity, now)
    if plan.refusal is not None and not isinstance(plan.refusal, UnavailableError):
        raise plan.refusal
    first = plan.steps[0] if plan.steps else None
    canonical = _read(live, inbound, first)
    counted = None if first is None else await _asked(state, live, inbound, first)
    if counted is not None:
        return counted
    scale = 1.0 if first is None else state.calibration.scale(first.provider, first.model)
    tokens = estimate_body(inbound.body) if canonical is None else estimate_conversation(canonical, scale)
    return Counted(tokens=tokens, is_estimate=True, deployment=first)


def _read(live: Live, inbound: Inbound, first: Deployment | None) -> ChatRequest | None:
    """The conversation; `None` when only its own dialect can say it, or whom it passes to knows what came before."""
    try:
        return inbound.canonical()
    except (BadRequestError, UnsupportedError) as exc:
        if isinstance(exc, BadRequestError) and not inbound.peek.previous_response:
            raise
        if first is None or lane_of(inbound, live.targets[first.provider], first.model)[0] != "passthrough":
            raise
        return None


async def _asked(
    state: GatewayState, live: Live, inbound: Inbound, deployment: Deployment, mends: Mends = UNMENDED
) -> Counted | None:
    """The provider's own count, `None` when it gives none. Raises `BadRequestError` for what it says is malformed."""
    target = live.targets[deployment.provider]
    counter = target.provider.beside.counter
    if counter is None:
        return None
    try:
        prepared = prepare(inbound, target, deployment.model, deployment.credential, mends=mends)
        call = _call(inbound, prepared, target, deployment, counter)
    except (UnsupportedError, RecursionError):
        return None
    own = prepared.lane == "passthrough" and prepared.dialect.name == counter.dialect
    try:
        answer = await _sent(state, call, prepared, target)
        tokens = counter.decode(answer)
    except (UpstreamError, DecodeError, TimeoutError) as exc:
        if own and isinstance(exc, StatusError) and exc.problem.status in _CALLERS:
            more = mended(
                mends, exc.problem, target.provider, prepared.dialect, body=prepared.call.body, headers=inbound.headers
            )
            if more is not None:  # as a message it would be sent once more too
                return await _asked(state, live, inbound, deployment, more)
            message = live.redact(f"{target.name}: {exc.problem.message}")
            raise BadRequestError(message, param=exc.problem.param, code=exc.problem.code) from exc
        _log.info("%s did not count: %s", target.name, live.redact(str(exc)))
        return None
    return Counted(tokens=tokens, is_estimate=False, deployment=deployment, answer=answer if own else None)


def _call(
    inbound: Inbound, prepared: Prepared, target: Target, deployment: Deployment, counter: Counter
) -> UpstreamCall:
    """The counting call, from the one that would be made for an answer. Raises `UnsupportedError` if there is none."""
    provider, call = target.provider, prepared.call
    path = counter.path.replace("{model}", provider.in_path(deployment.model))
    if prepared.dialect.name == counter.dialect:
        fields: Fields = dict(decode_fields(call.body))
    else:
        fields = _in_its_words(inbound, prepared, target, deployment, counter)
    body = encode_json(counter.encode(fields, deployment.model))
    return call._replace(
        target=(target.path + path).encode(),
        body=body,
        timeouts=Timeouts(min(PATIENCE, target.settings.connect_timeout), PATIENCE, PATIENCE),
    )


def _in_its_words(
    inbound: Inbound, prepared: Prepared, target: Target, deployment: Deployment, counter: Counter
) -> Fields:
    """A request that would be sent in another dialect, in the one that is counted: the prompt is the same."""
    losses = Losses()  # of a request that is not sent
    request = replace(inbound.canonical(), model=deployment.model)
    fields = UPSTREAM[counter.dialect].encode_request(request, prepared.traits, losses)
    return target.provider.adapt(fields, dialect=counter.dialect, model=deployment.model, losses=losses)


async def _sent(state: GatewayState, call: UpstreamCall, prepared: Prepared, target: Target) -> bytes:
    status, headers, body = await state.upstream.whole(call, seconds=PATIENCE)
    if status != 200:
        now = state.clock.now()
        problem = refusal(target, prepared.dialect, status=status, headers=headers, body=body, now=now)
        raise StatusError(problem, body=body)
    return body
