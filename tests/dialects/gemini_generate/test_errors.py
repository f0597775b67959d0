"""Google's error bodies: WIRE case 30 and the table of statuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE

RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"


def body(code: int, status: str, message: str = "It failed.", details: list[Any] | None = None) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details is not None:
        error["details"] = details
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("code", "status", "kind", "retryable"),
    [
        (400, "INVALID_ARGUMENT", "bad_request", False),
        (400, "FAILED_PRECONDITION", "bad_request", False),
        (401, "UNAUTHENTICATED", "upstream_auth", False),
        (402, "RESOURCE_EXHAUSTED", "billing", False),
        (403, "PERMISSION_DENIED", "upstream_auth", False),
        (404, "NOT_FOUND", "not_found", False),
        (429, "RESOURCE_EXHAUSTED", "rate_limit", True),
        (500, "INTERNAL", "upstream", True),
        (503, "UNAVAILABLE", "overloaded", True),
        (504, "DEADLINE_EXCEEDED", "timeout", True),
    ],
)
def test_statuses(code: int, status: str, kind: ErrorKind, *, retryable: bool) -> None:
    problem = GEMINI_GENERATE.decode_error(code, body(code, status))

    assert (problem.kind, problem.retryable, problem.message) == (kind, retryable, "It failed.")


@pytest.mark.parametrize(
    ("status", "kind"), [("UNAVAILABLE", "overloaded"), ("INTERNAL", "upstream"), ("RESOURCE_EXHAUSTED", "rate_limit")]
)
def test_an_error_inside_an_answer_is_classed_by_its_own_words(status: str, kind: ErrorKind) -> None:
    without_code = json.dumps({"error": {"message": "x", "status": status}}).encode()

    assert GEMINI_GENERATE.decode_error(200, without_code).kind == kind


def test_a_bad_key_is_the_gateways_fault_although_the_status_is_400() -> None:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }

    problem = GEMINI_GENERATE.decode_error(400, body(400, "INVALID_ARGUMENT", "API key not valid.", [info]))

    assert problem.kind == "upstream_auth"
    assert problem.status == 502
    assert not problem.retryable


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(("delay", "seconds"), [("46.2s", 46.2), ("46s", 46.0), ("soon", None), (46, None)])
def test_case_30_the_wait_stands_in_the_body(delay: object, seconds: float | None, *, wrap: bool) -> None:
    raw = body(429, "RESOURCE_EXHAUSTED", "Too fast.", [{"@type": RETRY_INFO, "retryDelay": delay}])

    problem = GEMINI_GENERATE.decode_error(429, b"[" + raw + b"\n]" if wrap else raw)

    assert problem.status == 429
    assert problem.retry_after == seconds
    assert problem.retryable


@pytest.mark.parametrize(
    ("quota", "retryable"),
    [
        ({"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "10"}, True),
        ({"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "250"}, False),
        ({"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "0"}, False),
    ],
)
def test_a_spent_day_or_a_quota_of_nought_is_not_worth_a_retry(quota: dict[str, str], *, retryable: bool) -> None:
    details = [{"@type": QUOTA_FAILURE, "violations": [quota]}, {"@type": RETRY_INFO, "retryDelay": "30s"}]

    problem = GEMINI_GENERATE.decode_error(429, body(429, "RESOURCE_EXHAUSTED", details=details))

    assert problem.retryable is retryable
    assert problem.retry_after == 30.0


def test_a_limit_of_nought_may_stand_in_the_text_only() -> None:
    message = "You exceeded your current quota. * Quota exceeded for metric: x, limit: 0, model: gemini-4-argon"

    assert not GEMINI_GENERATE.decode_error(429, body(429, "RESOURCE_EXHAUSTED", message)).retryable


def test_a_conversation_that_is_too_long() -> None:
    message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."

    problem = GEMINI_GENERATE.decode_error(400, body(400, "INVALID_ARGUMENT", message))

    assert problem.kind == "context_length"
    assert problem.code == "context_length_exceeded"


def test_html_in_place_of_an_error_is_told_by_its_beginning() -> None:
    problem = GEMINI_GENERATE.decode_error(502, b"<html><h1>Bad Gateway</h1>" + b"x" * 5000)

    assert problem.kind == "upstream"
    assert "Bad Gateway" in problem.message
    assert len(problem.message) <= 200


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_body_makes_it_raise(status: int, raw: bytes) -> None:
    assert GEMINI_GENERATE.decode_error(status, raw).status >= 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["violations", "retryDelay", "reason", "quotaId"]), inner, max_size=3)
    ),
)


@given(JSON, JSON)
@example([{"reason": []}], "")
def test_no_details_make_it_raise(details: object, message: object) -> None:
    raw = json.dumps({"error": {"code": 429, "message": message, "details": details}}).encode()

    assert GEMINI_GENERATE.decode_error(429, raw).kind == "rate_limit"


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        ("bad_request", 400, "INVALID_ARGUMENT"),
        ("context_length", 400, "INVALID_ARGUMENT"),
        ("unauthenticated", 401, "UNAUTHENTICATED"),
        ("billing", 402, "RESOURCE_EXHAUSTED"),
        ("forbidden", 403, "PERMISSION_DENIED"),
        ("not_found", 404, "NOT_FOUND"),
        ("conflict", 409, "ABORTED"),
        ("too_large", 413, "INVALID_ARGUMENT"),
        ("rate_limit", 429, "RESOURCE_EXHAUSTED"),
        ("upstream", 502, "INTERNAL"),
        ("upstream_auth", 502, "INTERNAL"),
        ("overloaded", 503, "UNAVAILABLE"),
        ("timeout", 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_each_class_has_googles_name(kind: ErrorKind, status: int, name: str) -> None:
    problem = Problem(kind=kind, status=status, code="some_code", message="what happened", hint="do this")

    told, written = GEMINI_GENERATE.encode_error(problem, "px_1")

    error = json.loads(written)["error"]
    assert told == error["code"] == status
    assert error["status"] == name
    assert "what happened (do this)" in error["message"]
    reasons = {detail["@type"].rpartition(".")[2]: detail for detail in error["details"]}
    assert reasons["ErrorInfo"]["reason"] == "SOME_CODE"
    assert reasons["RequestInfo"]["requestId"] == "px_1"


def test_a_wait_and_a_field_stand_in_the_details() -> None:
    problem = Problem(kind="rate_limit", status=429, code="c", message="m", retry_after=7.5, param="contents[0]")

    _, written = GEMINI_GENERATE.encode_error(problem, "")

    details = {entry["@type"]: entry for entry in json.loads(written)["error"]["details"]}
    assert details["type.googleapis.com/google.rpc.RetryInfo"]["retryDelay"] == "7.5s"
    violations = details["type.googleapis.com/google.rpc.BadRequest"]["fieldViolations"]
    assert violations == [{"field": "contents[0]", "description": "m"}]
    assert GEMINI_GENERATE.decode_error(429, written).retry_after == 7.5


def test_a_prompt_that_is_too_long_is_said_in_googles_words() -> None:
    _, written = GEMINI_GENERATE.encode_error(Problem(kind="context_length", status=400, code="c", message="9 > 8"), "")

    assert GEMINI_GENERATE.decode_error(400, written).kind == "context_length"


def test_an_error_in_mid_stream_is_a_frame() -> None:
    frame = GEMINI_GENERATE.encode_stream_error(Problem(kind="timeout", status=504, code="c", message="m"), "px_1")

    assert frame.startswith(b'data: {"error":{"code":504,')
    assert frame.endswith(b"\n\n")
