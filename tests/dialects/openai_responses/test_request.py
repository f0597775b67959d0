"""Requests, field by field, as documented (wire notes 2026-11, "OpenAI")."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import JsonFormat, Message, Reasoning, TextPart, Tool, ToolChoice
from proxyctl.core.errors import BadRequestError, DecodeError, UnsupportedError
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from tests.dialects.openai_responses.requests import GET, PATCH, body, decoded, user


def test_a_text_is_one_user_message() -> None:
    assert decoded("Hi").messages == (Message("user", (TextPart(text="Hi"),)),)


def test_instructions_and_leading_developer_messages_are_the_system_text() -> None:
    request = decoded(
        [
            {"role": "developer", "content": "B"},
            {"role": "system", "content": "C"},
            user({"type": "input_text", "text": "Hi"}),
        ],
        instructions="A",
    )

    assert request.system == (TextPart(text="A"), TextPart(text="B"), TextPart(text="C"))
    assert [message.role for message in request.messages] == ["user"]


def test_a_later_developer_message_stays_in_its_place() -> None:
    request = decoded([{"role": "user", "content": "Hi"}, {"role": "developer", "content": "Be brief."}])

    assert request.messages[1] == Message("system", (TextPart(text="Be brief."),))


def test_what_is_said_of_the_answer_is_carried() -> None:
    request = decoded(
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=99,
        parallel_tool_calls=False,
        service_tier="flex",
        user="ann",
        stream=True,
        tools=[GET],
    )

    assert (request.temperature, request.top_p, request.max_output) == (0.5, 0.9, 99)
    assert (request.parallel_tool_calls, request.service_tier) == (False, "flex")
    assert (request.user, request.stream, request.include_usage) == ("ann", True, True)
    assert request.extras == ()


@pytest.mark.parametrize(
    ("wanted", "carried"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonFormat()),
        (
            {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
            JsonFormat({"type": "object"}, "n", strict=True),
        ),
    ],
)
def test_formats(wanted: dict[str, Any], carried: JsonFormat | None) -> None:
    assert decoded(text={"format": wanted, "verbosity": "low"}).format == carried


@pytest.mark.parametrize(
    ("asked", "carried"),
    [
        (None, None),
        ({}, Reasoning(visible=False)),
        ({"effort": "none"}, Reasoning("off", visible=False)),
        ({"effort": "xhigh", "summary": "auto"}, Reasoning("xhigh", visible=True)),
        ({"generate_summary": "concise"}, Reasoning(visible=True)),
    ],
)
def test_thinking_is_shown_to_those_who_ask_for_a_summary(asked: dict[str, Any], carried: Reasoning | None) -> None:
    assert decoded(reasoning=asked).reasoning == carried


@pytest.mark.parametrize(
    ("choice", "carried"),
    [
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("any")),
        ("none", ToolChoice("none")),
        ({"type": "function", "name": "get"}, ToolChoice("tool", "get")),
        ({"type": "custom", "name": "apply_patch"}, ToolChoice("tool", "apply_patch")),
        ({"type": "function", "name": "go", "namespace": "web"}, ToolChoice("tool", "web__go")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get"}]},
            ToolChoice("any", None, ("get",)),
        ),
    ],
)
def test_tool_choices(choice: Any, carried: ToolChoice) -> None:
    assert decoded(tools=[GET, PATCH], tool_choice=choice).tool_choice == carried


def test_tools_of_every_kind() -> None:
    space = {"type": "namespace", "name": "mcp__box__", "description": "d", "tools": [GET, PATCH]}

    tools = decoded(tools=[GET, PATCH, space]).tools

    assert [(tool.name, tool.kind) for tool in tools] == [
        ("get", "function"),
        ("apply_patch", "custom"),
        ("mcp__box__get", "function"),
        ("mcp__box__apply_patch", "custom"),
    ]
    assert tools[0] == Tool(name="get", schema={"type": "object", "properties": {}}, strict=False)
    assert tools[1].schema == {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def test_a_providers_own_tool_beside_the_callers_is_a_loss() -> None:
    """Codex lists a web search with every request, and does without."""
    request = decoded(tools=[GET, {"type": "web_search", "external_web_access": True}, {"type": "tool_search"}])

    assert [tool.name for tool in request.tools] == ["get"]
    assert request.extras == ("tools[1]", "tools[2]")


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "web_search"}]},
        {"tools": [GET, {"type": "web_search"}], "tool_choice": {"type": "web_search"}},
        {"background": True},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
    ],
)
def test_what_only_its_provider_can_do_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        decoded(**fields)


def test_an_earlier_response_that_nobody_kept_is_refused_by_its_name() -> None:
    with pytest.raises(BadRequestError) as caught:
        decoded(previous_response_id="resp_9")

    problem = caught.value.problem()
    assert (problem.code, problem.param) == ("previous_response_not_found", "previous_response_id")
    assert "resp_9" in problem.message


def test_an_item_kept_elsewhere_is_refused_with_advice() -> None:
    with pytest.raises(UnsupportedError) as caught:
        decoded([{"type": "item_reference", "id": "msg_1"}])

    assert caught.value.param == "input[0]"
    assert "store" in caught.value.hint


def test_what_nobody_misses_is_no_loss() -> None:
    fields = {
        "store": False,
        "metadata": {"a": "b"},
        "client_metadata": {"c": "d"},
        "prompt_cache_key": "k",
        "include": ["reasoning.encrypted_content"],
        "truncation": "disabled",
        "stream_options": {"include_obfuscation": False},
        "previous_response_id": None,
        "text": {"verbosity": "high"},
    }

    assert decoded(**fields).extras == ()


def test_what_cannot_be_carried_is_listed() -> None:
    grammar = PATCH | {"format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}}

    request = decoded(
        tools=[grammar],
        max_tool_calls=3,
        top_logprobs=2,
        truncation="auto",
        include=["message.output_text.logprobs"],
        reasoning={"mode": "pro"},
    )

    assert sorted(request.extras) == [
        "include[0]",
        "max_tool_calls",
        "reasoning.mode",
        "tools[0].format",
        "top_logprobs",
        "truncation",
    ]


@pytest.mark.parametrize(
    ("given", "fields", "path"),
    [
        (None, {}, "input"),
        ([], {}, "input"),
        (3, {}, "input"),
        ([3], {}, "input[0]"),
        ([{"type": "spell"}], {}, "input[0].type"),
        ([{"role": "wizard", "content": "x"}], {}, "input[0].role"),
        ([{"role": "user", "content": [{"type": "smell"}]}], {}, "input[0].content[0].type"),
        (
            [{"role": "developer", "content": [{"type": "input_image", "image_url": "http://x/y"}]}],
            {},
            "input[0].content",
        ),
        ("Hi", {"model": ""}, "model"),
        ("Hi", {"temperature": "hot"}, "temperature"),
        ("Hi", {"max_output_tokens": 0}, "max_output_tokens"),
        ("Hi", {"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ("Hi", {"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ("Hi", {"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ("Hi", {"tool_choice": "maybe"}, "tool_choice"),
        ("Hi", {"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ("Hi", {"tools": [{"type": "function"}]}, "tools[0].name"),
        ("Hi", {"tools": [{"type": "namespace", "tools": []}]}, "tools[0].name"),
    ],
)
def test_what_is_not_as_documented_is_refused_with_its_path(given: Any, fields: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoded(given, **fields)

    assert caught.value.path == path


def test_no_json_is_no_request() -> None:
    with pytest.raises(DecodeError):
        OPENAI_RESPONSES.decode_request(body()[:-1])


def test_instructions_alone_are_a_request() -> None:
    assert decoded(None, instructions="Tell a joke.").system == (TextPart(text="Tell a joke."),)
