"""What a failure means: try again, go on, or give up, and what is then out of use.

One table, read from the top: the first row that applies decides. Each row names its rule, so that a later one is added
without reading the others. A row judges by the problem's kind, which dialects and providers have already corrected
(wire notes 2026-11, "statuses to normalise"); the status only tells apart what the kinds do not.

A request that is mended after a 400 is not judged at all (`gateway.mending`). Not here yet: a late first frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Literal, NamedTuple

from proxyctl.core.errors import (
    ConnectError,
    CutError,
    ErrorKind,
    GarbageError,
    NoAnswerError,
    StatusError,
    UpstreamError,
)
from proxyctl.routing.availability import Consequence, Cooldown, CredentialRefused, ModelMissing
from proxyctl.routing.deployment import Deployment

LONGEST_WAITED_OUT = 2.0
"""Seconds of a rate limit that are waited out on the same key: another key or provider costs more."""

Scope = Literal["credential", "model", "provider"]
"""How far a failure reaches: this key only, this model there, or everything of the provider."""


class Verdict(Enum):
    RETRY_SAME = "retry the same deployment"
    NEXT_KEY = "go on with the next deployment, another key of this provider first"
    FALL_BACK = "go on with another model or provider"
    LARGER = "go on with a model that is known to read more"
    GIVE_UP = "pass the failure to the caller"


class Judgement(NamedTuple):
    """What to do now. `rule` is the row's name, for records and logs.

    Before a retry, `wait` seconds are waited out, because the provider named them, and a time drawn at random up to
    `backoff` seconds (full jitter).
    `consequence` is for `Availability.apply`. `counts`: the failure weighs against the provider in later draws.
    `trips`: it also counts for the circuit breaker, which a failure with a consequence of its own does not.
    """

    verdict: Verdict
    rule: str
    scope: Scope = "credential"
    backoff: float = 0.0
    wait: float = 0.0
    consequence: Consequence | None = None
    counts: bool = False
    trips: bool = False


class Row(NamedTuple):
    """One rule. `tries`: how often the same deployment is tried in all before `then` holds.

    `waits`: a retry waits as long as the provider says.
    """

    rule: str
    applies: Callable[[UpstreamError], bool]
    then: Verdict
    scope: Scope
    tries: int = 1
    backoff: float = 0.0
    waits: bool = False
    consequence: Callable[[UpstreamError], Consequence] | None = None
    counts: bool = False

    @property
    def trips(self) -> bool:
        """A 429 has its cooldown: to count it as well would make the wait longer than the provider asked for."""
        return self.counts and self.consequence is None


def _is(*classes: type[UpstreamError]) -> Callable[[UpstreamError], bool]:
    return lambda error: isinstance(error, classes)


def _kind(*kinds: ErrorKind) -> Callable[[UpstreamError], bool]:
    return lambda error: error.problem.kind in kinds


def _status(*statuses: int) -> Callable[[UpstreamError], bool]:
    return lambda error: isinstance(error, StatusError) and error.problem.status in statuses


def _code(code: str) -> Callable[[UpstreamError], bool]:
    return lambda error: error.problem.code == code


def _any(*tests: Callable[[UpstreamError], bool]) -> Callable[[UpstreamError], bool]:
    return lambda error: any(test(error) for test in tests)


def _all(*tests: Callable[[UpstreamError], bool]) -> Callable[[UpstreamError], bool]:
    return lambda error: all(test(error) for test in tests)


def _is_client_error(error: UpstreamError) -> bool:
    return isinstance(error, StatusError) and 400 <= error.problem.status < 500


def _is_brief(error: UpstreamError) -> bool:
    wait = error.problem.retry_after
    return error.problem.retryable and wait is not None and wait <= LONGEST_WAITED_OUT


def _cooldown(error: UpstreamError) -> Consequence:
    problem = error.problem
    return Cooldown(reason=problem.message, retry_after=problem.retry_after, retryable=problem.retryable)


def _refused(error: UpstreamError) -> Consequence:
    return CredentialRefused(f"{error.problem.status} {error.problem.message}")


def _missing(error: UpstreamError) -> Consequence:
    return ModelMissing(error.problem.message)


_REFUSED_KINDS: tuple[ErrorKind, ...] = ("unauthenticated", "upstream_auth", "forbidden", "billing")
_CALLERS_KINDS: tuple[ErrorKind, ...] = ("bad_request", "unsupported_media", "method_not_allowed", "conflict")

ROWS: tuple[Row, ...] = (
    Row("not_reached", _is(ConnectError), Verdict.FALL_BACK, "provider", tries=2, counts=True),
    Row(
        "no_answer_in_time",
        _all(_is(NoAnswerError), _kind("timeout")),
        Verdict.FALL_BACK,
        "model",
        counts=True,
    ),
    Row("hung_up", _is(NoAnswerError), Verdict.FALL_BACK, "provider", tries=2, counts=True),
    Row("cut_before_commit", _is(CutError), Verdict.FALL_BACK, "model", counts=True),
    # Whole or streamed: what the model has misspelt once it may well spell right when asked again, and at once.
    Row("malformed_call", _code("malformed_tool_call"), Verdict.FALL_BACK, "model", tries=2, counts=True),
    Row("garbage", _is(GarbageError), Verdict.FALL_BACK, "model", counts=True),
    Row("too_long", _kind("context_length", "too_large"), Verdict.LARGER, "model"),
    Row("credential_refused", _kind(*_REFUSED_KINDS), Verdict.NEXT_KEY, "credential", consequence=_refused),
    Row(
        "rate_limited_briefly",
        _all(_kind("rate_limit"), _is_brief),
        Verdict.NEXT_KEY,
        "credential",
        tries=2,
        waits=True,
        consequence=_cooldown,
        counts=True,
    ),
    Row("rate_limited", _kind("rate_limit"), Verdict.NEXT_KEY, "credential", consequence=_cooldown, counts=True),
    Row("model_missing", _kind("not_found"), Verdict.FALL_BACK, "model", consequence=_missing),
    Row("request_timed_out", _status(408), Verdict.FALL_BACK, "model", tries=2, counts=True),
    Row("server_error", _status(500), Verdict.FALL_BACK, "model", tries=2, counts=True),
    Row(
        "overloaded",
        _any(_kind("overloaded", "timeout"), _status(502, 503, 504, 529)),
        Verdict.FALL_BACK,
        "model",
        tries=2,
        backoff=1.0,
        counts=True,
    ),
    Row("callers_fault", _any(_kind(*_CALLERS_KINDS), _is_client_error), Verdict.GIVE_UP, "model"),
    Row("other_failure", _is(UpstreamError), Verdict.FALL_BACK, "model", tries=2, backoff=1.0, counts=True),
)


def judge(error: UpstreamError, *, tries_on_this: int, left: float = math.inf, committed: bool = False) -> Judgement:
    """Judge a failed attempt. `tries_on_this` counts the tries on this deployment, the failed one included.

    `left` are the seconds that the exchange still has for another attempt: nothing is waited for beyond them.
    After commit nothing is tried again: the caller has part of an answer, and a second one would be a lie.
    """
    row = next(row for row in ROWS if row.applies(error))
    if committed:
        return Judgement(Verdict.GIVE_UP, "committed", row.scope, counts=row.counts, trips=row.trips)
    wait = (error.problem.retry_after or 0.0) if row.waits else 0.0
    if tries_on_this < row.tries and wait < left:
        return Judgement(Verdict.RETRY_SAME, row.rule, row.scope, row.backoff, wait, counts=row.counts, trips=row.trips)
    consequence = row.consequence(error) if row.consequence is not None else None
    return Judgement(row.then, row.rule, row.scope, consequence=consequence, counts=row.counts, trips=row.trips)


def larger_only(
    steps: Sequence[Deployment], at: int, context_of: Callable[[Deployment], int | None]
) -> tuple[Deployment, ...]:
    """The plan without what follows `steps[at]` and is not known to read more: a longer prompt does not fit there.

    `context_of` gives a deployment's context in tokens, `None` where nobody knows it.
    """
    failed = context_of(steps[at])
    following = [(step, context_of(step)) for step in steps[at + 1 :]]
    larger = (step for step, size in following if failed is not None and size is not None and size > failed)
    return (*steps[: at + 1], *larger)


def next_step(steps: Sequence[Deployment], at: int, judgement: Judgement) -> int | None:
    """The index of the deployment to go on with after `steps[at]` failed; `None` when no other is left.

    A failure of a model skips the provider's other keys for it, one of the provider all its deployments.
    """
    if judgement.verdict is Verdict.GIVE_UP:
        return None
    if judgement.verdict is Verdict.RETRY_SAME:
        return at
    failed = steps[at]
    for index in range(at + 1, len(steps)):
        step = steps[index]
        if judgement.scope == "credential" or step.provider != failed.provider:
            return index
        if judgement.scope == "model" and step.model != failed.model:
            return index
    return None
