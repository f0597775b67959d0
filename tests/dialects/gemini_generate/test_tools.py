"""Tools towards Gemini: WIRE cases 3 to 6 and 18, and the calling modes."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import ChatRequest, Message, TextPart, Tool, ToolChoice
from proxyctl.core.errors import UnsupportedError
from proxyctl.dialects.traits import ModelTraits

from .conftest import Encode

HI = (Message("user", (TextPart(text="Hi"),)),)
GET, PUT = Tool(name="get"), Tool(name="put")


def request(*tools: Tool, choice: ToolChoice | None = None, **more: Any) -> ChatRequest:
    return ChatRequest(model="gemini-3.8-flash", messages=HI, tools=tools, tool_choice=choice, **more)


def declaration(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["tools"][0]["functionDeclarations"][0]
    return found


def calling(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["toolConfig"]["functionCallingConfig"]
    return found


def test_case_3_a_full_json_schema_travels_whole_but_for_its_annotations(encode: Encode) -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "size": {"type": "number", "exclusiveMinimum": 0},
            "kind": {"const": "a"},
            "map": {"type": "object", "propertyNames": {"pattern": "^x"}},
            "$id": {"type": ["string", "null"], "$comment": "a property may be called so"},
        },
    }

    body, losses = encode(request(Tool(name="get", description="d", schema=schema)))

    assert declaration(body) == {
        "name": "get",
        "description": "d",
        "parametersJsonSchema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "size": {"type": "number", "exclusiveMinimum": 0},
                "kind": {"const": "a"},
                "map": {"type": "object", "propertyNames": {"pattern": "^x"}},
                "$id": {"type": ["string", "null"]},
            },
        },
    }
    assert losses == []


def test_case_4_marks_of_other_dialects_stay_out_of_the_declaration(encode: Encode) -> None:
    body, losses = encode(request(Tool(name="get", description="d", strict=True, cache_ttl="5m")))

    assert declaration(body) == {"name": "get", "description": "d"}
    assert losses == ["tools[0].strict"]


@pytest.mark.parametrize(
    "schema",
    [None, {}, {"type": "object"}, {"type": "object", "properties": {}, "required": [], "additionalProperties": False}],
)
def test_case_5_a_tool_without_parameters_has_no_schema(encode: Encode, schema: dict[str, Any] | None) -> None:
    body, losses = encode(request(Tool(name="get", schema=schema)))

    assert declaration(body) == {"name": "get"}
    assert losses == []


def test_case_6_a_node_with_stray_members_travels_as_json_schema(encode: Encode) -> None:
    stray = {"type": "string", "properties": {}, "required": []}

    body, _ = encode(request(Tool(name="get", schema={"type": "object", "properties": {"k": stray}})))

    assert declaration(body)["parametersJsonSchema"]["properties"]["k"] == stray
    assert "parameters" not in declaration(body)


def test_all_tools_stand_in_one_list(encode: Encode) -> None:
    body, _ = encode(request(GET, PUT))

    assert body["tools"] == [{"functionDeclarations": [{"name": "get"}, {"name": "put"}]}]
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("any"), {"mode": "ANY"}),
        (ToolChoice("tool", "put"), {"mode": "ANY", "allowedFunctionNames": ["put"]}),
        (ToolChoice("auto", allowed=("get",)), {"mode": "VALIDATED", "allowedFunctionNames": ["get"]}),
        (ToolChoice("any", allowed=("get", "put")), {"mode": "ANY", "allowedFunctionNames": ["get", "put"]}),
    ],
)
def test_case_18_tool_choice(encode: Encode, choice: ToolChoice, expected: dict[str, Any]) -> None:
    body, losses = encode(request(GET, PUT, choice=choice))

    assert calling(body) == expected
    assert losses == []


def test_a_chosen_tool_bears_the_name_it_was_sent_under(encode: Encode) -> None:
    body, _ = encode(request(Tool(name="get it"), choice=ToolChoice("tool", "get it")))

    assert calling(body)["allowedFunctionNames"] == [declaration(body)["name"]] == ["get_it"]


def test_a_choice_without_tools_is_dropped(encode: Encode) -> None:
    forced, losses = encode(request(choice=ToolChoice("any")))
    free, none = encode(request(choice=ToolChoice("auto")))

    assert "toolConfig" not in forced
    assert "toolConfig" not in free
    assert losses == ["tool_choice"]
    assert none == []


def test_one_call_at_a_time_cannot_be_asked_for(encode: Encode) -> None:
    _, losses = encode(request(GET, parallel_tool_calls=False))
    _, none = encode(request(GET, parallel_tool_calls=True))

    assert losses == ["parallel_tool_calls"]
    assert none == []


def test_tools_for_a_model_that_has_none_are_refused(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="no tools"):
        encode(request(GET), ModelTraits(tools=False))
