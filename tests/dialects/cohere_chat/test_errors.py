"""Cohere's error bodies and what its statuses mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import ErrorKind
from proxyctl.dialects.cohere_chat import COHERE_CHAT


def body(message: str) -> bytes:
    return json.dumps({"id": "e-1", "message": message}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "shown", "retryable"),
    [
        (400, "bad_request", 400, False),
        (401, "upstream_auth", 502, False),
        (402, "billing", 402, False),
        (403, "upstream_auth", 502, False),
        (404, "not_found", 404, False),
        (422, "bad_request", 400, False),
        (429, "rate_limit", 429, True),
        (498, "upstream_auth", 502, False),
        (499, "upstream", 502, True),
        (500, "upstream", 502, True),
        (501, "upstream", 502, False),
        (503, "overloaded", 503, True),
        (504, "timeout", 504, True),
    ],
)
def test_statuses(status: int, kind: ErrorKind, shown: int, *, retryable: bool) -> None:
    problem = COHERE_CHAT.decode_error(status, body("It failed."))

    assert (problem.kind, problem.status, problem.retryable) == (kind, shown, retryable)
    assert problem.message == "It failed."


def test_a_spent_month_is_not_worth_a_retry() -> None:
    message = "You are using a Trial key, which is limited to 1000 API calls / month."

    assert not COHERE_CHAT.decode_error(429, body(message)).retryable
    assert COHERE_CHAT.decode_error(429, body("limited to 20 API calls / minute")).retryable


def test_a_conversation_that_is_too_long() -> None:
    message = "too many tokens: total number of tokens in the prompt cannot exceed 256000"

    assert COHERE_CHAT.decode_error(400, body(message)).kind == "context_length"


def test_html_in_place_of_an_error() -> None:
    problem = COHERE_CHAT.decode_error(502, b"<html>Bad Gateway</html>")

    assert problem.kind == "upstream"
    assert "Bad Gateway" in problem.message


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_body_makes_it_raise(status: int, raw: bytes) -> None:
    assert COHERE_CHAT.decode_error(status, raw).status >= 400
