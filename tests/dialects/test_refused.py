"""What refusals name, in the words that providers document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.errors import Problem
from proxyctl.dialects.base import UpstreamDialect
from proxyctl.dialects.refused import refused_fields, refuses_thinking
from proxyctl.dialects.registry import UPSTREAM


def openai(message: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def anthropic(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}, "request_id": "req_1"}


def google(message: str) -> dict[str, Any]:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


def mistral(*places: str) -> dict[str, Any]:
    said = [
        {"type": "extra_forbidden", "loc": ["body", place], "msg": "Extra inputs are not permitted"} for place in places
    ]
    return {"object": "error", "message": {"detail": said}, "type": "invalid_request_error", "code": None}


CHAT, MESSAGES, GEMINI, RESPONSES = (
    UPSTREAM["openai-chat"],
    UPSTREAM["anthropic-messages"],
    UPSTREAM["gemini-generate"],
    UPSTREAM["openai-responses"],
)
UNKNOWN = "Invalid JSON payload received. Unknown name"


def read(dialect: UpstreamDialect, body: dict[str, Any], status: int = 400) -> Problem:
    return dialect.decode_error(status, json.dumps(body).encode())


FIELDS = [
    (CHAT, 400, openai("Unsupported parameter: 'stop' is not supported.", "stop", "unsupported_parameter"), {"stop"}),
    (CHAT, 400, openai("Unsupported value: 'max'.", "reasoning_effort", "unsupported_value"), {"reasoning_effort"}),
    (RESPONSES, 400, openai("Unknown parameter: 'foo'.", "foo", "unknown_parameter"), {"foo"}),
    (RESPONSES, 400, openai("Unknown parameter: 'foo'.", None, None), {"foo"}),
    (CHAT, 400, openai("Unrecognized request argument supplied: foo", None, None), {"foo"}),
    (CHAT, 400, openai("Invalid value.", "foo", "invalid_value"), set()),
    (CHAT, 400, openai("property 'foo' is unsupported", None, None), {"foo"}),
    (CHAT, 422, mistral("foo", "bar"), {"foo", "bar"}),
    (MESSAGES, 400, anthropic("foo: Extra inputs are not permitted"), {"foo"}),
    (MESSAGES, 400, anthropic("tools.0.custom.foo: Extra inputs are not permitted"), {"tools.0.custom.foo"}),
    (MESSAGES, 400, anthropic("max_tokens: Field required"), set()),
    (GEMINI, 400, google(f'{UNKNOWN} "foo": Cannot find field.'), {"foo"}),
    (GEMINI, 400, google(f"{UNKNOWN} \"foo\" at 'tools[0]': Cannot find field."), {"tools[0].foo"}),
    (
        GEMINI,
        400,
        google(f'{UNKNOWN} "foo": Cannot find field.\n{UNKNOWN} "bar": Cannot find field.'),
        {"foo", "bar"},
    ),
    (CHAT, 401, openai("Unknown parameter: 'foo'.", "foo", "unknown_parameter"), set()),
]


@pytest.mark.parametrize(("dialect", "status", "body", "named"), FIELDS)
def test_the_fields_that_a_refusal_names(
    dialect: UpstreamDialect, status: int, body: dict[str, Any], named: set[str]
) -> None:
    assert refused_fields(read(dialect, body, status)) == named


def test_cohere_names_the_field_in_its_own_words() -> None:
    body = {"id": "1", "message": "unknown field: parameter 'foo' is not a valid field"}

    assert refused_fields(read(UPSTREAM["cohere-chat"], body, 422)) == {"foo"}


def test_the_name_of_the_provider_before_it_is_no_field() -> None:
    problem = Problem(
        kind="bad_request", status=400, code="x", message="anthropic: foo: Extra inputs are not permitted"
    )

    assert refused_fields(problem) == {"foo"}


THINKING = [
    (MESSAGES, anthropic("messages.1.content.0: Invalid `signature` in `thinking` block"), True),
    (MESSAGES, anthropic("messages.1.content.0: Invalid `data` in `redacted_thinking` block"), True),
    (
        MESSAGES,
        anthropic(
            "messages.3.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message "
            "cannot be modified. These blocks must remain as they were in the original response."
        ),
        True,
    ),
    (MESSAGES, anthropic("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"), False),
    (GEMINI, google("Corrupted thought signature."), True),
    (GEMINI, google("Thought signature is not valid."), True),
    (GEMINI, google("Function call is missing a thought_signature in functionCall parts."), True),
    (GEMINI, google("Thinking level is not supported for this model."), False),
    (
        RESPONSES,
        openai(
            "The encrypted content could not be verified.", "input[1].encrypted_content", "invalid_encrypted_content"
        ),
        True,
    ),
    (RESPONSES, openai("The encrypted content could not be verified.", "input[1].encrypted_content", None), True),
    (RESPONSES, openai("Encrypted content is not supported with this model.", "include", None), False),
]


@pytest.mark.parametrize(("dialect", "body", "refused"), THINKING)
def test_a_refused_proof_of_thinking(dialect: UpstreamDialect, body: dict[str, Any], *, refused: bool) -> None:
    assert refuses_thinking(read(dialect, body)) is refused


def test_another_status_is_no_refusal_of_thinking() -> None:
    assert not refuses_thinking(read(GEMINI, google("Corrupted thought signature."), 503))
