"""What routing reads of a Gemini request, in either spelling."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import decode_fields
from proxyctl.dialects.envelope import seal
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE

HI: Any = [{"role": "user", "parts": [{"text": "Hi"}]}]


def peeked(**fields: Any) -> Peek:
    return GEMINI_GENERATE.peek(decode_fields(msgspec.json.encode({"contents": HI, **fields})), size=9)


def with_part(**part: Any) -> Peek:
    return peeked(contents=[{"role": "user", "parts": [part]}])


def test_a_plain_request_needs_nothing() -> None:
    assert peeked() == Peek(model="", include_usage=True, size=9)


@pytest.mark.parametrize("key", ["functionDeclarations", "function_declarations"])
def test_functions_need_a_model_that_calls(key: str) -> None:
    assert peeked(tools=[{key: [{"name": "f"}]}]).has_tools


@pytest.mark.parametrize("tools", [[], None, [{"googleSearch": {}}]])
def test_a_search_at_the_provider_is_no_function(tools: Any) -> None:
    """Models that draw take it, and call no functions."""
    assert not peeked(tools=tools).has_tools


def test_media_are_seen_by_their_type() -> None:
    assert with_part(inlineData={"mimeType": "image/png", "data": ""}).has_images
    assert with_part(inline_data={"mime_type": "image/png", "data": ""}).has_images
    assert with_part(fileData={"mimeType": "application/pdf", "fileUri": ""}).has_documents
    assert not with_part(text='"mimeType":"image/png" "mimeType":"application/pdf"').has_images


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"thinkingConfig": {"includeThoughts": True}}, True),
        ({"thinking_config": {"thinking_budget": 512}}, True),
        ({"thinkingConfig": {"thinkingLevel": "LOW"}}, True),
        ({"thinkingConfig": {"thinkingBudget": 0, "includeThoughts": True}}, False),
        ({"thinkingConfig": {}}, False),
        ({}, False),
    ],
)
def test_thinking(config: Any, wanted: bool) -> None:
    assert peeked(generationConfig=config).wants_thinking is wanted


@pytest.mark.parametrize("key", ["responseSchema", "responseJsonSchema", "response_schema", "response_json_schema"])
def test_a_schema(key: str) -> None:
    assert peeked(generation_config={key: {"type": "OBJECT"}}).wants_json_schema


@pytest.mark.parametrize("limit", [100, "100"])
def test_a_limit_may_be_text(limit: Any) -> None:
    assert peeked(generationConfig={"maxOutputTokens": limit}).max_output == 100


def test_anothers_proof_is_noticed() -> None:
    sealed = base64.b64encode(seal(None).encode()).decode()

    assert with_part(text="", thought=True, thoughtSignature=sealed).foreign_signatures
    assert not with_part(text="Z3dzMS", thoughtSignature="AQ==").foreign_signatures


@pytest.mark.parametrize("contents", [None, [], {}, 7, ""])
def test_contents_are_required(contents: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        peeked(contents=contents)

    assert caught.value.path == "contents"


def test_a_wrong_type_is_named() -> None:
    with pytest.raises(DecodeError) as caught:
        peeked(generationConfig={"thinkingConfig": {"thinkingBudget": "much"}})

    assert caught.value.path == "generationConfig.thinkingConfig.thinkingBudget"


def session(**fields: Any) -> str:
    return GEMINI_GENERATE.session(decode_fields(msgspec.json.encode({"contents": HI, **fields})))


def test_a_conversation_keeps_its_session_as_it_grows() -> None:
    more = [*HI, {"role": "model", "parts": [{"text": "Hello"}]}, {"role": "user", "parts": [{"text": "Bye"}]}]

    assert session() == session(contents=more) != ""
    assert session(contents=HI[0]) == session()
    assert session(systemInstruction={"parts": [{"text": "x"}]}) != session()


def test_an_odd_request_has_no_session() -> None:
    assert session(contents=[{"role": 7}]) == ""
