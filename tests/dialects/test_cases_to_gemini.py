"""Conformance cases 1 to 20 (wire notes 2026-11): clients' requests towards Gemini, from the wire to the wire."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from proxyctl.core.errors import UnsupportedError
from tests.dialects.asked import (
    OBJECT,
    answered,
    assistant,
    called,
    chat,
    function,
    messages,
    result,
    said,
    text,
    tool,
    used,
    user,
)
from tests.dialects.targets import GEMINI, OLD_GEMINI, sent

Json = dict[str, Any]
STAND_IN = "skip_thought_signature_validator"
PIXEL = base64.b64encode(b"\x89PNG pixel").decode()
PROOF = "CskBAVSoXO4goog="


def declarations(body: Json) -> list[Json]:
    [tools] = body["tools"]
    declared: list[Json] = tools["functionDeclarations"]
    return declared


def test_case_1_two_leading_system_messages_are_two_instruction_parts() -> None:
    one = sent(
        "openai-chat",
        chat({"role": "system", "content": "A"}, {"role": "developer", "content": "B"}, user("Hi")),
        GEMINI,
    )

    assert one.body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert one.body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]


def test_case_2_a_system_message_inside_is_folded_where_it_stands() -> None:
    said_between = {"role": "assistant", "content": "Hello"}
    one = sent(
        "openai-chat",
        chat(user("Hi"), said_between, {"role": "system", "content": "Now in French"}, user("Bye")),
        GEMINI,
    )

    assert "systemInstruction" not in one.body
    last = one.body["contents"][-1]
    assert last["role"] == "user"
    assert "Now in French" in last["parts"][0]["text"]
    assert last["parts"][1] == {"text": "Bye"}


def test_case_3_a_schema_travels_whole_as_json_schema() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": {"n": {"type": "integer", "exclusiveMinimum": 0}, "c": {"const": "x"}},
        "propertyNames": {"pattern": "^[a-z]$"},
    }

    one = sent("anthropic-messages", messages(tools=[tool("get", schema)]), GEMINI)

    del schema["$schema"]
    assert declarations(one.body) == [{"name": "get", "parametersJsonSchema": schema}]


def test_case_4_members_of_a_messages_tool_stay_out() -> None:
    extras: Json = {
        "input_examples": [{"k": "v"}],
        "cache_control": {"type": "ephemeral"},
        "strict": True,
        "defer_loading": True,
        "description": "d",
    }

    one = sent("anthropic-messages", messages(tools=[tool("get", **extras)]), GEMINI)

    assert declarations(one.body) == [{"name": "get", "description": "d", "parametersJsonSchema": OBJECT}]


def test_case_5_tools_without_parameters_have_no_schema() -> None:
    tools = [function("a", {"type": "object", "properties": {}}), function("b", None)]

    one = sent("openai-chat", chat(tools=tools), GEMINI)

    assert declarations(one.body) == [{"name": "a"}, {"name": "b"}]


def test_case_6_stray_members_of_a_schema_are_no_matter() -> None:
    schema = {"type": "object", "properties": {"k": {"type": "string", "properties": {}, "required": []}}}

    one = sent("openai-chat", chat(tools=[function("a", schema)]), GEMINI)

    assert declarations(one.body) == [{"name": "a", "parametersJsonSchema": schema}]
    assert "parameters" not in declarations(one.body)[0]


def test_case_7_a_chat_clients_signature_returns_byte_for_byte() -> None:
    call = called("c1", "get", extra_content={"google": {"thought_signature": PROOF}})

    one = sent("openai-chat", chat(user("Hi"), assistant(call), answered("c1", "12")), GEMINI)

    [part] = one.body["contents"][1]["parts"]
    assert part["thoughtSignature"] == PROOF


def test_case_8_a_lost_signature_is_stood_in_for_and_told() -> None:
    one = sent("openai-chat", chat(user("Hi"), assistant(called("c1", "get")), answered("c1", "12")), GEMINI)

    [part] = one.body["contents"][1]["parts"]
    assert part["thoughtSignature"] == STAND_IN
    assert one.lost == ["tool call get"]


def test_case_9_a_parallel_batch_is_one_turn_signed_at_its_first_call() -> None:
    calls = [used(f"toolu_{at}", "get", {"k": str(at)}) for at in range(3)]
    results = [result(f"toolu_{at}", str(at)) for at in range(3)]

    one = sent("anthropic-messages", messages(user("Hi"), said(*calls), user(results)), GEMINI)

    _, model, answers = one.body["contents"]
    assert [part.get("thoughtSignature") for part in model["parts"]] == [STAND_IN, None, None]
    assert len(answers["parts"]) == 3


def test_case_10_three_tool_messages_are_one_turn_in_call_order() -> None:
    calls = [called(name, "get") for name in ("a", "b", "c")]
    turns = [user("Hi"), assistant(*calls), answered("c", "3"), answered("a", "1"), answered("b", "2")]

    one = sent("openai-chat", chat(*turns), GEMINI)

    responses = [part["functionResponse"] for part in one.body["contents"][-1]["parts"]]
    assert [(response["id"], response["response"]) for response in responses] == [
        ("a", {"output": "1"}),
        ("b", {"output": "2"}),
        ("c", {"output": "3"}),
    ]


@pytest.mark.parametrize(("to", "identified"), [(GEMINI, True), (OLD_GEMINI, False)])
def test_case_11_a_result_is_named_from_the_history(to: tuple[str, str], *, identified: bool) -> None:
    one = sent("openai-chat", chat(user("Hi"), assistant(called("c1", "get")), answered("c1", "12")), to)

    response = one.body["contents"][-1]["parts"][0]["functionResponse"]
    assert response["name"] == "get"
    assert ("id" in response) == identified


def test_case_12_an_image_in_a_result_is_never_dropped() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    body = messages(user("Hi"), said(used("t1", "shot")), user([result("t1", [text("Here"), image])]))
    inline = {"inlineData": {"mimeType": "image/png", "data": PIXEL}}

    [new] = sent("anthropic-messages", body, GEMINI).body["contents"][-1]["parts"]
    response, beside = sent("anthropic-messages", body, OLD_GEMINI).body["contents"][-1]["parts"]

    assert new["functionResponse"]["parts"] == [inline]
    assert "parts" not in response["functionResponse"]
    assert beside == inline


@pytest.mark.parametrize(("failed", "key"), [(True, "error"), (False, "output")])
def test_case_13_a_failed_result_is_an_error(failed: bool, key: str) -> None:
    turns = [user("Hi"), said(used("t1", "get")), user([result("t1", "no such city", is_error=failed)])]

    one = sent("anthropic-messages", messages(*turns), GEMINI)

    assert one.body["contents"][-1]["parts"][0]["functionResponse"]["response"] == {key: "no such city"}


def test_case_14_image_types_are_spelt_as_usual_and_addresses_refused() -> None:
    def body(url: str) -> bytes:
        return chat(user([{"type": "image_url", "image_url": {"url": url}}]))

    one = sent("openai-chat", body(f"data:image/jpg;base64,{PIXEL}"), GEMINI)

    assert one.body["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "image/jpeg"
    for url in ("http://127.0.0.1/secret.png", "https://example.com/a.png"):
        with pytest.raises(UnsupportedError):
            sent("openai-chat", body(url), GEMINI)


def test_case_15_no_response_type_beside_tools_on_older_models() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": OBJECT}}

    one = sent("openai-chat", chat(tools=[function("get")], response_format=wanted), OLD_GEMINI)

    assert "responseMimeType" not in one.body.get("generationConfig", {})
    assert '"required":["k"]' in one.body["systemInstruction"]["parts"][-1]["text"]
    assert one.lost


def test_case_16_the_least_effort_is_a_level_or_a_budget_but_never_both() -> None:
    body = chat(reasoning_effort="minimal")

    new = sent("openai-chat", body, GEMINI).body["generationConfig"]["thinkingConfig"]
    old = sent("openai-chat", body, OLD_GEMINI).body["generationConfig"]["thinkingConfig"]

    assert new == {"thinkingLevel": "LOW"}
    assert set(old) == {"thinkingBudget"}
    assert 0 < old["thinkingBudget"] <= 24576


def test_case_17_sampling_is_dropped_and_told_where_it_is_not_taken() -> None:
    body = chat(temperature=0.2, top_p=0.9, presence_penalty=0.5)

    new, old = sent("openai-chat", body, GEMINI), sent("openai-chat", body, OLD_GEMINI)

    assert "generationConfig" not in new.body
    assert set(new.lost) == {"temperature", "top_p", "presence_penalty"}
    assert old.body["generationConfig"] == {"temperature": 0.2, "topP": 0.9, "presencePenalty": 0.5}
    assert old.lost == []


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        ({"type": "function", "function": {"name": "get"}}, {"mode": "ANY", "allowedFunctionNames": ["get"]}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ("auto", {"mode": "AUTO"}),
    ],
)
def test_case_18_tool_choice(choice: Any, mode: Json) -> None:
    one = sent("openai-chat", chat(tools=[function("get")], tool_choice=choice), GEMINI)

    assert one.body["toolConfig"] == {"functionCallingConfig": mode}


def test_case_19_empty_text_leaves_no_part_and_spaces_stay() -> None:
    turns = [user("  "), assistant(called("c1", "get"), content=""), answered("c1", "")]

    one = sent("openai-chat", chat(*turns), GEMINI)

    asked, model, response = one.body["contents"]
    assert asked["parts"] == [{"text": "  "}]
    assert [set(part) for part in model["parts"]] == [{"functionCall", "thoughtSignature"}]
    assert response["parts"][0]["functionResponse"]["response"] == {"output": ""}


def test_case_20_six_stop_sequences_are_refused_by_number() -> None:
    with pytest.raises(UnsupportedError, match="5"):
        sent("anthropic-messages", messages(stop_sequences=list("abcdef")), GEMINI)
