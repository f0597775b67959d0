"""Serve one exchange: ask routing for a plan, try its deployments until one answers, keep the books.

The loop knows nothing of dialects or lanes. `judge` says what each failure means, `Availability` remembers it, and the
attempt does the carrying. Retries share one budget of attempts and one deadline; nothing is tried once the caller has
seen a byte, or has left.
"""

from __future__ import annotations

import asyncio
import logging
import random

import msgspec

from proxyctl.core.errors import (
    GatewayError,
    Problem,
    StatusError,
    UnsupportedError,
    UpstreamError,
    WouldLoseError,
)
from proxyctl.core.exchange import Exchange, Outcome
from proxyctl.dialects.base import decode_fields
from proxyctl.gateway.attempt import Attempt
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.live import Live
from proxyctl.gateway.prepare import prepare
from proxyctl.gateway.problems import exhausted
from proxyctl.gateway.reply import JSON, Reply, exchange_headers, problem_headers
from proxyctl.gateway.state import GatewayState, plan_query
from proxyctl.gateway.strict import refuse_losses, wants_strict
from proxyctl.routing.affinity import session_key
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.plan import Plan
from proxyctl.routing.verdict import Judgement, Verdict, judge, next_step

_PASSED_STATUSES = frozenset({400, 404, 413, 422})
"""Errors about the request itself: a caller of the same dialect reads the provider's own words."""

_BROKEN = Problem(
    kind="upstream", status=500, code="internal_error", message="the gateway failed: its log says why", retryable=False
)
_log = logging.getLogger(__name__)


