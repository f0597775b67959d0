"""Whole answers from Cohere. Its own SDK reads every fixture first, so that none is made up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cohere.v2.types import V2ChatResponse

from proxyctl.core.chat import Answer, FinishReason, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.usage import Usage
from proxyctl.dialects.cohere_chat import COHERE_CHAT


def decode(finish: str | None = "COMPLETE", usage: Any = None, **message: Any) -> Answer:
    answer: dict[str, Any] = {"id": "a-1", "finish_reason": finish, "message": {"role": "assistant", **message}}
    if usage is not None:
        answer["usage"] = usage
    if finish is not None:
        V2ChatResponse.model_validate(answer)
    return COHERE_CHAT.decode_answer(json.dumps(answer).encode())


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def call(call_id: str | None = "c1", name: str = "get", arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_text_with_usage() -> None:
    usage = {
        "billed_units": {"input_tokens": 5.0, "output_tokens": 2.0},
        "tokens": {"input_tokens": 71.0, "output_tokens": 4.0},
        "cached_tokens": 20.0,
    }

    answer = decode(content=[text("Hello")], usage=usage)

    assert answer == Answer(
        id="a-1",
        model="",
        parts=(TextPart(text="Hello"),),
        finish="end",
        usage=Usage(input=51, cache_read=20, output=4, billed_input=5, billed_output=2),
    )


def test_billed_units_stand_in_for_a_size_that_is_not_told() -> None:
    answer = decode(content=[text("Hi")], usage={"billed_units": {"input_tokens": 5.0, "output_tokens": 2.0}})

    assert answer.usage == Usage(input=5, output=2, billed_input=5, billed_output=2)


def test_thinking_then_a_plan_then_calls() -> None:
    answer = decode(
        "TOOL_CALL",
        content=[{"type": "thinking", "thinking": "Hm."}],
        tool_plan="I will look.",
        tool_calls=[call("a", arguments='{"n": 12345678901234567890}'), call("b")],
    )

    assert answer.finish == "tool"
    assert answer.parts == (
        ThinkingPart(text="Hm."),
        TextPart(text="I will look."),
        ToolCallPart(id="a", name="get", arguments='{"n": 12345678901234567890}'),
        ToolCallPart(id="b", name="get"),
    )


def test_missing_and_repeated_ids_are_made_distinct() -> None:
    answer = decode("TOOL_CALL", tool_calls=[call("same"), call("same"), call("")])

    ids = [part.id for part in answer.parts if isinstance(part, ToolCallPart)]
    assert ids[0] == "same"
    assert len(set(ids)) == 3


@pytest.mark.parametrize(("arguments", "normal"), [("", "{}"), ("null", "{}"), ("[1]", '{"value":[1]}')])
def test_arguments_are_an_object(arguments: str, normal: str) -> None:
    answer = decode("TOOL_CALL", tool_calls=[call(arguments=arguments)])

    assert answer.parts == (ToolCallPart(id="c1", name="get", arguments=normal),)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", "end"),
        ("STOP_SEQUENCE", "stop_sequence"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "end"),
        ("SOMETHING_NEW", "end"),
    ],
)
def test_finish_reasons_of_an_answer_with_text(reason: str, finish: FinishReason) -> None:
    assert decode(reason, content=[text("Hi")]).finish == finish


@pytest.mark.parametrize(("reason", "finish"), [("COMPLETE", "tool"), ("TOOL_CALL", "tool"), ("MAX_TOKENS", "length")])
def test_a_call_is_the_finish_unless_the_answer_was_cut(reason: str, finish: FinishReason) -> None:
    assert decode(reason, tool_calls=[call()]).finish == finish


@pytest.mark.parametrize(
    ("reason", "kind"), [("ERROR", "upstream"), ("TIMEOUT", "timeout"), ("ERROR_TOXIC", "upstream"), (None, "upstream")]
)
def test_a_failed_answer_is_no_answer_whatever_it_holds(reason: str | None, kind: str) -> None:
    with pytest.raises(GarbageError) as caught:
        decode(reason, content=[text("Half an ans")])

    assert caught.value.problem.kind == kind
    assert caught.value.problem.retryable


def test_an_empty_answer_that_is_complete_is_valid() -> None:
    assert decode(content=[]).parts == ()
    assert decode().parts == ()


def test_content_may_be_a_plain_text_and_citations_are_ignored() -> None:
    answer = {
        "id": "a",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": "Hi", "citations": [{"start": 0, "end": 2, "text": "Hi"}]},
    }

    assert COHERE_CHAT.decode_answer(json.dumps(answer).encode()).parts == (TextPart(text="Hi"),)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"<html>", b'{"message":{"content":7}}', b"{" * 100_000])
def test_what_is_no_answer_is_a_decode_error(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        COHERE_CHAT.decode_answer(raw)


def test_an_error_in_an_answers_place_keeps_its_words() -> None:
    with pytest.raises(StatusError, match="no capacity"):
        COHERE_CHAT.decode_answer(b'{"id":"x","message":"no capacity"}')
