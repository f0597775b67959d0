"""Generation settings towards Gemini: WIRE cases 15, 17, 20, and what each model's traits forbid."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import ChatRequest, JsonFormat, Message, TextPart, Tool
from proxyctl.core.errors import UnsupportedError
from proxyctl.dialects.traits import ModelTraits

from .conftest import Encode

HI = (Message("user", (TextPart(text="Hi"),)),)
OLD = ModelTraits(json_schema_with_tools=False)
NEW = ModelTraits(sampling=False, penalties=False)
SCHEMA = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["a"]}


def request(**fields: Any) -> ChatRequest:
    return ChatRequest(model="gemini-3.8-flash", messages=HI, **fields)


def test_a_bare_request_says_nothing_that_was_not_asked_for(encode: Encode) -> None:
    body, losses = encode(request())

    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert losses == []


def test_every_setting_has_its_name(encode: Encode) -> None:
    wanted = request(
        max_output=100,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=7,
        stop=("END",),
    )

    body, losses = encode(wanted)

    assert body["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "seed": 7,
        "stopSequences": ["END"],
    }
    assert losses == []


def test_case_17_newer_models_get_no_sampling_and_older_ones_do(encode: Encode) -> None:
    wanted = request(temperature=0.2, top_p=0.9, presence_penalty=0.5)

    newer, losses = encode(wanted, NEW)
    older, none = encode(wanted)

    assert "generationConfig" not in newer
    assert losses == ["temperature", "top_p", "presence_penalty"]
    assert older["generationConfig"] == {"temperature": 0.2, "topP": 0.9, "presencePenalty": 0.5}
    assert none == []


def test_temperature_above_the_maximum_is_clamped(encode: Encode) -> None:
    body, losses = encode(request(temperature=1.8), ModelTraits(temperature_max=1.0))

    assert body["generationConfig"] == {"temperature": 1.0}
    assert losses == ["temperature"]


def test_output_beyond_the_model_is_clamped(encode: Encode) -> None:
    body, losses = encode(request(max_output=100_000), ModelTraits(max_output=65536))

    assert body["generationConfig"] == {"maxOutputTokens": 65536}
    assert losses == ["max_output"]


def test_case_20_six_stop_sequences_are_refused_by_number(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="at most 5") as caught:
        encode(request(stop=("a", "b", "c", "d", "e", "f")))

    assert caught.value.problem().status == 400
    assert caught.value.param == "stop"


def test_five_stop_sequences_pass(encode: Encode) -> None:
    body, _ = encode(request(stop=("a", "b", "c", "d", "e")))

    assert body["generationConfig"]["stopSequences"] == ["a", "b", "c", "d", "e"]


def test_json_by_schema_uses_the_plain_json_schema_field(encode: Encode) -> None:
    body, losses = encode(request(format=JsonFormat(schema=SCHEMA, strict=True)))

    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "required": ["a"]},
    }
    assert losses == []


def test_json_without_a_schema(encode: Encode) -> None:
    body, _ = encode(request(format=JsonFormat()))

    assert body["generationConfig"] == {"responseMimeType": "application/json"}


def test_a_schemas_description_has_no_place(encode: Encode) -> None:
    _, losses = encode(request(format=JsonFormat(schema=SCHEMA, description="a thing")))

    assert losses == ["format.description"]


def test_case_15_a_schema_beside_tools_is_asked_for_in_words_on_older_models(encode: Encode) -> None:
    wanted = request(format=JsonFormat(schema=SCHEMA), tools=(Tool(name="get"),), system=(TextPart(text="Be brief."),))

    body, losses = encode(wanted, OLD)

    assert "generationConfig" not in body
    instructions = [part["text"] for part in body["systemInstruction"]["parts"]]
    assert instructions[0] == "Be brief."
    assert '{"type":"object","required":["a"]}' in instructions[1]
    assert losses == ["format"]


def test_case_15_newer_models_take_both(encode: Encode) -> None:
    body, losses = encode(request(format=JsonFormat(schema=SCHEMA), tools=(Tool(name="get"),)))

    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert body["tools"]
    assert losses == []


@pytest.mark.parametrize(
    ("tier", "sent", "lost"),
    [
        (None, None, []),
        ("auto", None, []),
        ("default", "standard", []),
        ("flex", "flex", []),
        ("priority", "priority", []),
        ("standard_only", None, ["service_tier"]),
    ],
)
def test_service_tiers(encode: Encode, tier: str | None, sent: str | None, lost: list[str]) -> None:
    body, losses = encode(request(service_tier=tier))

    assert body.get("serviceTier") == sent
    assert losses == lost


def test_hints_that_change_no_answer_are_no_losses(encode: Encode) -> None:
    parts = (TextPart(text="Hi", cache_ttl="1h"),)
    wanted = ChatRequest(model="m", messages=(Message("user", parts),), user="u-1", stream=True, include_usage=True)

    body, losses = encode(wanted)

    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert losses == []
