"""One try of an exchange on one deployment, from the prepared call to the attempt's record.

Until the answer has begun, any failure is raised as an `UpstreamError` and the dispatcher may try elsewhere. After
commit nothing is raised: a cut stream ends in the caller's dialect's own error frame and the outcome `interrupted`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from proxyctl.core.chat import Answer
from proxyctl.core.errors import DecodeError, NoAnswerError, Problem, StatusError, UpstreamError
from proxyctl.core.exchange import AttemptRecord, AttemptResult, Exchange, Outcome
from proxyctl.core.headers import retry_after_seconds
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext, Continuing
from proxyctl.dialects.sse import MAX_FRAME
from proxyctl.gateway.continuing import Asking, ContinuedStream, whole_pieces
from proxyctl.gateway.inbound import Inbound, Keep
from proxyctl.gateway.prepare import Prepared, first_token_limit
from proxyctl.gateway.problems import seen_from_here
from proxyctl.gateway.relay import CUT, EMPTY, Carrier, PassthroughCarrier, TranslateCarrier, garbage_error
from proxyctl.gateway.reply import Headers, Reply, passed_headers, served_headers, upstream_request_id
from proxyctl.gateway.targets import Target
from proxyctl.gateway.upstream import Upstream, UpstreamAnswer
from proxyctl.metering.conversation import estimate_conversation
from proxyctl.metering.tap import translated_answer, whole_answer
from proxyctl.routing.deployment import Deployment

Streamed = UpstreamAnswer | ContinuedStream
"""A stream's answer, with all that continues it where its dialect does that."""

_JSON = (b"content-type", b"application/json")
_JSON_TYPES = frozenset({"application/json", "application/problem+json", "text/json"})
_LONGEST_MESSAGE = 2000
"""Characters of a provider's error text that are told and kept."""
_LONGEST_NAME = 200
_PARTING = 1.0
"""Seconds for which an upstream may end a body that has nothing more to say."""
_MOST_HELD = MAX_FRAME
"""Bytes of pings and other emptiness that are waited through before an answer begins: no honest server sends more."""


