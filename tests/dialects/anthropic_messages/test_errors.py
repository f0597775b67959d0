"""Errors as Anthropic's clients expect them (wire notes 2026-11, "errors")."""

import json

import pytest
from anthropic.types import ErrorResponse

from proxyctl.core.errors import ErrorKind, Problem, UnsupportedError
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.failure import STATUS


def problem(kind: ErrorKind, message: str = "why") -> Problem:
    return Problem(kind=kind, status=STATUS[kind], code="c", message=message)


@pytest.mark.parametrize(
    ("kind", "status", "type_"),
    [
        ("bad_request", 400, "invalid_request_error"),
        ("unauthenticated", 401, "authentication_error"),
        ("upstream_auth", 502, "api_error"),
        ("billing", 402, "billing_error"),
        ("forbidden", 403, "permission_error"),
        ("not_found", 404, "not_found_error"),
        ("method_not_allowed", 405, "invalid_request_error"),
        ("conflict", 409, "conflict_error"),
        ("too_large", 413, "request_too_large"),
        ("unsupported_media", 415, "invalid_request_error"),
        ("rate_limit", 429, "rate_limit_error"),
        ("upstream", 502, "api_error"),
        ("overloaded", 529, "overloaded_error"),
        ("timeout", 504, "timeout_error"),
    ],
)
def test_every_class_has_its_status_and_type(kind: ErrorKind, status: int, type_: str) -> None:
    got, body = ANTHROPIC_MESSAGES.encode_error(problem(kind), "px_1")

    assert got == status
    assert json.loads(body) == {"type": "error", "error": {"type": type_, "message": "why"}, "request_id": "px_1"}


@pytest.mark.parametrize("message", ["the context is 5 tokens", "prompt is too long: 9 tokens > 5 maximum"])
def test_a_prompt_that_is_too_long_says_so_in_the_words_clients_look_for(message: str) -> None:
    _, body = ANTHROPIC_MESSAGES.encode_error(problem("context_length", message), "")

    said = json.loads(body)["error"]["message"]
    assert said.startswith("prompt is too long: ")
    assert said.count("too long") == 1


def test_a_thread_is_refused_so_that_the_sdk_sends_its_history() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "thread": {"type": "create"}}
    with pytest.raises(UnsupportedError) as caught:
        ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode())

    status, written = ANTHROPIC_MESSAGES.encode_error(caught.value.problem(), "px_1")

    details = json.loads(written)["error"]["details"]
    assert status == 400
    assert details == {"error_code": "thread_unsupported_request", "unsupported": []}


def test_inside_a_stream_it_is_an_error_event() -> None:
    frame = ANTHROPIC_MESSAGES.encode_stream_error(problem("upstream"), "px_1")

    assert frame.startswith(b'event: error\ndata: {"type":"error"')
    assert frame.endswith(b'"request_id":"px_1"}\n\n')


def test_the_sdk_reads_what_is_written() -> None:
    _, body = ANTHROPIC_MESSAGES.encode_error(problem("overloaded"), "px_1")

    assert ErrorResponse.model_validate(json.loads(body)).error.type == "overloaded_error"


@pytest.mark.parametrize("kind", ["bad_request", "context_length", "billing", "rate_limit", "overloaded", "not_found"])
def test_an_error_that_was_written_is_read_as_the_same_class(kind: ErrorKind) -> None:
    status, body = ANTHROPIC_MESSAGES.encode_error(problem(kind), "px_1")

    assert ANTHROPIC_MESSAGES.decode_error(status, body).kind == kind
