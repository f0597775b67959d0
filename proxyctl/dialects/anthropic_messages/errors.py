"""Errors as Anthropic's clients expect them. Source: wire notes 2026-11, "errors"."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects.anthropic_messages.request import THREAD_CODE
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.sse import frame
from proxyctl.dialects.typed import fits

_TYPES: dict[ErrorKind, str] = {
    "bad_request": "invalid_request_error",
    "context_length": "invalid_request_error",
    "unauthenticated": "authentication_error",
    "billing": "billing_error",
    "forbidden": "permission_error",
    "not_found": "not_found_error",
    "method_not_allowed": "invalid_request_error",
    "conflict": "conflict_error",
    "too_large": "request_too_large",
    "unsupported_media": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}
_TOO_LONG = "prompt is too long"


class _Error(Struct):
    type: str
    message: str


class _Envelope(Struct):
    type: Literal["error"]
    error: _Error


_envelope = msgspec.json.Decoder(_Envelope)


def is_own_error(body: bytes) -> bool:
    """Whether it has the members that clients look for."""
    return fits(_envelope, body)


def own_error(body: bytes, problem: Problem) -> bytes:
    """The body as it came where it is this dialect's, else what was read from it in this dialect's shape."""
    return body if is_own_error(body) else encode_error(problem, "")[1]


def encode_error(problem: Problem, request_id: str) -> tuple[int, bytes]:
    status = 529 if problem.kind == "overloaded" else problem.status
    return status, encode_json(_document(problem, request_id))


def encode_stream_error(problem: Problem, request_id: str) -> bytes:
    return frame(encode_json(_document(problem, request_id)), "error")


def _document(problem: Problem, request_id: str) -> Fields:
    message = problem.sentence()
    if problem.kind == "context_length" and not message.startswith(_TOO_LONG):
        message = f"{_TOO_LONG}: {message}"  # clients match on these words to shorten the conversation
    error: Fields = {"type": _TYPES.get(problem.kind, "api_error"), "message": message}
    if problem.code == THREAD_CODE:
        # The SDK's tool runner sends the whole history when it reads this.
        error["details"] = {"error_code": THREAD_CODE, "unsupported": []}
    document: Fields = {"type": "error", "error": error}
    if request_id:
        document["request_id"] = request_id
    return document
