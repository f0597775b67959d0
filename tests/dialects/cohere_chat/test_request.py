"""Settings, tools and formats towards Cohere: each limit met, each meeting told."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import ChatRequest, JsonFormat, Message, Reasoning, TextPart, Tool, ToolChoice
from proxyctl.core.errors import BadRequestError, UnsupportedError
from proxyctl.dialects.traits import ModelTraits

from .conftest import Encode

HI = (Message("user", (TextPart(text="Hi"),)),)
BARE = {"model": "command-a-plus-05-2026", "messages": [{"role": "user", "content": "Hi"}], "stream": False}
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
GET, PUT = Tool(name="get", schema=SCHEMA), Tool(name="put")


def request(*tools: Tool, **fields: Any) -> ChatRequest:
    return ChatRequest(model="command-a-plus-05-2026", messages=HI, tools=tools, **fields)


def settings(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in BARE}


def test_a_bare_request_says_nothing_that_was_not_asked_for(encode: Encode) -> None:
    assert encode(request()) == (BARE, [])


def test_streaming_is_said(encode: Encode) -> None:
    body, _ = encode(request(stream=True, include_usage=True))

    assert body == {**BARE, "stream": True}


def test_every_setting_has_its_name(encode: Encode) -> None:
    body, losses = encode(
        request(max_output=10, temperature=0.5, top_p=0.9, top_k=40, frequency_penalty=0.2, seed=7, stop=("END",))
    )

    assert settings(body) == {
        "max_tokens": 10,
        "temperature": 0.5,
        "p": 0.9,
        "k": 40,
        "frequency_penalty": 0.2,
        "seed": 7,
        "stop_sequences": ["END"],
    }
    assert losses == []


@pytest.mark.parametrize(
    ("asked", "sent", "lost"),
    [
        ({"temperature": 1.7}, {"temperature": 1.0}, ["temperature"]),
        ({"top_p": 1.0}, {"p": 0.99}, ["top_p"]),
        ({"top_p": 0.0}, {"p": 0.01}, ["top_p"]),
        ({"top_k": 1000}, {"k": 500}, ["top_k"]),
        ({"frequency_penalty": 1.5}, {"frequency_penalty": 1.0}, ["frequency_penalty"]),
        ({"presence_penalty": -1.0}, {"presence_penalty": 0.0}, ["presence_penalty"]),
        ({"presence_penalty": 0.5}, {"presence_penalty": 0.5}, []),
        ({"presence_penalty": 0.0, "frequency_penalty": 0.0}, {}, []),
        ({"presence_penalty": 0.5, "frequency_penalty": 0.5}, {"frequency_penalty": 0.5}, ["presence_penalty"]),
        ({"service_tier": "flex"}, {}, ["service_tier"]),
        ({"service_tier": "auto", "user": "u"}, {}, []),
    ],
)
def test_ranges(encode: Encode, asked: dict[str, Any], sent: dict[str, Any], lost: list[str]) -> None:
    body, losses = encode(request(**asked))

    assert settings(body) == sent
    assert losses == lost


def test_six_stop_sequences_are_refused_by_number(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="at most 5") as caught:
        encode(request(stop=("a", "b", "c", "d", "e", "f")))

    assert caught.value.param == "stop"


def test_output_beyond_the_model_is_clamped(encode: Encode) -> None:
    body, losses = encode(request(max_output=9000), ModelTraits(max_output=8000))

    assert settings(body) == {"max_tokens": 8000}
    assert losses == ["max_output"]


def test_tools_are_declared_with_their_parameters(encode: Encode) -> None:
    annotated = {"$schema": "http://json-schema.org/draft-07/schema#", **SCHEMA}

    body, losses = encode(request(Tool(name="get", description="d", schema=annotated), PUT))

    assert body["tools"] == [
        {"type": "function", "function": {"name": "get", "description": "d", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "put", "parameters": {"type": "object", "properties": {}}}},
    ]
    assert "tool_choice" not in body
    assert losses == []


def test_names_that_cohere_refuses_are_replaced(encode: Encode) -> None:
    body, losses = encode(request(Tool(name="get-it"), Tool(name="2nd")))

    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_it", "_2nd"]
    assert losses == ["tools[0].name", "tools[1].name"]


@pytest.mark.parametrize(
    ("choice", "sent", "offered", "lost"),
    [
        (ToolChoice("auto"), None, ["get", "put"], []),
        (ToolChoice("none"), "NONE", ["get", "put"], []),
        (ToolChoice("any"), "REQUIRED", ["get", "put"], []),
        (ToolChoice("tool", "put"), "REQUIRED", ["put"], ["tool_choice"]),
        (ToolChoice("auto", allowed=("get",)), None, ["get"], []),
        (ToolChoice("any", allowed=("put", "get")), "REQUIRED", ["get", "put"], []),
    ],
)
def test_tool_choice(encode: Encode, choice: ToolChoice, sent: str | None, offered: list[str], lost: list[str]) -> None:
    body, losses = encode(request(GET, PUT, tool_choice=choice))

    assert body.get("tool_choice") == sent
    assert [tool["function"]["name"] for tool in body["tools"]] == offered
    assert losses == lost


def test_a_choice_of_no_declared_tool_is_a_bad_request(encode: Encode) -> None:
    with pytest.raises(BadRequestError, match="nothing"):
        encode(request(GET, tool_choice=ToolChoice("tool", "nothing")))


def test_a_choice_without_tools_is_dropped(encode: Encode) -> None:
    assert encode(request(tool_choice=ToolChoice("any"))) == (BARE, ["tool_choice"])
    assert encode(request(tool_choice=ToolChoice("auto"))) == (BARE, [])


def test_tools_for_a_model_that_has_none_are_refused(encode: Encode) -> None:
    with pytest.raises(UnsupportedError, match="no tools"):
        encode(request(GET), ModelTraits(tools=False))


def test_strictness_is_for_all_tools_or_none(encode: Encode) -> None:
    strict = Tool(name="get", schema=SCHEMA, strict=True)

    both, none = encode(request(strict))
    mixed, losses = encode(request(strict, PUT))

    assert both["strict_tools"] is True
    assert none == []
    assert "strict_tools" not in mixed
    assert losses == ["tools.strict"]


def test_one_call_at_a_time_cannot_be_asked_for(encode: Encode) -> None:
    _, losses = encode(request(GET, parallel_tool_calls=False))

    assert losses == ["parallel_tool_calls"]


def test_json_by_schema(encode: Encode) -> None:
    body, losses = encode(request(format=JsonFormat(schema=SCHEMA)))

    assert settings(body) == {"response_format": {"type": "json_object", "json_schema": SCHEMA}}
    assert losses == []


def test_json_without_a_schema(encode: Encode) -> None:
    body, _ = encode(request(format=JsonFormat()))

    assert settings(body) == {"response_format": {"type": "json_object"}}


def test_a_schema_that_requires_nothing_is_asked_for_in_words(encode: Encode) -> None:
    """Cohere answers such a schema with a 400."""
    loose = {"type": "object", "required": ["a"], "properties": {"a": {"type": "object", "properties": {}}}}

    body, losses = encode(request(format=JsonFormat(schema=loose)))

    assert body["response_format"] == {"type": "json_object"}
    assert '"required":["a"]' in body["messages"][0]["content"]
    assert losses == ["format.schema"]


def test_a_format_beside_tools_is_asked_for_in_words(encode: Encode) -> None:
    body, losses = encode(request(GET, format=JsonFormat(schema=SCHEMA), system=(TextPart(text="Be brief."),)))

    assert "response_format" not in body
    assert body["messages"][0]["content"].startswith("Be brief.\n\n")
    assert '"required":["k"]' in body["messages"][0]["content"]
    assert losses == ["format"]


@pytest.mark.parametrize(
    ("reasoning", "sent", "lost"),
    [
        (Reasoning(), None, []),
        (Reasoning(visible=True), None, []),
        (Reasoning(effort="off"), {"type": "disabled"}, []),
        (Reasoning(budget=0), {"type": "disabled"}, []),
        (Reasoning(budget=2000), {"type": "enabled", "token_budget": 2000}, []),
        (Reasoning(budget=-1), {"type": "enabled"}, []),
        (Reasoning(effort="high"), {"type": "enabled"}, ["reasoning.effort"]),
    ],
)
def test_thinking(encode: Encode, reasoning: Reasoning, sent: dict[str, Any] | None, lost: list[str]) -> None:
    body, losses = encode(request(reasoning=reasoning))

    assert body.get("thinking") == sent
    assert losses == lost


def test_a_model_that_does_not_think_is_not_asked_to(encode: Encode) -> None:
    plain = ModelTraits(thinking="none")

    assert encode(request(reasoning=Reasoning(effort="high")), plain) == (BARE, ["reasoning"])
    assert encode(request(reasoning=Reasoning(effort="off")), plain) == (BARE, [])
