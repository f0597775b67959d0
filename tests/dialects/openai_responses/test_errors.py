"""Errors in OpenAI's shape (wire notes 2026-11, "errors"), read by OpenAI's own client."""

from __future__ import annotations

import json

import httpx
import openai
import pytest
from openai import Stream
from openai.types.responses import ResponseErrorEvent

from proxyctl.core.errors import Problem
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.dialects.openai_responses.errors import response_error
from proxyctl.dialects.sse import frame_data

OVERLOADED = Problem(kind="overloaded", status=503, code="overloaded", message="busy", hint="wait", param="model")


@pytest.mark.parametrize(
    ("problem", "status", "kind"),
    [
        (OVERLOADED, 503, "server_error"),
        (Problem(kind="rate_limit", status=429, code="rate_limited", message="m"), 429, "rate_limit_error"),
        (Problem(kind="billing", status=402, code="c", message="m"), 429, "insufficient_quota"),
        (Problem(kind="bad_request", status=400, code="c", message="m"), 400, "invalid_request_error"),
    ],
)
def test_an_error_is_an_object_with_four_members(problem: Problem, status: int, kind: str) -> None:
    told, body = OPENAI_RESPONSES.encode_error(problem, "px_1")

    error = json.loads(body)["error"]
    assert told == status
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"], error["param"]) == (kind, problem.code, problem.param)
    assert problem.message in error["message"]


def test_an_error_in_a_stream_is_an_event_of_the_official_type() -> None:
    data = frame_data(OPENAI_RESPONSES.encode_stream_error(OVERLOADED, "px_1"))

    event = ResponseErrorEvent.model_validate_json(data or b"", strict=True)
    assert (event.code, event.message, event.param) == ("overloaded", "busy (wait)", "model")
    assert event.sequence_number > 10**6  # behind everything that may have come before


def test_the_official_client_raises_for_it() -> None:
    client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9", max_retries=0)
    sent = OPENAI_RESPONSES.encode_stream_error(OVERLOADED, "px_1")
    response = httpx.Response(200, content=sent, request=httpx.Request("POST", "http://127.0.0.1:9"))

    with pytest.raises(openai.APIError, match="busy"), client:
        list(Stream(cast_to=object, response=response, client=client))


@pytest.mark.parametrize(
    ("kind", "code"),
    [("rate_limit", "rate_limit_exceeded"), ("bad_request", "invalid_prompt"), ("timeout", "server_error")],
)
def test_a_failed_response_takes_its_code_from_the_closed_list(kind: str, code: str) -> None:
    assert response_error(Problem(kind=kind, status=500, code="x", message="m")) == {"code": code, "message": "m"}  # type: ignore[arg-type]
