"""Classify a provider's failure: from its status, its own code words and its message, to a `Problem`.

The dialects read their error bodies, this module knows what the findings mean; a provider corrects it where its status
means something else. Source: wire notes 2026-11, "errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from proxyctl.core.chat import FinishReason
from proxyctl.core.errors import ErrorKind, Problem

_BY_STATUS: dict[int, ErrorKind] = {
    400: "bad_request",
    401: "upstream_auth",
    402: "billing",
    403: "upstream_auth",
    404: "not_found",
    405: "upstream",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media",
    422: "bad_request",
    429: "rate_limit",
    499: "upstream",
    503: "overloaded",
    504: "timeout",
    524: "timeout",
    529: "overloaded",
}

_BY_WORD: dict[str, ErrorKind] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "insufficient_quota": "billing",
    "credit_balance_exhausted": "billing",
    "billing_hard_limit_reached": "billing",
    "billing_error": "billing",
    "enforced_spend_limit_reached": "billing",
    "contract_spend_limit_reached": "billing",
    "ramp_limit_exceeded": "billing",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "slow_down": "rate_limit",
    "tokens": "rate_limit",
    "requests": "rate_limit",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "server_overloaded": "overloaded",
    "service_unavailable": "overloaded",
    "invalid_api_key": "upstream_auth",
    "authentication_error": "upstream_auth",
    "permission_error": "upstream_auth",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "timeout_error": "timeout",
    "conflict_error": "conflict",
    "invalid_request_error": "bad_request",
    "BadRequestError": "bad_request",
}
_DECISIVE = frozenset({"context_length", "billing"})

_CONTEXT = re.compile(
    r"context.{0,12}(length|window|size)|maximum context|prompt is too long|too many (input )?tokens|input is too long"
    r"|reduce the length",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"credit balance|insufficient (credits?|balance|funds|quota)|spend(ing)? limit|billing", re.IGNORECASE
)
_WAIT = re.compile(r"try again in (?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:([\d.]{1,20})(ms|s))?", re.IGNORECASE)
_LONGEST_WAIT = 7 * 86_400.0
"""Seconds: an absurd wait must not take a provider out of use for good."""

STATUS: dict[ErrorKind, int] = {
    "bad_request": 400,
    "context_length": 400,
    "unauthenticated": 401,
    "billing": 402,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media": 415,
    "rate_limit": 429,
    "upstream": 502,
    "upstream_auth": 502,
    "overloaded": 503,
    "timeout": 504,
}
"""The HTTP status of each kind, where a dialect has no other."""

CODE: dict[ErrorKind, str] = {
    "context_length": "context_length_exceeded",
    "billing": "insufficient_quota",
    "rate_limit": "rate_limit_exceeded",
    "upstream_auth": "upstream_auth",
    "overloaded": "overloaded",
    "not_found": "model_not_found",
    "upstream": "upstream_error",
    "timeout": "upstream_timeout",
}
_RETRYABLE = frozenset({"rate_limit", "upstream", "overloaded", "timeout", "conflict"})


class ErrorBody(Struct, kw_only=True):
    """What an error body said, in whatever dialect. `words` are its type and code, most telling first."""

    message: str = ""
    words: tuple[str, ...] = ()
    param: str | None = None
    status: int | None = None
    retry_after: float | None = None


def classify(status: int, body: ErrorBody) -> Problem:
    """Turn a status and what the body said into a `Problem`; a status of 200 says nothing, then the words decide."""
    said = status if status >= 400 else body.status or 0
    kind = _kind(said, body)
    code = CODE.get(kind) or next(iter(body.words), kind)
    message = body.message or f"the provider answered {said or status} without a message"
    wait = body.retry_after
    if wait is None and kind == "rate_limit":
        wait = wait_in(message)
    if wait is not None:
        wait = min(wait, _LONGEST_WAIT)
    return Problem(
        kind=kind,
        status=STATUS[kind],
        code=code,
        message=message,
        param=body.param,
        retry_after=wait,
        retryable=kind in _RETRYABLE,
    )


def reclassified(problem: Problem, kind: ErrorKind) -> Problem:
    """The same failure as another kind, for a provider whose status means something else."""
    return Problem(
        kind=kind,
        status=STATUS[kind],
        code=CODE.get(kind) or kind,
        message=problem.message,
        hint=problem.hint,
        param=problem.param,
        retry_after=problem.retry_after if problem.retry_after is not None else wait_in(problem.message),
        retryable=kind in _RETRYABLE,
    )


def unreadable(status: int, body: bytes) -> Problem:
    """An error body that is no JSON (a proxy's HTML, plain text): classed by its status, its start the message."""
    text = " ".join(body[:800].decode("utf-8", "replace").split())[:200]
    return classify(status if status >= 400 else 502, ErrorBody(message=text))


def wait_in(message: str) -> float | None:
    """Seconds in a message like "Please try again in 1m7.66s", `None` when it names no time."""
    match = _WAIT.search(message)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, amount, unit = match.groups()
    try:
        seconds = float(amount or 0)
    except ValueError:
        return None
    if unit and unit.lower() == "ms":
        seconds /= 1000
    return min(int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds, _LONGEST_WAIT)


def _kind(status: int, body: ErrorBody) -> ErrorKind:
    named = _by_word(body.words)
    if named in _DECISIVE:
        return named
    if status in (0, 400, 413, 422) and _CONTEXT.search(body.message):
        return "context_length"
    if status in (0, 400, 403) and _MONEY.search(body.message):
        return "billing"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "upstream"
    return "bad_request" if status >= 400 and named is None else named or "upstream"


def _by_word(words: Iterable[str]) -> ErrorKind | None:
    kinds = [_BY_WORD[word] for word in words if word in _BY_WORD]
    return next((kind for kind in kinds if kind in _DECISIVE), kinds[0] if kinds else None)


BROKEN_OFF = Problem(kind="upstream", status=502, code="upstream_error", message="the provider broke the answer off")
FAILED_FINISHES: frozenset[FinishReason] = frozenset({"error", "malformed_tool"})
"""With these an answer must not look complete, however it ended on the wire."""


def failed_answer(finish: FinishReason) -> Problem:
    """The error that an answer with one of `FAILED_FINISHES` is, instead of an answer."""
    if finish == "malformed_tool":
        message = "the model wrote a tool call that cannot be read"
        return Problem(kind="upstream", status=502, code="malformed_tool_call", message=message)
    return BROKEN_OFF
