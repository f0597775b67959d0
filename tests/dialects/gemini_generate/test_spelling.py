"""Both spellings of proto-JSON mean the same; the caller's own names are left alone."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from proxyctl.dialects.gemini_generate.spelling import REQUEST, camel, either, snake

SNAKE = {
    "system_instruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "AA=="}}]},
        {
            "role": "model",
            "parts": [
                {
                    "function_call": {"name": "f", "args": {"mime_type": "mine", "function_call": {"top_p": 1}}},
                    "thought_signature": "AA==",
                }
            ],
        },
        {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"display_name": "mine"}}}]},
    ],
    "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"properties": {"file_data": {}}}}]}],
    "tool_config": {"function_calling_config": {"allowed_function_names": ["f"]}},
    "generation_config": {"max_output_tokens": 5, "thinking_config": {"include_thoughts": True}},
}


def test_googles_names_are_rewritten_and_the_callers_are_not() -> None:
    read = msgspec.json.decode(camel(msgspec.json.encode(SNAKE), REQUEST))

    assert read["systemInstruction"] == SNAKE["system_instruction"]
    assert read["contents"][0]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]
    [call] = read["contents"][1]["parts"]
    assert call["functionCall"]["args"] == {"mime_type": "mine", "function_call": {"top_p": 1}}
    assert call["thoughtSignature"] == "AA=="
    assert read["contents"][2]["parts"][0]["functionResponse"]["response"] == {"display_name": "mine"}
    [declared] = read["tools"][0]["functionDeclarations"]
    assert declared["parametersJsonSchema"] == {"properties": {"file_data": {}}}
    assert read["toolConfig"] == {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}
    assert read["generationConfig"] == {"maxOutputTokens": 5, "thinkingConfig": {"includeThoughts": True}}


def test_a_request_in_camel_case_is_not_written_anew() -> None:
    body = b'{"contents":[{"parts":[{"text":"  mime_type  "}]}], "labels": {"a_b": "c"}}'

    assert camel(body, REQUEST) is body


def test_numbers_and_order_below_a_rewritten_level_survive() -> None:
    body = b'{"contents":[{"parts":[{"function_call":{"name":"f","args":{"z":12345678901234567890, "a":1.0}}}]}]}'

    assert b'{"z":12345678901234567890, "a":1.0}' in camel(body, REQUEST)


@pytest.mark.parametrize("name", ["generationConfig", "generation_config"])
def test_a_field_is_found_under_either_name(name: str) -> None:
    assert either({name: Raw(b"{}")}, "generationConfig") == b"{}"
    assert either({}, "generationConfig") == b"null"


def test_humps_become_underscores() -> None:
    assert snake("parametersJsonSchema") == "parameters_json_schema"
