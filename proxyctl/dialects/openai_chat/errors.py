"""Errors as OpenAI's clients expect them. Source: wire notes 2026-11, "errors"."""

from __future__ import annotations

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.sse import frame

_TYPES: dict[ErrorKind, str] = {
    "bad_request": "invalid_request_error",
    "context_length": "invalid_request_error",
    "unauthenticated": "invalid_request_error",
    "not_found": "invalid_request_error",
    "method_not_allowed": "invalid_request_error",
    "too_large": "invalid_request_error",
    "unsupported_media": "invalid_request_error",
    "billing": "insufficient_quota",
    "forbidden": "permission_error",
    "conflict": "conflict",
    "rate_limit": "rate_limit_error",
    "timeout": "timeout",
}


def encode_error(problem: Problem) -> tuple[int, bytes]:
    status = 429 if problem.kind == "billing" else problem.status
    return status, encode_json(_document(problem))


def encode_stream_error(problem: Problem) -> bytes:
    return frame(encode_json(_document(problem)))


def _document(problem: Problem) -> Fields:
    return {
        "error": {
            "message": problem.sentence(),
            "type": _TYPES.get(problem.kind, "server_error"),
            "param": problem.param,
            "code": problem.code,
        }
    }
