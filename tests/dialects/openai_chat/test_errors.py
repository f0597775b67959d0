"""Errors as OpenAI's clients expect them (wire notes 2026-11, "errors")."""

import json

import pytest

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects.failure import STATUS
from proxyctl.dialects.openai_chat import OPENAI_CHAT


def problem(kind: ErrorKind, code: str = "c", **fields: str) -> Problem:
    return Problem(kind=kind, status=STATUS[kind], code=code, message="why", **fields)


@pytest.mark.parametrize(
    ("kind", "status", "type_"),
    [
        ("bad_request", 400, "invalid_request_error"),
        ("context_length", 400, "invalid_request_error"),
        ("unauthenticated", 401, "invalid_request_error"),
        ("upstream_auth", 502, "server_error"),
        ("billing", 429, "insufficient_quota"),
        ("forbidden", 403, "permission_error"),
        ("not_found", 404, "invalid_request_error"),
        ("method_not_allowed", 405, "invalid_request_error"),
        ("conflict", 409, "conflict"),
        ("too_large", 413, "invalid_request_error"),
        ("unsupported_media", 415, "invalid_request_error"),
        ("rate_limit", 429, "rate_limit_error"),
        ("upstream", 502, "server_error"),
        ("overloaded", 503, "server_error"),
        ("timeout", 504, "timeout"),
    ],
)
def test_every_class_has_its_status_and_type(kind: ErrorKind, status: int, type_: str) -> None:
    got, body = OPENAI_CHAT.encode_error(problem(kind), "px_1")

    assert got == status
    assert json.loads(body) == {"error": {"message": "why", "type": type_, "param": None, "code": "c"}}


def test_the_hint_and_the_parameter_are_told() -> None:
    _, body = OPENAI_CHAT.encode_error(problem("bad_request", hint="do this", param="tools[0]"), "px_1")

    assert json.loads(body)["error"]["message"] == "why (do this)"
    assert json.loads(body)["error"]["param"] == "tools[0]"


def test_inside_a_stream_it_is_one_frame() -> None:
    frame = OPENAI_CHAT.encode_stream_error(problem("upstream"), "px_1")

    assert frame.startswith(b'data: {"error":{')
    assert frame.endswith(b"}}\n\n")


def test_an_error_that_was_written_is_read_as_the_same_class() -> None:
    for kind in ("bad_request", "context_length", "billing", "rate_limit", "overloaded", "timeout", "not_found"):
        code = OPENAI_CHAT.decode_error(*OPENAI_CHAT.encode_error(problem(kind, "x"), "")).code
        status, body = OPENAI_CHAT.encode_error(
            problem(kind, {"context_length": "context_length_exceeded"}.get(kind, code)), ""
        )

        assert OPENAI_CHAT.decode_error(status, body).kind == kind
