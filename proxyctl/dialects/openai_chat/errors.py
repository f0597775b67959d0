"""Errors as OpenAI's clients expect them. Source: wire notes 2026-11, "errors"."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.error_body import words_of
from proxyctl.dialects.failure import CODE
from proxyctl.dialects.sse import frame
from proxyctl.dialects.typed import fits

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


class _Error(Struct):
    message: str
    type: str | None = None
    code: str | int | float | None = None


class _Envelope(Struct):
    error: _Error


_envelope = msgspec.json.Decoder(_Envelope)


def is_own_error(body: bytes) -> bool:
    """Whether clients find its message: strict ones (the AI SDK) also look at `type` and `code`, numbers included."""
    return fits(_envelope, body)


def own_error(body: bytes, problem: Problem) -> bytes:
    """The body as it came where it is OpenAI's, else its message, type, code and field in OpenAI's shape."""
    if is_own_error(body):
        return body
    kind, code = words_of(body)
    document = _document(problem)
    document["error"] |= {
        "message": problem.message,
        "type": kind or document["error"]["type"],
        "code": code or CODE.get(problem.kind),
    }
    return encode_json(document)


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
