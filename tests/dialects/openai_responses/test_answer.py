"""Whole answers, both ways, and what the tap reads of one that passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proxyctl.core.chat import Answer, DocumentPart, TextPart, ToolCallPart
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import AnswerContext
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from tests.dialects.responses_judge import check_response
from tests.dialects.wire_cases import cases, expected

CONTEXT = AnswerContext(model="asked", created=1_763_900_000, input_estimate=11)


def response(**members: Any) -> bytes:
    whole = {"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": [], **members}
    return json.dumps(whole).encode()


def encoded(answer: Answer, losses: Losses | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        OPENAI_RESPONSES.encode_answer(answer, CONTEXT, Losses() if losses is None else losses)
    )
    check_response(document)
    return document


@pytest.mark.parametrize("folder", cases("openai_responses", "answer.json"))
def test_a_whole_answer_means_what_is_documented(folder: Path) -> None:
    body, answer = (folder / "answer.json").read_bytes(), expected(folder)

    facts = OPENAI_RESPONSES.answer_facts(body)

    assert OPENAI_RESPONSES.decode_answer(body) == answer
    assert (facts.model, facts.finish, facts.usage) == (answer.model, answer.finish, answer.usage)
    assert (facts.problem, facts.empty) == (None, False)


@pytest.mark.parametrize("folder", cases("openai_responses", "answer.json"))
def test_an_answer_of_this_dialect_comes_back_as_it_went_in(folder: Path) -> None:
    answer = expected(folder)

    document = encoded(answer)

    assert OPENAI_RESPONSES.decode_answer(json.dumps(document).encode()) == replace(answer, uncarried=())


def test_an_answer_without_anything_is_an_empty_output() -> None:
    document = encoded(Answer(id="x", model="", parts=(), finish="end"))

    assert (document["output"], document["model"], document["status"]) == ([], "asked", "completed")
    assert document["usage"]["input_tokens"] == CONTEXT.input_estimate


def test_broken_arguments_are_made_an_object() -> None:
    call = ToolCallPart(id="c", name="get", arguments='{"k":')

    [item] = encoded(Answer(id="x", model="m", parts=(call,), finish="tool"))["output"]

    assert json.loads(item["arguments"]) == {"_raw_arguments": '{"k":'}


def test_a_part_that_no_answer_can_hold_is_a_loss() -> None:
    losses = Losses()

    document = encoded(
        Answer(id="x", model="m", parts=(DocumentPart(text="d"), TextPart(text="t")), finish="end"), losses
    )

    assert len(document["output"]) == len(losses) == 1


@pytest.mark.parametrize("finish", ["error", "malformed_tool"])
def test_an_answer_that_failed_is_no_answer(finish: Any) -> None:
    with pytest.raises(GarbageError):
        OPENAI_RESPONSES.encode_answer(Answer(id="x", model="m", parts=(), finish=finish), CONTEXT, Losses())


@pytest.mark.parametrize(
    "members",
    [
        {"status": "failed", "error": {"code": "server_error", "message": "it broke"}},
        {"status": "cancelled"},
        {"error": {"code": "server_error", "message": "it broke"}, "output": None},
    ],
)
def test_an_error_under_status_200_is_one(members: dict[str, Any]) -> None:
    problem = OPENAI_RESPONSES.answer_facts(response(**members)).problem

    assert problem is not None
    assert problem.kind == "upstream"
    with pytest.raises(StatusError) as caught:
        OPENAI_RESPONSES.decode_answer(response(**members))
    assert caught.value.problem == problem


@pytest.mark.parametrize("body", [b"", b"[]", b'{"output":3}', b'{"id":"resp_1"}', b"\xff", b"[" * 100_000])
def test_what_is_no_response_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        OPENAI_RESPONSES.answer_facts(body)
    with pytest.raises(DecodeError):
        OPENAI_RESPONSES.decode_answer(body)


def test_an_answer_under_way_is_empty() -> None:
    facts = OPENAI_RESPONSES.answer_facts(response(status="in_progress"))

    assert facts.empty
    assert facts.finish is None
    with pytest.raises(DecodeError):
        OPENAI_RESPONSES.decode_answer(response(status="in_progress"))


def test_a_server_that_gives_no_status_means_that_it_has_ended() -> None:
    body = response(status=None)

    assert OPENAI_RESPONSES.answer_facts(body).finish == OPENAI_RESPONSES.decode_answer(body).finish == "end"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("content_filter", "refusal"), ("steered", "length"), (None, "length")],
)
def test_what_is_incomplete_never_looks_whole(reason: str | None, finish: str) -> None:
    details = None if reason is None else {"reason": reason}

    facts = OPENAI_RESPONSES.answer_facts(response(status="incomplete", incomplete_details=details))

    assert facts.finish == finish


def test_cached_and_thought_tokens_are_inside_their_totals() -> None:
    usage = {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "output_tokens_details": {"reasoning_tokens": 40},
    }

    facts = OPENAI_RESPONSES.answer_facts(response(usage=usage))

    assert facts.usage == Usage(input=10, cache_read=60, cache_write=30, output=10, reasoning=40)
