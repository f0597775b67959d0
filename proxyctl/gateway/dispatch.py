"""Serve one exchange: ask routing for a plan, try its deployments until one answers, keep the books.

The loop knows nothing of dialects or lanes. `judge` says what each failure means, `Availability` remembers it, and the
attempt does the carrying. Retries share one budget of attempts and one deadline; nothing is tried once the caller has
seen a byte, or has left.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from functools import partial

import msgspec
from msgspec.structs import replace

from proxyctl.core.errors import (
    GatewayError,
    Problem,
    StatusError,
    UnavailableError,
    UnsupportedError,
    UpstreamError,
    WouldLoseError,
)
from proxyctl.core.exchange import Exchange, Outcome
from proxyctl.dialects.base import decode_fields
from proxyctl.gateway.attempt import Attempt
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.live import Live
from proxyctl.gateway.media.fetching import Fetcher
from proxyctl.gateway.media.inlining import ExchangeMedia
from proxyctl.gateway.mending import UNMENDED, Mends, mended
from proxyctl.gateway.prepare import Prepared, prepare
from proxyctl.gateway.problems import exhausted
from proxyctl.gateway.reply import JSON, Reply, exchange_headers, problem_headers
from proxyctl.gateway.state import GatewayState, plan_query
from proxyctl.gateway.streamed import StreamAttempt
from proxyctl.gateway.strict import refuse_losses, strict_wish
from proxyctl.gateway.targets import Target
from proxyctl.gateway.whole import WholeAttempt
from proxyctl.metering.conversation import estimate_text
from proxyctl.routing.affinity import session_key
from proxyctl.routing.availability import Out
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.plan import Plan
from proxyctl.routing.refusals import waiting_error
from proxyctl.routing.verdict import Judgement, Verdict, judge, larger_only, next_step

_PASSED_STATUSES = frozenset({400, 404, 413, 422})
"""Errors about the request itself: a caller of the same dialect reads the provider's own words."""

_LARGEST_COMPARED = 256 * 1024
"""Bytes of a request that is read for comparing our estimate with the provider's count: a larger one says no more."""