class Dispatch:
    """One exchange under way. `live` is the configuration it began with, and keeps."""

    def __init__(self, state: GatewayState, live: Live, inbound: Inbound, exchange: Exchange, reply: Reply) -> None:
        self._state = state
        self._live = live
        self._inbound = inbound
        self._exchange = exchange
        self._reply = reply
        self._query = plan_query(inbound, exchange)
        self._deadline = exchange.begun + live.settings.routing.deadline_seconds

    async def run(self) -> None:
        """Serve the caller and close the books, whatever happens."""
        outcome: Outcome = "error"
        problem: Problem | None = None
        try:
            plan = self._state.plan(self._live, self._query)
            problem = await self._try(plan)
            outcome = "error" if problem is not None else self._exchange.attempts[-1].outcome
        except GatewayError as exc:
            problem = exc.problem()
            outcome = "error" if self._exchange.attempts else "refused"
            await self._reply.problem(self._inbound.dialect, problem, self._exchange)
        except asyncio.CancelledError:
            outcome = "client_closed" if self._reply.gone else "interrupted"
            raise
        except Exception:  # noqa: BLE001 - it is logged and told
            # A fault of ours: the log says where, and the caller is told in its dialect instead of by a bare 500.
            _log.exception("exchange %s failed inside the gateway", self._exchange.id)
            problem = _BROKEN
            await self._reply.break_off(self._inbound.dialect, problem, self._exchange)
        finally:
            self._state.meter.observe(self._exchange.finish(outcome, self._reply.status or 499, problem))

    async def _try(self, plan: Plan) -> Problem | None:
        """Try the plan's deployments in order; `None` when the caller was served (or saw its answer cut)."""
        steps = plan.steps
        strict = wants_strict(self._inbound.headers)
        at: int | None = 0
        tries = deployments = 0
        refusal: UnsupportedError | None = None
        failed: tuple[Attempt, UpstreamError] | None = None
        while at is not None and self._may_try(deployments := deployments + (tries == 0)):
            try:
                attempt = self._attempt(steps[at])
                if strict:
                    refuse_losses(attempt.prepared.losses, f"{steps[at].provider}:{steps[at].model}")
            except UnsupportedError as exc:
                # This target cannot be told the request; the next one may. Nothing was sent: it costs no budget.
                refusal = _nearer(refusal, exc)
                at, tries, deployments = _after_target(steps, at), 0, deployments - 1
                continue
            error = await self._run(attempt, plan)
            if error is None:
                return None
            failed = (attempt, error)
            tries += 1
            judgement = judge(error, tries_on_this=tries)
            self._remember(steps[at], judgement, plan.session)
            following = next_step(steps, at, judgement)
            if judgement.verdict is Verdict.RETRY_SAME:
                await self._pause(judgement.backoff)
            if following != at:
                tries = 0
            at = following
        if failed is None:
            raise refusal or GatewayError("the plan is empty")
        return await self._give_up(*failed)

    def _attempt(self, deployment: Deployment) -> Attempt:
        target = self._live.targets[deployment.provider]
        return Attempt(
            exchange=self._exchange,
            inbound=self._inbound,
            target=target,
            deployment=deployment,
            prepared=prepare(self._inbound, target, deployment.model, deployment.credential),
            reply=self._reply,
            upstream=self._state.upstream,
            redact=self._live.redact,
            keep=self._inbound.keeper(self._query.session),
            deadline=self._deadline,
        )

    async def _pause(self, longest: float) -> None:
        """Let a provider recover, within the deadline. The time is waited for its sake: none of it is ours."""
        clock = self._exchange.clock
        begun = clock.monotonic()
        drawn = random.uniform(0, longest)  # noqa: S311 - jitter, no secret
        await asyncio.sleep(min(drawn, self._deadline - begun))
        self._exchange.upstream_seconds += clock.monotonic() - begun

    async def _run(self, attempt: Attempt, plan: Plan) -> UpstreamError | None:
        provider = attempt.deployment.provider
        self._state.metrics.begin(provider)
        try:
            await attempt.run()
        except UpstreamError as error:
            return error
        finally:
            self._state.metrics.end(provider)
            self._exchange.attempts.append(attempt.record())
        if attempt.outcome == "ok":
            self._state.succeeded(self._session(plan, attempt.deployment), attempt.deployment)
        return None

    def _session(self, plan: Plan, served: Deployment) -> str:
        """The session to hold there; a first choice without alternatives needs none."""
        if plan.session or served is plan.steps[0]:
            return plan.session
        return session_key(self._query.session(), self._query.peek.model)

    def _remember(self, deployment: Deployment, judgement: Judgement, session: str) -> None:
        now = self._exchange.clock.now()
        if judgement.consequence is not None:
            self._state.availability.apply(judgement.consequence, deployment, now)
        if judgement.counts:
            self._state.failed(session, deployment)

    def _may_try(self, deployments: int) -> bool:
        """Whether the exchange's budget allows one more attempt, on the so-and-so-manyth deployment."""
        routing = self._live.settings.routing
        return (
            deployments <= routing.max_deployments
            and len(self._exchange.attempts) < routing.max_attempts
            and self._exchange.clock.monotonic() < self._deadline
        )

    async def _give_up(self, attempt: Attempt, error: UpstreamError) -> Problem:
        problem = exhausted(error.problem, self._exchange.attempts)
        passed = attempt.prepared.lane == "passthrough" and error.problem.status in _PASSED_STATUSES
        if passed and isinstance(error, StatusError) and _is_object(error.body):
            headers = [
                *exchange_headers(self._exchange),
                *problem_headers(problem),
                JSON,
                (b"x-proxyctl-provider", attempt.deployment.provider.encode()),
            ]
            # An error inside a 200 gets the status that it should have had.
            told = attempt.status if attempt.status and attempt.status >= 400 else error.problem.status
            await self._reply.whole(told, headers, error.body)
        else:
            await self._reply.problem(self._inbound.dialect, problem, self._exchange)
        return problem


def _is_object(body: bytes) -> bool:
    """Whether an error body is JSON, as every dialect's is, and not some proxy's page."""
    try:
        decode_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _after_target(steps: tuple[Deployment, ...], at: int) -> int | None:
    """The next deployment of another provider or model: keys do not change what a target can be told."""
    target = (steps[at].provider, steps[at].model)
    following = range(at + 1, len(steps))
    return next((index for index in following if (steps[index].provider, steps[index].model) != target), None)


def _nearer(known: UnsupportedError | None, found: UnsupportedError) -> UnsupportedError:
    """The refusal to tell: the first one, but one about losses is nearer to an answer than one without any way."""
    if known is None or (isinstance(found, WouldLoseError) and not isinstance(known, WouldLoseError)):
        return found
    return known
