"""One try of an exchange on one deployment, from the prepared call to the attempt's record.

Here a provider is asked, what it refuses is read, and the books are kept; `whole` and `streamed` carry what it answers.
Until the answer has begun, any failure is raised as an `UpstreamError` and the dispatcher may try elsewhere. After
commit nothing is raised: the outcome of an answer that is cut then is `interrupted`.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from proxyctl.core.errors import GarbageError, NoAnswerError, Problem, StatusError, UpstreamError
from proxyctl.core.exchange import AttemptRecord, AttemptResult, Exchange, Outcome
from proxyctl.dialects.base import AnswerContext
from proxyctl.gateway.continuing import Asking
from proxyctl.gateway.inbound import Inbound, Keep
from proxyctl.gateway.prepare import Prepared
from proxyctl.gateway.problems import refusal, seen_from_here
from proxyctl.gateway.relay import garbage_error
from proxyctl.gateway.reply import Headers, Reply, passed_headers, served_headers, upstream_request_id
from proxyctl.gateway.targets import Target
from proxyctl.gateway.upstream import Upstream, UpstreamAnswer
from proxyctl.metering.conversation import estimate_conversation
from proxyctl.routing.breaker import Trial
from proxyctl.routing.deployment import Deployment

JSON_TYPES = frozenset({"application/json", "application/problem+json", "text/json"})
_LONGEST_MESSAGE = 2000
"""Characters of a provider's error text that are told and kept."""
_LONGEST_NAME = 200
_LONGEST_SHOWN = 200
"""Bytes that are shown of a body that is none of ours."""