_LAST_TRY = sys.maxsize
"""As many tries as no rule allows: the same deployment is not to be tried again."""

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
        self._mends: dict[tuple[str, str], Mends] = {}
        may_need_bytes = inbound.peek.has_images or inbound.peek.has_documents
        self._teaches = True
        """Whether the provider's count of the prompt can be held against our estimate."""
        self._media = exchange_media(state, live, exchange) if may_need_bytes else None

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
            record = self._exchange.finish(outcome, self._reply.status or 499, problem)
            self._state.meter.observe(record, partial(_estimated, self._inbound) if self._teaches else None)

    async def _try(self, plan: Plan) -> Problem | None:
        """Try the plan's deployments in order; `None` when the caller was served (or saw its answer cut)."""
        steps = plan.steps
        strict = strict_wish(self._inbound.headers, plan.strict_alias)
        at: int | None = 0
        tries = deployments = 0
        refusal: GatewayError | None = None
        failed: tuple[Attempt, UpstreamError] | None = None
        while at is not None and self._may_try(deployments := deployments + (tries == 0)):
            try:
                attempt = await self._attempt(steps[at])
                if strict is not None:
                    self._exchange.losses = attempt.prepared.losses
                    refuse_losses(attempt.prepared.losses, f"{steps[at].provider}:{steps[at].model}", strict)
                self._enter(attempt)
            except (UnsupportedError, UnavailableError) as exc:
                # This target cannot be told the request, or is left alone; the next one may serve. Nothing was sent: it
                # costs no budget.
                refusal = _nearer(refusal, exc)
                following = _after_target(steps, at) if isinstance(exc, UnsupportedError) else _after(steps, at)
                at, deployments, tries = following, deployments - (tries == 0), 0
                continue
            error = await self._run(attempt, plan)
            if error is None:
                return None
            failed = (attempt, error)
            if strict is None and self._mend(attempt, error):
                deployments -= tries == 0  # it begins anew on this one
                continue
            tries += 1
            judgement = self._judged(attempt, error, tries, plan.session)
            if judgement.verdict is Verdict.LARGER:
                steps = larger_only(steps, at, self._context_of)
            elif judgement.verdict is Verdict.RETRY_SAME:
                await self._pause(judgement)
            following = next_step(steps, at, judgement)
            if following != at:
                tries = 0
            at = following
        if failed is None:
            raise refusal or GatewayError("the plan is empty")
        return await self._give_up(*failed)

    def _enter(self, attempt: Attempt) -> None:
        """Have the breaker's leave. Raises `UnavailableError`: since the plan, it has opened or given out its trial."""
        clock, availability = self._exchange.clock, self._state.availability
        entered = availability.enter(attempt.deployment, clock.now())
        if isinstance(entered, Out):
            raise waiting_error(self._inbound.peek.model, [entered], clock.now())
        if entered is not None:
            attempt.trial = entered
            attempt.on_commit = lambda: availability.answering(entered, clock.now())

    def _judged(self, attempt: Attempt, error: UpstreamError, tries: int, session: str) -> Judgement:
        """What a failure means. The one that opens a breaker is not tried again there, whatever its row allows."""
        judgement = judge(error, tries_on_this=tries, left=self._seconds_left())
        self._remember(attempt, judgement, session)
        if judgement.verdict is Verdict.RETRY_SAME and self._state.is_out(attempt.deployment):
            return judge(error, tries_on_this=_LAST_TRY)
        return judgement

    def _mend(self, attempt: Attempt, error: UpstreamError) -> bool:
        """Whether the refusal names what can be left out, and it now is: this target gets the request once more."""
        if not isinstance(error, StatusError):
            return False
        target = (attempt.deployment.provider, attempt.deployment.model)
        passes = attempt.prepared.lane == "passthrough"
        mends = mended(
            self._mends.get(target, UNMENDED),
            error.problem,
            attempt.target.provider,
            attempt.prepared.dialect,
            body=attempt.prepared.call.body,
            headers=self._inbound.headers if passes else {},
        )
        if mends is not None:
            self._mends[target] = mends
        return mends is not None

    def _context_of(self, deployment: Deployment) -> int | None:
        return self._state.catalogue.facts(deployment.provider, deployment.model).context

    async def _attempt(self, deployment: Deployment) -> Attempt:
        target = self._live.targets[deployment.provider]
        prepared = await self._prepared(target, deployment)
        maker = target.maker(deployment.credential) if prepared.lane == "passthrough" else ""
        return self._kind_of_attempt()(
            exchange=self._exchange,
            inbound=self._inbound,
            target=target,
            deployment=deployment,
            prepared=prepared,
            reply=self._reply,
            upstream=self._state.upstream,
            redact=self._live.redact,
            keep=self._inbound.keeper(self._query.session, maker),
            deadline=self._deadline,
            scale=self._state.calibration.scale(deployment.provider, deployment.model),
        )

    def _kind_of_attempt(self) -> type[Attempt]:
        return StreamAttempt if self._inbound.peek.stream else WholeAttempt

    async def _prepared(self, target: Target, deployment: Deployment) -> Prepared:
        request = None
        if self._media is not None:
            request = await self._media.request_for(self._inbound, target, deployment.model, deadline=self._deadline)
        mends = self._mends.get((deployment.provider, deployment.model), UNMENDED)
        return prepare(self._inbound, target, deployment.model, deployment.credential, request, mends)

    async def _pause(self, judgement: Judgement) -> None:
        """Let a provider recover, within the deadline. The time is waited for its sake: none of it is ours."""
        clock = self._exchange.clock
        begun = clock.monotonic()
        drawn = random.uniform(0, judgement.backoff)  # noqa: S311 - jitter, no secret
        await asyncio.sleep(min(judgement.wait + drawn, self._deadline - begun))
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
            if attempt.trial is not None:
                self._state.availability.leave(attempt.trial)
            self._exchange.attempts.append(attempt.record())
        self._teaches = not attempt.in_pieces
        problem = attempt.result.problem
        if attempt.outcome == "ok":
            self._state.succeeded(self._session(plan, attempt.deployment), attempt.deployment, attempt.trial)
        elif problem is not None:
            # The caller has seen its beginning: all that is left to do is to remember that it was cut.
            self._remember(attempt, judge(StatusError(problem), tries_on_this=1, committed=True), plan.session)
        return None

    def _session(self, plan: Plan, served: Deployment) -> str:
        """The session to hold there; a first choice without alternatives needs none."""
        if plan.session or served is plan.steps[0]:
            return plan.session
        return session_key(self._query.session(), self._query.peek.model)

    def _remember(self, attempt: Attempt, judgement: Judgement, session: str) -> None:
        now, deployment, problem = self._exchange.clock.now(), attempt.deployment, attempt.result.problem
        if judgement.consequence is not None:
            self._state.availability.apply(judgement.consequence, deployment, now)
        if judgement.counts:
            self._state.failed(session, deployment)
        if judgement.trips:
            reason = problem.message if problem is not None else judgement.rule
            self._state.availability.failed(deployment, reason, now, attempt.trial)

    def _may_try(self, deployments: int) -> bool:
        """Whether the exchange's budget allows one more attempt, on the so-and-so-manyth deployment."""
        routing = self._live.settings.routing
        return (
            deployments <= routing.max_deployments
            and len(self._exchange.attempts) < routing.max_attempts
            and self._exchange.clock.monotonic() < self._deadline
        )

    def _seconds_left(self) -> float:
        """For another attempt; 0 when there is none, whatever the time."""
        if len(self._exchange.attempts) >= self._live.settings.routing.max_attempts:
            return 0.0
        return self._deadline - self._exchange.clock.monotonic()

    async def _give_up(self, attempt: Attempt, error: UpstreamError) -> Problem:
        problem = exhausted(error.problem, self._exchange.attempts)
        self._exchange.losses = attempt.prepared.losses  # what was left out may be why
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
            said = attempt.prepared.dialect.decode_error(told, error.body).message
            in_its_words = replace(error.problem, message=said, hint="")
            await self._reply.whole(told, headers, self._inbound.dialect.own_error(error.body, in_its_words))
        else:
            await self._reply.problem(self._inbound.dialect, problem, self._exchange)
        return problem


