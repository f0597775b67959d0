"""Failures are classed alike, however a provider words them (wire notes 2026-11, "errors")."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.errors import ErrorKind
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.failure import STATUS, ErrorBody, classify, reclassified, wait_in

OPENAI_QUOTA = {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": None}}
SPEND = {
    "type": "error",
    "error": {"type": "rate_limit_error", "message": "no", "details": {"error_code": "enforced_spend_limit_reached"}},
}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"message": "bad", "type": "invalid_request_error", "code": None}}, "bad_request"),
        (400, {"error": {"message": "x", "code": "context_length_exceeded"}}, "context_length"),
        (400, {"type": "error", "error": {"message": "prompt is too long: 9 tokens > 5 maximum"}}, "context_length"),
        (400, {"error": {"message": "n", "type": "exceed_context_size_error", "n_ctx": 4}}, "context_length"),
        (400, {"type": "error", "error": {"message": "Your credit balance is too low"}}, "billing"),
        (401, {"error": {"message": "bad key", "code": "invalid_api_key"}}, "upstream_auth"),
        (402, {"error": {"message": "pay"}}, "billing"),
        (403, {"error": {"message": "no"}}, "upstream_auth"),
        (404, {"error": {"message": "no such model", "code": "model_not_found"}}, "not_found"),
        (409, {"error": {"message": "busy"}}, "conflict"),
        (413, {"type": "error", "error": {"type": "request_too_large", "message": "big"}}, "too_large"),
        (422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, "bad_request"),
        (429, {"error": {"message": "slow", "code": "rate_limit_exceeded"}}, "rate_limit"),
        (429, OPENAI_QUOTA, "billing"),
        (429, SPEND, "billing"),
        (500, {"error": {"message": "boom"}}, "upstream"),
        (503, {"error": {"message": "busy"}}, "overloaded"),
        (504, {"error": {"message": "late"}}, "timeout"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "overloaded"),
        (200, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "overloaded"),
        (200, {"error": {"code": 429, "message": "slow"}}, "rate_limit"),
        (200, {"error": {"message": "no idea"}}, "upstream"),
    ],
)
def test_the_class_of_a_failure(status: int, body: object, kind: ErrorKind) -> None:
    problem = decode_error(status, json.dumps(body).encode())

    assert problem.kind == kind
    assert problem.status == STATUS[kind]
    assert problem.retryable == (kind in {"rate_limit", "upstream", "overloaded", "timeout", "conflict"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "in an object"}}, "in an object"),
        ({"error": "as text"}, "as text"),
        ({"code": "x", "error": "beside a code"}, "beside a code"),
        ({"object": "error", "message": "bare", "type": "BadRequestError", "code": 400}, "bare"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        ({"detail": "as detail"}, "as detail"),
        (
            {"object": "error", "message": {"detail": [{"loc": ["body", "a", 1], "msg": "no"}]}},
            "a.1: no",
        ),
        ({"x_groq": {"error": "inside the stream"}}, "inside the stream"),
        ({"error": {"message": {"odd": 1}}}, '{"odd":1}'),
    ],
)
def test_the_message_is_found_in_every_wrapping(body: object, message: str) -> None:
    assert decode_error(400, json.dumps(body).encode()).message == message


def test_html_is_told_by_its_start() -> None:
    problem = decode_error(502, b"<html>\n <body>Bad   gateway" + b"x" * 900)

    assert problem.kind == "upstream"
    assert problem.message.startswith("<html> <body>Bad gateway")
    assert len(problem.message) <= 200


def test_an_empty_body_still_says_something() -> None:
    assert decode_error(500, b"").message == "the provider answered 500 without a message"
    assert decode_error(500, b"{}").message == "the provider answered 500 without a message"


def test_the_parameter_at_fault_is_kept() -> None:
    assert decode_error(400, b'{"error":{"message":"m","param":"tools[0]"}}').param == "tools[0]"


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 7.66s.", 7.66),
        ("try again in 120ms", 0.12),
        ("try again in 1m30s", 90),
        ("Try again in 2h", 7200),
        ("try again in a while", None),
        ("later", None),
    ],
)
def test_a_wait_in_words_is_read(message: str, seconds: float | None) -> None:
    assert wait_in(message) == seconds


def test_a_rate_limit_in_words_tells_its_wait() -> None:
    body = b'{"error":{"message":"Rate limit reached. Please try again in 2s.","code":"rate_limit_exceeded"}}'

    assert decode_error(429, body).retry_after == 2


def test_a_failure_can_be_classed_anew() -> None:
    problem = decode_error(413, b'{"error":{"message":"try again in 3s"}}')

    changed = reclassified(problem, "rate_limit")

    assert (changed.kind, changed.status, changed.code) == ("rate_limit", 429, "rate_limit_exceeded")
    assert changed.retry_after == 3
    assert changed.retryable


@given(st.integers(100, 599), st.binary(max_size=80))
def test_any_body_is_some_problem(status: int, body: bytes) -> None:
    decode_error(status, body)


@given(
    st.integers(100, 599),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "message", "code", "type", "detail", "details"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    ),
)
def test_any_json_is_some_problem(status: int, body: object) -> None:
    decode_error(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    "message",
    ["try again in 99999999h", f"try again in {'9' * 400}s", f"try again in {'9' * 5000}h", "try again in 1e9s"],
)
def test_an_absurd_wait_is_no_end(message: str) -> None:
    """A week at most: a provider is not out of use for good because of a slip of its pen."""
    problem = classify(429, ErrorBody(message=message))

    assert problem.retry_after is None or problem.retry_after <= 7 * 86_400


@pytest.mark.parametrize("wait", [1e300, float("inf")])
def test_an_absurd_wait_in_a_body_is_capped(wait: float) -> None:
    assert classify(429, ErrorBody(message="no", retry_after=wait)).retry_after == 7 * 86_400