@dataclass(slots=True)
class Attempt:
    """The state of one try. `outcome` stays `error` until something better is known.

    `deadline` is the exchange's, on its clock's monotonic time: an answer that has begun by then is never cut by it.
    `keep` gets a complete answer that was made here, before the caller can ask for more of it. `scale` corrects an
    estimate of the prompt's text, for answers that want its size before the provider has told it.
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
    limit: asyncio.Timeout = field(init=False)

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
            if self.inbound.peek.stream:
                await self._stream(answer)
            else:
                await self._whole(answer)
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

    async def _refusal(self, answer: UpstreamAnswer) -> StatusError:
        body = await self._read_error(answer)
        problem = self.prepared.dialect.decode_error(answer.status, body)
        problem = self.target.provider.refine_problem(problem, status=answer.status, body=body)
        if problem.retry_after is None:
            wait = retry_after_seconds(answer.headers, self.exchange.clock.now())
            problem = replace(problem, retry_after=wait)
        return StatusError(problem, body=body)

    async def _whole(self, answer: UpstreamAnswer) -> None:
        body = await self._read_whole(answer)
        try:
            passed = self.prepared.lane == "passthrough"
            sent = self._passed_whole(body) if passed else self._translated_whole(await self._answer_of(body))
        except (DecodeError, UnicodeEncodeError, RecursionError) as exc:  # half a surrogate, or a hundred levels
            raise garbage_error(f"an answer that cannot be read: {exc}") from exc
        headers = self._commit(answer)
        self.outcome = "ok"
        await self.reply.whole(200, [*headers, _JSON], sent)

    async def _read_whole(self, answer: UpstreamAnswer) -> bytes:
        spent = self.exchange.clock.monotonic() - self.begun
        body = await answer.read(seconds=self.target.settings.total_timeout - spent)
        self._upstream_done()
        if answer.content_type not in _JSON_TYPES:
            raise garbage_error(f"a {answer.content_type or 'nameless'} answer: {_shown(self._clean(body))}")
        return body

    async def _answer_of(self, body: bytes) -> Answer:
        """The answer whose (first) body this is."""
        form = self.prepared.dialect
        if not isinstance(form, Continuing) or not form.continuation(body):
            return form.decode_answer(body)
        pieces = await whole_pieces(body, form, self._asking(), read=self._read_whole, paid=self._paid)
        return form.decode_pieces(pieces)

    async def _check(self, answer: UpstreamAnswer) -> None:
        """Raise what an answer says that is none."""
        self.status = answer.status
        if answer.status >= 300 or answer.status < 200:
            raise await self._refusal(answer)
        if self.inbound.peek.stream and answer.content_type != "text/event-stream":
            raise await self._no_stream(answer)

    def _asking(self) -> Asking:
        return Asking(self.prepared, self.upstream, self._check)

    def _paid(self, usage: Usage | None) -> None:
        self.result.usage = usage

    def _passed_whole(self, body: bytes) -> bytes:
        facts = self.inbound.dialect.answer_facts(body)
        now = self.exchange.clock.monotonic()
        if facts.problem is not None:
            raise StatusError(facts.problem, body=self._clean(body))
        if facts.empty:
            raise garbage_error("an empty answer")
        self._learn(whole_answer(facts, answer=body, request=self.prepared.call.body, at=now))
        if self.keep is not None and facts.finish is not None:
            self.keep(body)
        return self.target.provider.mended(body)

    def _translated_whole(self, answer: Answer) -> bytes:
        now = self.exchange.clock.monotonic()
        self._learn(translated_answer(answer, request=self.prepared.call.body, at=now))
        self.prepared.losses.add_uncarried(answer.uncarried)
        restored = self.prepared.names.restore_answer(answer)
        told = self.inbound.dialect.encode_answer(restored, self._context(), self.prepared.losses)
        if self.keep is not None:
            self.keep(told)
        if self.prepared.proofs is not None:
            self.prepared.proofs.read(restored)
        return told

    async def _stream(self, answer: UpstreamAnswer) -> None:
        carrier, form = self._carrier(), self.prepared.dialect
        if isinstance(carrier, TranslateCarrier) and isinstance(form, Continuing):
            continued = ContinuedStream(answer, carrier, form, self._asking())
            try:
                await self._carry(continued, carrier)
            finally:
                await continued.aclose()
        else:
            await self._carry(answer, carrier)

    async def _carry(self, answer: Streamed, carrier: Carrier) -> None:
        held = await self._hold(answer, carrier)
        self._learn(carrier.result(b""))
        headers = self._commit(answer)
        self.outcome = "interrupted"
        self.reply.failure = carrier.failure
        try:
            await self.reply.begin(headers, self._safe(held, carrier))
            problem = await self._relay(answer, carrier)
        finally:
            self._learn(carrier.result(self.prepared.call.body))
        if problem is None:
            self.outcome = "ok"
        else:
            self.result.problem = self._seen(problem)
            if not carrier.told:
                await self.reply.fail(self.inbound.dialect, self.result.problem, self.exchange)
        await self.reply.close()
        if problem is None and not carrier.ended:
            await _part(answer)

    async def _no_stream(self, answer: UpstreamAnswer) -> UpstreamError:
        """Servers answer a stream's request with plain JSON when they mean an error, and forget the status."""
        body = await self._read_error(answer)
        if answer.content_type in _JSON_TYPES:
            problem = self.prepared.dialect.decode_error(200, body)
            return StatusError(problem, body=body)
        kind = answer.content_type or "nameless"
        return garbage_error(f"a {kind} answer where a stream was asked for: {_shown(body)}")

    async def _hold(self, answer: Streamed, carrier: Carrier) -> bytes:
        """Read until something meaningful has come, so that a late error can still be tried elsewhere."""
        held: list[bytes] = []
        size = 0
        limit = first_token_limit(self.inbound, self.target, self.prepared.traits)
        try:
            async with asyncio.timeout(limit):
                while not carrier.started and carrier.problem is None:
                    chunk = await answer.read_chunk()
                    if not chunk:
                        held.append(carrier.end())
                        break
                    held.append(carrier.feed(chunk))
                    size += len(chunk)
                    if size > _MOST_HELD and not carrier.started:
                        raise garbage_error(f"{size} bytes without anything of an answer in them")
        except TimeoutError as exc:
            message = f"nothing meaningful came within {limit:g} s"
            raise NoAnswerError(
                Problem(kind="timeout", status=504, code="first_token_timeout", message=message)
            ) from exc
        self._upstream_done()
        if not carrier.started:
            raise StatusError(carrier.problem or EMPTY)
        return b"".join(held)

    async def _relay(self, answer: Streamed, carrier: Carrier) -> Problem | None:
        """Hand on what comes until the end; returns what went wrong, `None` for a complete answer."""
        try:
            while carrier.problem is None and not carrier.ended and not carrier.over:
                chunk = await answer.read_chunk()
                sent = carrier.feed(chunk) if chunk else carrier.end()
                await self.reply.more(self._safe(sent, carrier))
        except UpstreamError as exc:
            # Cut behind its finish reason, an answer is whole: then this is its end.
            last = carrier.end()
            if not carrier.complete:
                return exc.problem
            await self.reply.more(last)
        return carrier.problem or (None if carrier.complete else CUT)

    def _carrier(self) -> Carrier:
        prepared, dialect = self.prepared, self.inbound.dialect
        if prepared.lane == "passthrough":
            return PassthroughCarrier(dialect, self.exchange.clock, hide_usage=prepared.hide_usage, keep=self.keep)
        return TranslateCarrier(
            prepared.dialect,
            dialect,
            self.exchange.clock,
            context=self._context(),
            names=prepared.names,
            losses=prepared.losses,
            keep=self.keep,
            proofs=prepared.proofs,
        )

    def _context(self) -> AnswerContext:
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

    def _commit(self, answer: Streamed) -> Headers:
        self.limit.reschedule(None)
        self.exchange.losses = self.prepared.losses
        self.exchange.substitute = self.deployment.substitute
        self.exchange.commit()
        headers = served_headers(
            self.exchange,
            provider=self.deployment.provider,
            model=self.result.served_model or self.deployment.model,
            upstream=answer.headers,
        )
        return headers + passed_headers(answer.headers) if self.prepared.lane == "passthrough" else headers

    def _learn(self, result: AttemptResult) -> None:
        result.upstream_request_id = self.result.upstream_request_id
        self.result = result

    def _upstream_done(self) -> None:
        """From here on time is ours: the answer is here, has begun, or failed."""
        if not self.waited:
            self.waited = True
            self.exchange.upstream_seconds += self.exchange.clock.monotonic() - self.begun

    async def _read_error(self, answer: UpstreamAnswer) -> bytes:
        """An error's body without our key: providers quote what they refuse."""
        return self._clean(await answer.read())

    def _safe(self, sent: bytes, carrier: Carrier) -> bytes:
        """Bytes for the caller: a provider's own error frame may quote our key."""
        if self.prepared.lane == "passthrough":
            sent = self.target.provider.mended(sent)
        return sent if carrier.problem is None else self._clean(sent)

    def _clean(self, body: bytes) -> bytes:
        return self.redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _seen(self, problem: Problem) -> Problem:
        deployment = self.deployment
        told = replace(problem, message=self.redact(problem.message)[:_LONGEST_MESSAGE])
        return seen_from_here(told, label=deployment.provider, credential=deployment.credential_label)


async def _part(answer: Streamed) -> None:
    """Let the upstream end its body, so that its connection can serve again; the caller has left with its answer."""
    try:
        async with asyncio.timeout(_PARTING):
            while await answer.read_chunk():
                pass
    except (TimeoutError, UpstreamError):
        pass


def _kept(name: str) -> str:
    """A name that an upstream chose, as a record can hold it: short, and without half a surrogate."""
    name = name[:_LONGEST_NAME]
    return name if name.isascii() else name.encode("utf-8", "replace").decode()


def _shown(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")