def exchange_media(state: GatewayState, live: Live, exchange: Exchange) -> ExchangeMedia | None:
    """Who fetches what this exchange names by address; `None` when nobody may."""
    server = live.settings.server
    if not server.fetch_media:
        return None
    return ExchangeMedia(exchange, Fetcher(state.transport, hosts=server.fetch_hosts))


def _estimated(inbound: Inbound) -> int | None:
    """The prompt by the estimate that the provider's count is held against; `None` for one that is not all here."""
    if inbound.peek.size > _LARGEST_COMPARED or inbound.peek.previous_response:
        return None
    try:
        return estimate_text(inbound.canonical())
    except GatewayError:  # it was passed on in its own dialect, and has something that only that dialect can say
        return None


def _is_object(body: bytes) -> bool:
    """Whether an error body is JSON, as every dialect's is, and not some proxy's page."""
    try:
        decode_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _after(steps: tuple[Deployment, ...], at: int) -> int | None:
    return at + 1 if at + 1 < len(steps) else None


def _after_target(steps: tuple[Deployment, ...], at: int) -> int | None:
    """The next deployment of another provider or model: keys do not change what a target can be told."""
    target = (steps[at].provider, steps[at].model)
    following = range(at + 1, len(steps))
    return next((index for index in following if (steps[index].provider, steps[index].model) != target), None)


def _nearer(known: GatewayError | None, found: GatewayError) -> GatewayError:
    """The refusal to tell: what serves soon, then what only loses something, then what serves in no way."""
    if known is None or _rank(found) < _rank(known):
        return found
    return known


def _rank(refusal: GatewayError) -> tuple[int, float]:
    if isinstance(refusal, UnavailableError):
        return 0, refusal.retry_after or 0.0
    return (1 if isinstance(refusal, WouldLoseError) else 2), 0.0
