"""What a caller is told when a request could not be served: one `Problem` from everything that was tried.

The caller's dialect turns it into bytes. The message names each deployment and why it failed; keys never stand in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from proxyctl.core.errors import Problem
from proxyctl.core.exchange import AttemptRecord
from proxyctl.core.headers import retry_after_seconds
from proxyctl.dialects.base import UpstreamDialect
from proxyctl.gateway.targets import Target

_OURS = {"unauthenticated", "forbidden", "upstream_auth"}


def refusal(
    target: Target, dialect: UpstreamDialect, *, status: int, headers: Mapping[bytes, bytes], body: bytes, now: float
) -> Problem:
    """What a provider's error answer says, `now` being Unix seconds; a wait in its body comes before the headers'."""
    problem = dialect.decode_error(status, body)
    problem = target.provider.refine_problem(problem, status=status, body=body)
    if problem.retry_after is not None:
        return problem
    return replace(problem, retry_after=retry_after_seconds(headers, now))


def seen_from_here(problem: Problem, *, label: str, credential: str) -> Problem:
    """An upstream's problem as the gateway's: a refused credential is ours, not the caller's."""
    message = f"{label}: {problem.message}"
    if problem.kind not in _OURS:
        return replace(problem, message=message)
    return replace(
        problem,
        kind="upstream_auth",
        status=502,
        code="upstream_auth",
        message=f"{label} refused the gateway's credential ({credential or 'none'}): {problem.message}",
        hint=problem.hint or "check the key with `proxyctl providers test`, set it with `proxyctl providers key`",
        retryable=False,
    )


def exhausted(problem: Problem, attempts: Sequence[AttemptRecord]) -> Problem:
    """The last problem, with the trail of what was tried before it."""
    failed = [attempt for attempt in attempts if attempt.error]
    if len(failed) < 2:
        return problem
    trail = "; ".join(f"{attempt.provider}:{attempt.model}: {attempt.error}" for attempt in failed)
    return replace(problem, message=f"every provider of the plan failed: {trail}")
