"""Google's error objects to a `Problem`, and back.

Three things are not what the status says: a bad key is a 400 whose details name `API_KEY_INVALID`; a quota may be a
day's or not exist at all (`limit: 0`), and then trying again is no use; the wait stands in the body, not in a header.
Shape: `{"error": {"code", "message", "status", "details": […]}}`, at times inside a one-element array.
Source: wire notes 2026-11, "Google Gemini", errors.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects import error_body
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.failure import ErrorBody, classify, reclassified
from proxyctl.dialects.sse import frame
from proxyctl.dialects.typed import fits

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)s$")
_NO_QUOTA = re.compile(r"\blimit: ?0\b")
_TOO_LONG = re.compile(r"input token count.{0,80}exceeds|exceeds the maximum number of tokens", re.IGNORECASE)
_KEY_REASONS = ("API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_EXPIRED")  # no set: a reason may be any JSON
_STATUS_NAMES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_NAMES: dict[ErrorKind, str] = {
    "bad_request": "INVALID_ARGUMENT",
    "context_length": "INVALID_ARGUMENT",
    "unauthenticated": "UNAUTHENTICATED",
    "forbidden": "PERMISSION_DENIED",
    "billing": "RESOURCE_EXHAUSTED",
    "not_found": "NOT_FOUND",
    "method_not_allowed": "INVALID_ARGUMENT",
    "conflict": "ABORTED",
    "too_large": "INVALID_ARGUMENT",
    "unsupported_media": "INVALID_ARGUMENT",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."


class _Error(Struct):
    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: list[dict[str, Any]] | None = None


class _Envelope(Struct):
    error: _Error


class _OwnError(Struct):
    code: int
    message: str
    status: str


class _OwnEnvelope(Struct):
    error: _OwnError


_own = msgspec.json.Decoder(_OwnEnvelope)


def is_own_error(body: bytes) -> bool:
    """Whether it is a `google.rpc.Status` with the members that clients look for, and no list around it."""
    return fits(_own, body)


def own_error(body: bytes, problem: Problem) -> bytes:
    """The body as it came where it is Google's, else what was read from it in Google's shape."""
    return body if is_own_error(body) else encode_error(problem)[1]


def unwrapped(body: bytes) -> bytes:
    """Take the object out of a one-element array, in which Google puts errors at times."""
    if body[:1] == b"{":
        return body
    stripped = body.strip()
    if not (stripped.startswith(b"[") and stripped.endswith(b"]")):
        return body
    try:
        elements = msgspec.json.decode(stripped, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return body
    return bytes(elements[0]) if len(elements) == 1 else body


def decode_error(status: int, body: bytes) -> Problem:
    """Never raises. `status` 200 means an error inside an answer: then the object's own code decides."""
    try:
        error = msgspec.json.decode(unwrapped(body), type=_Envelope).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return error_body.decode_error(status, body)  # another's words: a server that only speaks Gemini's requests
    code = status if status >= 400 else error.code or _STATUS_NAMES.get(error.status or "", 500)
    details = error.details or []
    message = error.message or error.status or ""
    problem = classify(code, ErrorBody(message=message, retry_after=_retry_after(details)))
    if any(detail.get("reason") in _KEY_REASONS for detail in details):
        return reclassified(problem, "upstream_auth")
    if problem.kind == "bad_request" and _TOO_LONG.search(message):
        return reclassified(problem, "context_length")
    if problem.kind == "rate_limit" and (_NO_QUOTA.search(message) or any(map(_is_spent, details))):
        return msgspec.structs.replace(problem, retryable=False)
    return problem


def _retry_after(details: list[dict[str, Any]]) -> float | None:
    """Return the wait in seconds from a `google.rpc.RetryInfo`, as in `"46.2s"`."""
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (match := _DURATION.match(delay)):
            return float(match.group(1))
    return None


def _is_spent(detail: dict[str, Any]) -> bool:
    """Whether a `google.rpc.QuotaFailure` speaks of a day's quota, or of one that is nought."""
    violations = detail.get("violations")
    if not isinstance(violations, list):
        return False
    return any(
        "perday" in str(violation.get("quotaId", "")).lower() or str(violation.get("quotaValue", "")) == "0"
        for violation in violations
        if isinstance(violation, dict)
    )


def encode_error(problem: Problem, request_id: str = "") -> tuple[int, bytes]:
    """A `google.rpc.Status` as Google's APIs write it: the HTTP status, its name, and typed details."""
    return problem.status, encode_json(_document(problem, request_id))


def encode_stream_error(problem: Problem, request_id: str = "") -> bytes:
    return frame(encode_json(_document(problem, request_id)))


def _document(problem: Problem, request_id: str) -> Fields:
    message = problem.sentence()
    if problem.kind == "context_length" and not _TOO_LONG.search(message):
        message = f"The input token count exceeds the maximum number of tokens allowed: {message}"
    details: list[Fields] = [
        {"@type": f"{_TYPE}ErrorInfo", "reason": problem.code.upper(), "domain": "proxyctl"},
    ]
    if problem.param:
        violation = {"field": problem.param, "description": problem.message}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    if problem.retry_after is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{max(0.0, problem.retry_after):g}s"})
    if request_id:
        details.append({"@type": f"{_TYPE}RequestInfo", "requestId": request_id})
    name = _NAMES.get(problem.kind, "INTERNAL")
    return {"error": {"code": problem.status, "message": message, "status": name, "details": details}}
