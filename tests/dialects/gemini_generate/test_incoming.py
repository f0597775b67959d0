"""Gemini requests in the canonical form, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from google.genai import types

from proxyctl.core.chat import ChatRequest, JsonFormat, Reasoning, TextPart, ToolChoice
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE

HI: Any = [{"role": "user", "parts": [{"text": "Hi"}]}]


HUGE = msgspec.Raw(b"1e400")
"""A number that no double holds."""


def decoded(**fields: Any) -> ChatRequest:
    return GEMINI_GENERATE.decode_request(msgspec.json.encode({"contents": HI, **fields}))


def configured(**config: Any) -> ChatRequest:
    return decoded(generationConfig=config)


def test_everything_that_can_be_carried() -> None:
    request = decoded(
        systemInstruction={"role": "user", "parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
        generationConfig={
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 40.0,
            "maxOutputTokens": "100",
            "stopSequences": ["END"],
            "presencePenalty": 0.1,
            "frequencyPenalty": 0.2,
            "seed": 7,
            "candidateCount": 1,
            "responseModalities": ["TEXT"],
        },
        serviceTier="standard",
    )

    assert [part.text for part in request.system] == ["Be brief.", "Be kind."]
    assert (request.temperature, request.top_p, request.top_k, request.seed) == (0.5, 0.9, 40, 7)
    assert (request.max_output, request.stop) == (100, ("END",))
    assert (request.presence_penalty, request.frequency_penalty) == (0.1, 0.2)
    assert request.service_tier == "default"
    assert request.extras == ()


def test_both_spellings_mean_the_same() -> None:
    camel = decoded(
        systemInstruction={"parts": [{"text": "s"}]},
        generationConfig={"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 9, "includeThoughts": True}},
        toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}},
        tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
    )
    snake = decoded(
        system_instruction={"parts": [{"text": "s"}]},
        generation_config={"max_output_tokens": 5, "thinking_config": {"thinking_budget": 9, "include_thoughts": True}},
        tool_config={"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f", "g"]}},
        tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}],
    )

    assert snake == camel
    assert camel.reasoning == Reasoning(None, 9, visible=True)
    assert camel.tool_choice == ToolChoice("any", allowed=("f", "g"))


@pytest.mark.parametrize("instruction", ["Be brief.", {"parts": {"text": "Be brief."}}, ["Be brief."]])
def test_an_instruction_in_short(instruction: Any) -> None:
    assert decoded(systemInstruction=instruction).system == (TextPart(text="Be brief."),)


def test_a_leading_system_content_is_the_instruction() -> None:
    request = decoded(contents=[{"role": "system", "parts": [{"text": "Be brief."}]}, *HI])

    assert request.system == (TextPart(text="Be brief."),)
    assert len(request.messages) == 1


@pytest.mark.parametrize(
    ("config", "reasoning"),
    [
        ({"thinkingLevel": "HIGH"}, Reasoning("high", None, visible=False)),
        ({"thinkingLevel": "minimal", "includeThoughts": True}, Reasoning("minimal", None, visible=True)),
        ({"thinkingBudget": 4096}, Reasoning(None, 4096, visible=False)),
        ({"thinkingBudget": 0}, Reasoning("off", None, visible=False)),
        ({"thinkingBudget": -1}, Reasoning(None, None, visible=False)),
        ({"includeThoughts": True}, Reasoning(None, None, visible=True)),
        ({"includeThoughts": False}, None),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
    ],
)
def test_thinking(config: Any, reasoning: Reasoning | None) -> None:
    request = configured(thinkingConfig=config)

    assert request.reasoning == reasoning
    assert GEMINI_GENERATE.shows_thinking(request) is bool(config.get("includeThoughts"))


@pytest.mark.parametrize(
    ("calling", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("any")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("tool", "f")),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice("auto", allowed=("f",))),
        ({"mode": "MODE_UNSPECIFIED"}, None),
        ({}, None),
    ],
)
def test_tool_choice(calling: Any, choice: ToolChoice | None) -> None:
    assert decoded(toolConfig={"functionCallingConfig": calling}).tool_choice == choice


def test_parameters_in_googles_words() -> None:
    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={"k": types.Schema(type=types.Type.ARRAY, items=types.Schema(type=types.Type.STRING), min_items=1)},
        required=["k"],
    )
    declared = {"name": "f", "description": "d", "parameters": schema.model_dump(exclude_none=True, mode="json")}

    [tool] = decoded(tools={"functionDeclarations": [declared, {"name": "g"}]}).tools[:1]

    assert tool.schema == {
        "type": "object",
        "properties": {"k": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["k"],
    }


SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
PLAIN = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("config", "form"),
    [
        ({"responseMimeType": "application/json"}, JsonFormat()),
        ({"responseMimeType": "application/json", "responseSchema": SCHEMA}, JsonFormat(PLAIN)),
        ({"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}, JsonFormat(PLAIN)),
        ({"responseMimeType": "text/plain"}, None),
    ],
)
def test_structured_output(config: Any, form: JsonFormat | None) -> None:
    assert configured(**config).format == form


def test_one_of_a_few_texts_is_asked_for_in_words() -> None:
    """The answer is the bare text: as JSON, it would come in quotes."""
    request = configured(responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["yes", "no"]})

    assert request.format is None
    assert request.system[-1].text.endswith("yes, no")
    assert request.extras == ("generationConfig.responseMimeType",)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"tools": [{"googleSearch": {}}]}, "tools[0].googleSearch"),
        ({"tools": [{"url_context": {}}, {"codeExecution": {}}]}, "tools[0].urlContext"),
        ({"safetySettings": [{"category": "A", "threshold": "BLOCK_NONE"}]}, "safetySettings"),
        ({"toolConfig": {"retrievalConfig": {"languageCode": "de"}}}, "toolConfig.retrievalConfig"),
        ({"generationConfig": {"mediaResolution": "LOW"}}, "generationConfig.mediaResolution"),
        ({"generationConfig": {"responseLogprobs": True}}, "generationConfig.responseLogprobs"),
        ({"somethingNew": 1}, "somethingNew"),
        (
            {"contents": [{"parts": [{"text": "x", "videoMetadata": {"fps": 1}}]}]},
            "contents[0].parts[0].videoMetadata",
        ),
    ],
)
def test_what_cannot_be_carried_is_a_loss(fields: Any, path: str) -> None:
    assert path in decoded(**fields).extras


@pytest.mark.parametrize("fields", [{"store": True}, {"labels": {"a": "b"}}, {"model": "models/x"}, {"tools": []}])
def test_what_nobody_misses_is_none(fields: Any) -> None:
    assert decoded(**fields).extras == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"continuationToken": "t"}, "continuationToken"),
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "generationConfig.responseModalities"),
    ],
)
def test_what_only_its_provider_can_do_is_refused(fields: Any, param: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        decoded(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"contents": []}, "contents"),
        ({"contents": [{"role": "user", "parts": []}]}, "contents"),
        ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"generationConfig": {"maxOutputTokens": -1}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "ALOT"}}}, "thinkingConfig.thinkingLevel"),
        ({"generationConfig": []}, "generationConfig"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}}, "functionCallingConfig.mode"),
        ({"tools": [{"functionDeclarations": [{"name": ""}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"tools": [{"functionDeclarations": [{"name": "f", "parameters": 1}]}]}, "parameters"),
        ({"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"enum": [HUGE]}}]}]}, "parameters"),
        ({"tools": [7]}, "tools[0]"),
        ({"systemInstruction": 7}, "systemInstruction"),
    ],
)
def test_what_is_wrong_is_named(fields: Any, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoded(**fields)

    assert path in caught.value.path


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"contents":"\xff"}', b'{"contents":' + b"[" * 5000])
def test_what_is_no_request_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        GEMINI_GENERATE.decode_request(body)
