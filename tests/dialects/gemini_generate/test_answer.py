"""Whole answers from Gemini: WIRE cases 21, 24 to 29, in the shapes that its documentation shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import Answer, FinishReason, Signature, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.errors import DecodeError, GarbageError, StatusError
from proxyctl.core.usage import Usage
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE


def body(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> bytes:
    candidate = {"index": 0, "content": {"role": "model", "parts": list(parts)}, "finishReason": finish}
    answer = {"candidates": [candidate], "modelVersion": "gemini-3.8-flash", "responseId": "r-1", **more}
    return json.dumps(answer, indent=2).encode()


def decode(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> Answer:
    return GEMINI_GENERATE.decode_answer(body(*parts, finish=finish, **more))


def call(name: str = "get", args: Any = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args or {}, **more}}


def test_text_with_usage() -> None:
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 2, "thoughtsTokenCount": 40, "totalTokenCount": 54}

    answer = decode({"text": "Hello"}, usageMetadata=usage)

    assert answer == Answer(
        id="r-1",
        model="gemini-3.8-flash",
        parts=(TextPart(text="Hello"),),
        finish="end",
        usage=Usage(input=12, output=2, reasoning=40),
    )


def test_pieces_of_text_are_one_part_and_a_model_path_is_a_name() -> None:
    answer = decode({"text": "Hel"}, {"text": "lo"}, modelVersion="models/gemini-2.5-pro")

    assert answer.parts == (TextPart(text="Hello"),)
    assert answer.model == "gemini-2.5-pro"


def test_case_21_a_call_makes_the_finish_a_tool_although_it_says_stop() -> None:
    answer = decode({"text": "Let me see."}, call(args={"city": "Köln"}, id="c1"))

    assert answer.finish == "tool"
    assert answer.parts[1] == ToolCallPart(id="c1", name="get", arguments='{"city":"K\\u00f6ln"}')


def test_arguments_keep_their_numbers_and_order() -> None:
    text = b'{"z": 12345678901234567890123,\n "a": 1.10, "e": 1E5}'
    raw = body(call(args="HERE", id="c1")).replace(b'"HERE"', text)

    answer = GEMINI_GENERATE.decode_answer(raw)

    assert isinstance(answer.parts[0], ToolCallPart)
    assert answer.parts[0].arguments == '{"z":12345678901234567890123,"a":1.10,"e":1E5}'


@pytest.mark.parametrize(("args", "arguments"), [("null", "{}"), ("[1]", '{"value":[1]}')])
def test_arguments_are_an_object_whatever_the_model_wrote(args: str, arguments: str) -> None:
    call_text = f'{{"functionCall":{{"name":"f","args":{args}}}}}'
    raw = f'{{"candidates":[{{"content":{{"parts":[{call_text}]}},"finishReason":"STOP"}}]}}'

    answer = GEMINI_GENERATE.decode_answer(raw.encode())

    assert [part.arguments for part in answer.parts if isinstance(part, ToolCallPart)] == [arguments]


def test_a_call_without_arguments() -> None:
    answer = decode({"functionCall": {"name": "now"}})

    assert [part.arguments for part in answer.parts if isinstance(part, ToolCallPart)] == ["{}"]


def test_case_24_two_calls_of_one_function_have_two_ids_that_stay_the_same() -> None:
    first, again = decode(call(), call()), decode(call(), call())

    ids = [part.id for part in first.parts if isinstance(part, ToolCallPart)]
    assert len(set(ids)) == 2
    assert all(call_id.startswith("call_") and len(call_id) == 25 for call_id in ids)
    assert first == again


def test_an_id_given_twice_is_made_distinct() -> None:
    answer = decode(call(id="same"), call(id="same"))

    ids = [part.id for part in answer.parts if isinstance(part, ToolCallPart)]
    assert ids[0] == "same"
    assert ids[1] != "same"


def test_another_answer_has_other_made_ids() -> None:
    """Ids of two turns meet in one history."""
    one, two = decode(call()), decode(call(), responseId="r-2")

    assert [part.id for part in one.parts if isinstance(part, ToolCallPart)] != [
        part.id for part in two.parts if isinstance(part, ToolCallPart)
    ]


def test_case_25_a_blocked_prompt_is_a_refusal_with_its_usage() -> None:
    raw = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        "modelVersion": "gemini-3.8-flash",
    }

    answer = GEMINI_GENERATE.decode_answer(json.dumps(raw).encode())

    assert answer.finish == "refusal"
    assert answer.parts == ()
    assert answer.refusal is not None
    assert "PROHIBITED_CONTENT" in answer.refusal
    assert answer.usage == Usage(input=9)


@pytest.mark.parametrize(
    "candidate",
    [
        {"finishReason": "STOP"},
        {"finishReason": "STOP", "content": {"role": "model"}},
        {"finishReason": "STOP", "content": {"parts": []}},
    ],
)
def test_case_26_a_candidate_without_content_is_a_valid_empty_answer(candidate: dict[str, Any]) -> None:
    answer = GEMINI_GENERATE.decode_answer(json.dumps({"candidates": [candidate]}).encode())

    assert answer.finish == "end"
    assert answer.parts == ()


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"]
)
def test_case_27_a_call_nobody_can_read_is_no_answer(reason: str) -> None:
    raw = {"candidates": [{"finishReason": reason, "finishMessage": "print(default_api.f("}]}

    with pytest.raises(GarbageError) as caught:
        GEMINI_GENERATE.decode_answer(json.dumps(raw).encode())

    assert caught.value.problem.code == "malformed_tool_call"
    assert caught.value.problem.retryable
    assert "default_api" in caught.value.problem.message


def test_a_malformed_call_behind_text_keeps_the_text_and_says_so() -> None:
    answer = decode({"text": "Well"}, finish="MALFORMED_FUNCTION_CALL")

    assert answer.finish == "malformed_tool"
    assert answer.parts == (TextPart(text="Well"),)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("SAFETY", "refusal"),
        ("RECITATION", "refusal"),
        ("BLOCKLIST", "refusal"),
        ("PROHIBITED_CONTENT", "refusal"),
        ("SPII", "refusal"),
        ("LANGUAGE", "refusal"),
        ("IMAGE_SAFETY", "refusal"),
        ("MODEL_ARMOR", "refusal"),
        ("ESCALATION", "refusal"),
        ("OTHER", "end"),
        ("A_REASON_OF_NEXT_YEAR", "end"),
    ],
)
def test_finish_reasons_of_an_answer_with_text(reason: str, finish: FinishReason) -> None:
    answer = decode({"text": "Well"}, finish=reason)

    assert answer.finish == finish
    assert (answer.refusal is not None) is (finish == "refusal")


@pytest.mark.parametrize(("reason", "finish"), [("MAX_TOKENS", "length"), ("SAFETY", "refusal"), ("OTHER", "tool")])
def test_a_call_in_an_answer_that_was_cut_or_refused_is_not_taken_for_its_end(
    reason: str, finish: FinishReason
) -> None:
    assert decode(call(), finish=reason).finish == finish


def test_a_refusal_tells_what_the_provider_said() -> None:
    raw = {"candidates": [{"finishReason": "SAFETY", "finishMessage": "Not this."}]}

    assert GEMINI_GENERATE.decode_answer(json.dumps(raw).encode()).refusal == "Not this."


def test_case_28_usage_is_disjoint() -> None:
    counts = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 30,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 20,
        "toolUsePromptTokenCount": 7,
        "totalTokenCount": 132,
    }

    usage = decode({"text": "Hi"}, usageMetadata=counts).usage

    assert usage == Usage(input=70, cache_read=30, tool_input=7, output=5, reasoning=20)
    assert usage.input_total == 107
    assert usage.output_total == 25
    assert usage.total == 132


def test_candidates_that_include_the_thoughts_are_seen_by_the_total() -> None:
    counts = {"promptTokenCount": 10, "candidatesTokenCount": 25, "thoughtsTokenCount": 20, "totalTokenCount": 35}

    assert decode({"text": "Hi"}, usageMetadata=counts).usage == Usage(input=10, output=5, reasoning=20)


def test_no_usage_is_unknown_and_not_nought() -> None:
    assert decode({"text": "Hi"}).usage is None


def test_case_29_thoughts_are_thinking_before_the_text() -> None:
    answer = decode({"text": "Hm, ", "thought": True}, {"text": "yes.", "thought": True}, {"text": "Yes."})

    assert answer.parts == (ThinkingPart(text="Hm, yes."), TextPart(text="Yes."))


def test_signatures_stay_on_the_parts_they_came_with() -> None:
    answer = decode(
        {"text": "Hm.", "thought": True, "thoughtSignature": "YQ=="},
        {"text": "Well", "thoughtSignature": "Yg=="},
        {"text": "then"},
        {**call(id="a"), "thoughtSignature": "Yw=="},
        call(id="b"),
    )

    assert [getattr(part, "signature", None) for part in answer.parts] == [
        Signature("YQ==", "gemini-generate"),
        Signature("Yg==", "gemini-generate"),
        None,
        Signature("Yw==", "gemini-generate"),
        None,
    ]


def test_a_signature_on_an_empty_last_text_proves_the_text_before() -> None:
    answer = decode({"text": "Hello"}, {"text": "", "thoughtSignature": "YQ=="})

    assert answer.parts == (TextPart(text="Hello", signature=Signature("YQ==", "gemini-generate")),)


def test_a_signature_on_an_empty_text_after_a_call_makes_no_empty_part() -> None:
    answer = decode(call(id="a"), {"text": "", "thoughtSignature": "YQ=="})

    assert answer.parts == (ToolCallPart(id="a", name="get"),)


def test_a_generated_image_leaves_a_placeholder() -> None:
    answer = decode({"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": "QUJD"}})

    assert answer.parts == (
        TextPart(text="Here:"),
        TextPart(text="[image/png of 3 bytes, not carried in a translated answer]"),
    )


@pytest.mark.parametrize(
    "part",
    [
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"fileData": {"fileUri": "gs://a/b"}},
    ],
)
def test_work_of_the_providers_own_tools_is_not_passed_over_in_silence(part: dict[str, Any]) -> None:
    answer = decode(part)

    assert len(answer.parts) == 1
    assert isinstance(answer.parts[0], TextPart)
    assert "not carried" in answer.parts[0].text


def test_unknown_members_are_ignored() -> None:
    answer = decode({"text": "Hi", "partMetadata": {"x": 1}}, {"audioTranscription": {}}, groundingMetadata={"y": 2})

    assert answer.parts == (TextPart(text="Hi"),)


def test_only_the_first_candidate_is_read() -> None:
    raw = json.loads(body({"text": "One"}))
    raw["candidates"].append({"index": 1, "content": {"parts": [{"text": "Two"}]}, "finishReason": "SAFETY"})

    answer = GEMINI_GENERATE.decode_answer(json.dumps(raw).encode())

    assert answer.parts == (TextPart(text="One"),)
    assert answer.finish == "end"


def test_an_answer_without_an_end_is_no_answer() -> None:
    with pytest.raises(GarbageError, match="before its end"):
        decode({"text": "Hel"}, finish=None)


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b"<html>", b'{"candidates":5}', b'{"candidates":[{"content":7}]}']
)
def test_what_is_no_answer_is_a_decode_error(raw: bytes) -> None:
    with pytest.raises(DecodeError, match="not a Gemini answer"):
        GEMINI_GENERATE.decode_answer(raw)


@pytest.mark.parametrize("wrap", [False, True])
def test_an_error_in_an_answers_place_keeps_its_class(*, wrap: bool) -> None:
    error = {"error": {"code": 429, "message": "Too fast", "status": "RESOURCE_EXHAUSTED"}}

    with pytest.raises(StatusError) as caught:
        GEMINI_GENERATE.decode_answer(json.dumps([error] if wrap else error).encode())

    assert caught.value.problem.kind == "rate_limit"


def test_the_pieces_of_a_continued_answer_are_one_answer() -> None:
    first, second = paused("One, ", "next"), paused("two.", None)

    answer = GEMINI_GENERATE.decode_pieces([first, second])

    assert (GEMINI_GENERATE.continuation(first), GEMINI_GENERATE.continuation(second)) == ("next", "")
    assert answer.parts == (TextPart(text="One, two."),)
    assert (answer.finish, answer.usage) == ("end", Usage(input=8, output=4))
    assert GEMINI_GENERATE.decode_answer(first).finish == "length"


def test_what_the_rest_does_not_count_stays_unknown() -> None:
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 2}

    answer = GEMINI_GENERATE.decode_pieces(
        [body({"text": "a"}, finish="CONTINUATION", usageMetadata=counts), body({"text": "b"})]
    )

    assert answer.usage == Usage(input=3, output=2, source="partial")


def test_the_request_for_the_rest_is_the_same_with_a_token() -> None:
    body = b'{"contents":[{"role":"user","parts":[{"text":"\xc3\xa4"}]}],"generationConfig":{"topP":1.0}}'

    asked = GEMINI_GENERATE.continued_request(body, 'a"b')

    assert asked == body[:-1] + b',"continuationToken":"a\\"b"}'


@pytest.mark.parametrize("body", [b"", b"continuationToken", b'{"candidates":"continuationToken"}'])
def test_what_is_no_answer_asks_for_nothing(body: bytes) -> None:
    assert GEMINI_GENERATE.continuation(body) == ""


def paused(text: str, token: str | None) -> bytes:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
    if token:
        candidate |= {"finishReason": "CONTINUATION", "continuationToken": token}
    counts = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
    return json.dumps({"candidates": [candidate], "usageMetadata": counts, "responseId": "r"}).encode()