@dataclass(slots=True)
class Attempt(ABC):
    """The state of one try. `outcome` stays `error` until something better is known.

    `deadline` is the exchange's, on its clock's monotonic time: an answer that has begun by then is never cut by it.
    `keep` gets a complete answer that was made here, before the caller can ask for more of it. `scale` corrects an
    estimate of the prompt's text, for answers that want its size before the provider has told it. `trial` is set for
    the one request that tries a deployment which kept failing, and `on_commit` is then told that its answer has begun.
    """

    exchange: Exchange
    inbound: Inbound
    target: Target
    deployment: Deployment
    prepared: Prepared
    reply: Reply
    upstream: Upstream
    redact: Callable[[str], str]
    keep: Keep | None = None
    outcome: Outcome = "error"
    status: int | None = None
    result: AttemptResult = field(default_factory=AttemptResult)
    started_at: float = 0.0
    begun: float = 0.0
    waited: bool = False
    deadline: float = math.inf
    scale: float = 1.0
    trial: Trial | None = None
    on_commit: Callable[[], None] | None = None
    limit: asyncio.Timeout = field(init=False)
    asking: Asking | None = None

    async def run(self) -> None:
        """Serve the caller. Raises `UpstreamError` when nothing has been sent to it yet."""
        clock = self.exchange.clock
        self.started_at, self.begun = clock.now(), clock.monotonic()
        try:
            await self._run()
        except UpstreamError as exc:
            exc.problem = self.result.problem = self._seen(exc.problem)
            raise
        except asyncio.CancelledError:
            self.outcome = "client_closed" if self.reply.gone else "interrupted"
            raise

    async def _run(self) -> None:
        """Ask and carry, within what is left of the exchange's time until the answer begins."""
        left = self.deadline - self.begun
        self.limit = asyncio.timeout(None if left == math.inf else left)
        try:
            async with self.limit:
                await self._exchange()
        except TimeoutError as exc:
            if not self.limit.expired():
                raise
            message = f"no answer had begun when the request's time was over, {left:.3g} s into this attempt"
            raise NoAnswerError(Problem(kind="timeout", status=504, code="deadline_exceeded", message=message)) from exc

    async def _exchange(self) -> None:
        answer: UpstreamAnswer | None = None
        try:
            answer = await self.upstream.send(self.prepared.call)
            self.result.upstream_request_id = upstream_request_id(answer.headers).decode("latin-1")
            await self._check(answer)
            await self._carry(answer)
        finally:
            self._upstream_done()
            if answer is not None:
                await answer.aclose()

    def record(self) -> AttemptRecord:
        """Close the books of this try; the cost is added by the meter."""
        result = self.result
        first = result.first_token_at
        ended = self.exchange.clock.monotonic()
        answered = self.outcome != "error"
        return AttemptRecord(
            provider=self.deployment.provider,
            model=self.deployment.model,
            lane=self.prepared.lane,
            outcome=self.outcome,
            started_at=self.started_at,
            duration_ms=(ended - self.begun) * 1000,
            credential=self.deployment.credential_label,
            served_model=_kept(result.served_model or self.deployment.model) if answered else "",
            status=self.status,
            first_token_ms=None if first is None else (first - self.begun) * 1000,
            finish=result.finish,
            usage=result.usage,
            error_kind=result.problem.kind if result.problem else "",
            error=result.problem.message if result.problem else "",
            upstream_request_id=result.upstream_request_id,
        )

    @abstractmethod
    async def _carry(self, answer: UpstreamAnswer) -> None:
        """Commit to the answer and hand it to the caller; an `UpstreamError` is for what comes before."""

    async def _check(self, answer: UpstreamAnswer) -> None:
        """Raise what an answer says that is none."""
        self.status = answer.status
        if answer.status >= 300 or answer.status < 200:
            raise await self._refusal(answer)

    async def _refusal(self, answer: UpstreamAnswer) -> StatusError:
        body = await self._read_error(answer)
        problem = refusal(
            self.target,
            self.prepared.dialect,
            status=answer.status,
            headers=answer.headers,
            body=body,
            now=self.exchange.clock.now(),
        )
        return StatusError(problem, body=body)

    async def _read_error(self, answer: UpstreamAnswer) -> bytes:
        """An error's body without our key: providers quote what they refuse."""
        return self._clean(await answer.read())

    def _wrong_type(self, answer: UpstreamAnswer, body: bytes, wanted: str = "") -> GarbageError:
        shown = self._clean(body)[:_LONGEST_SHOWN].decode("utf-8", "replace")
        return garbage_error(f"a {answer.content_type or 'nameless'} answer{wanted}: {shown}")

    @property
    def in_pieces(self) -> bool:
        """Whether more than one call made the answer: its provider counted the prompt for each of them."""
        return self.asking is not None and self.asking.has_begun

    def _asking(self) -> Asking:
        self.asking = Asking(self.prepared.call, self.upstream, self._check)
        return self.asking

    def _context(self) -> AnswerContext:
        """For translating only: it wants the request decoded."""
        request = self.inbound.canonical()
        return AnswerContext(
            model=self.deployment.model,
            created=int(self.exchange.started_at),
            include_usage=self.inbound.peek.include_usage,
            input_estimate=estimate_conversation(request, self.scale),
            show_thinking=self.inbound.dialect.shows_thinking(request),
            custom_tools=frozenset(tool.name for tool in request.tools if tool.kind == "custom"),
            asked=self.inbound.asked,
            answer_id="" if self.keep is None else self.exchange.id.removeprefix("px_"),
        )

    def _commit(self, upstream: Mapping[bytes, bytes]) -> Headers:
        self.limit.reschedule(None)
        self.exchange.losses = self.prepared.losses
        self.exchange.substitute = self.deployment.substitute
        self.exchange.commit()
        if self.on_commit is not None:
            self.on_commit()
        headers = served_headers(
            self.exchange,
            provider=self.deployment.provider,
            model=self.result.served_model or self.deployment.model,
            upstream=upstream,
        )
        return headers + passed_headers(upstream) if self.prepared.lane == "passthrough" else headers

    def _learn(self, result: AttemptResult) -> None:
        result.upstream_request_id = self.result.upstream_request_id
        self.result = result

    def _upstream_done(self) -> None:
        """From here on time is ours: the answer is here, has begun, or failed."""
        if not self.waited:
            self.waited = True
            self.exchange.upstream_seconds += self.exchange.clock.monotonic() - self.begun

    def _clean(self, body: bytes) -> bytes:
        return self.redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _seen(self, problem: Problem) -> Problem:
        deployment = self.deployment
        told = replace(problem, message=self.redact(problem.message)[:_LONGEST_MESSAGE])
        return seen_from_here(told, label=deployment.provider, credential=deployment.credential_label)


def _kept(name: str) -> str:
    """A name that an upstream chose, as a record can hold it: short, and without half a surrogate."""
    name = name[:_LONGEST_NAME]
    return name if name.isascii() else name.encode("utf-8", "replace").decode()
