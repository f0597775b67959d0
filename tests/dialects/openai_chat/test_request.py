"""Requests of OpenAI's chat, as clients write them, to the canonical form."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import (
    AudioPart,
    ChatRequest,
    DocumentPart,
    ImagePart,
    JsonFormat,
    Message,
    Reasoning,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.openai_chat import OPENAI_CHAT

ASK = {"role": "user", "content": "hi"}


def decode(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    return OPENAI_CHAT.decode_request(json.dumps({"model": "m", "messages": messages or [ASK], **fields}).encode())


def text(value: str, **fields: Any) -> TextPart:
    return TextPart(text=value, **fields)


def test_leading_system_and_developer_messages_are_the_system_text() -> None:
    request = decode(
        {"role": "system", "content": "A"},
        {"role": "developer", "content": [{"type": "text", "text": "B"}]},
        ASK,
        {"role": "system", "content": "C"},
    )

    assert request.system == (text("A"), text("B"))
    assert request.messages == (Message("user", (text("hi"),)), Message("system", (text("C"),)))


def test_content_parts_of_every_kind() -> None:
    request = decode(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
                {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "image_url", "image_url": "https://example.org/b.png"},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
                {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
            ],
        }
    )

    assert request.messages[0].parts == (
        text("see", cache_ttl="30m"),
        ImagePart(media_type="image/jpeg", data="AAAA", detail="low"),
        ImagePart(url="https://example.org/a.png"),
        ImagePart(url="https://example.org/b.png"),
        AudioPart(media_type="audio/mp3", data="AAAA"),
        DocumentPart(media_type="application/pdf", data="AAAA", title="a.pdf"),
        DocumentPart(text="hi"),
    )


def test_an_assistant_with_everything() -> None:
    request = decode(
        ASK,
        {
            "role": "assistant",
            "content": "Looking.",
            "reasoning_content": "Hmm.",
            "refusal": "no",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get", "arguments": '{"k": 1}'},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                },
                {"id": "call_2", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}},
            ],
        },
    )

    assert request.messages[1].parts == (
        ThinkingPart(text="Hmm."),
        text("Looking."),
        RefusalPart(text="no"),
        ToolCallPart(id="call_1", name="get", arguments='{"k": 1}', signature=Signature("c2ln", "gemini-generate")),
        ToolCallPart(id="call_2", name="patch", arguments='{"input":"*** Begin"}'),
    )


@pytest.mark.parametrize("thought", ["Hmm.", [{"type": "text", "text": "Hm"}, {"type": "reference"}, {"text": "m."}]])
def test_thinking_among_an_assistants_content_is_thinking(thought: Any) -> None:
    said = {"type": "text", "text": "Looking."}
    signed = {"type": "thinking", "thinking": thought, "signature": "c2ln", "closed": True}

    request = decode(ASK, {"role": "assistant", "content": [signed, {"type": "thinking", "thinking": []}, said]})

    assert request.messages[1].parts == (ThinkingPart(text="Hmm."), text("Looking."))
    assert request.extras == ("messages[1].content[0].signature",)


@pytest.mark.parametrize(("role", "part"), [("user", {"thinking": "Hmm."}), ("assistant", {})])
def test_other_thinking_is_refused(role: str, part: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="unknown content type 'thinking'"):
        decode(ASK, {"role": role, "content": [{"type": "thinking", **part}]})


def test_tool_messages_are_results_in_user_messages() -> None:
    request = decode(
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}]},
    )

    assert request.messages[2].parts == (ToolResultPart(call_id="b", parts=(text("2"),)),)
    assert request.messages[3].parts == (ToolResultPart(call_id="a", parts=(text("1"),)),)


def call(call_id: str, arguments: Any = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "get", "arguments": arguments}}


def test_the_old_functions_are_tools() -> None:
    request = decode(
        ASK,
        {"role": "assistant", "content": None, "function_call": {"name": "get", "arguments": ""}},
        {"role": "function", "name": "get", "content": "1"},
        functions=[{"name": "get", "parameters": {"type": "object"}}],
        function_call={"name": "get"},
    )

    called, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(called, ToolCallPart)
    assert isinstance(result, ToolResultPart)
    assert called.id == result.call_id
    assert request.tools == (Tool(name="get", schema={"type": "object"}),)
    assert request.tool_choice == ToolChoice("tool", "get")


@pytest.mark.parametrize("arguments", ["", None, {"k": 1}])
def test_arguments_of_careless_clients_are_taken(arguments: Any) -> None:
    request = decode(ASK, {"role": "assistant", "tool_calls": [call("a", arguments)]})

    assert request.messages[1].parts[0].arguments in ("", '{"k":1}')


def test_tools_and_their_choice() -> None:
    request = decode(
        tools=[
            {"type": "function", "function": {"name": "get", "description": "d", "parameters": {}, "strict": True}},
            {"type": "custom", "custom": {"name": "patch", "format": {"type": "grammar"}}},
        ],
        parallel_tool_calls=False,
    )

    assert request.tools[0] == Tool(name="get", description="d", schema={}, strict=True)
    assert (request.tools[1].kind, request.tools[1].schema["required"]) == ("custom", ["input"])
    assert request.parallel_tool_calls is False
    assert request.extras == ("tools[1].custom.format",)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("any")),
        ({"type": "function", "function": {"name": "get"}}, ToolChoice("tool", "get")),
        ({"type": "custom", "custom": {"name": "patch"}}, ToolChoice("tool", "patch")),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "a"}}]},
            },
            ToolChoice("any", None, ("a",)),
        ),
    ],
)
def test_tool_choices(choice: Any, expected: ToolChoice) -> None:
    assert decode(tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonFormat()),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}},
            JsonFormat({"type": "object"}, "n", strict=True),
        ),
    ],
)
def test_formats(wanted: Any, expected: JsonFormat | None) -> None:
    assert decode(response_format=wanted).format == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, Reasoning("off")),
        ({"reasoning_effort": "xhigh"}, Reasoning("xhigh")),
        ({"reasoning_effort": "default"}, None),
        ({"reasoning": {"max_tokens": 4000, "exclude": True}}, Reasoning(None, 4000, visible=False)),
        ({"reasoning": {"effort": "low"}}, Reasoning("low")),
        ({"reasoning": {"enabled": False}}, Reasoning("off")),
        ({"include_reasoning": True, "reasoning_effort": "low"}, Reasoning("low", None, visible=True)),
    ],
)
def test_reasoning(fields: dict[str, Any], expected: Reasoning | None) -> None:
    assert decode(**fields).reasoning == expected


def test_limits_sampling_and_the_rest() -> None:
    request = decode(
        max_completion_tokens=9,
        max_tokens=8,
        stop="x",
        temperature=0,
        top_p=0.5,
        top_k=3,
        frequency_penalty=-1,
        presence_penalty=1,
        seed=7,
        safety_identifier="u",
        service_tier="flex",
        stream=True,
        stream_options={"include_usage": True},
    )

    assert (request.max_output, request.stop, request.temperature, request.top_p, request.top_k) == (
        9,
        ("x",),
        0,
        0.5,
        3,
    )
    assert (request.frequency_penalty, request.presence_penalty, request.seed) == (-1, 1, 7)
    assert (request.user, request.service_tier, request.stream, request.include_usage) == ("u", "flex", True, True)


def test_what_has_no_place_is_named_and_what_nobody_misses_is_not() -> None:
    request = decode(
        {"role": "user", "content": "hi", "name": "ann"},
        {"role": "assistant", "audio": {"id": "audio_1"}},
        logit_bias={"1": 5},
        logprobs=True,
        moderation=None,
        metadata={},
        store=True,
        verbosity="low",
        prompt_cache_key="k",
        prediction={"type": "content"},
        brand_new=1,
    )

    assert request.extras == ("logit_bias", "logprobs", "brand_new", "messages[0].name", "messages[1].audio")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"messages": [ASK, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id"),
        ({"messages": [ASK, {"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages[1].tool_calls[0]"),
        (
            {"messages": [{"role": "system", "content": [IMAGE := {"type": "image_url", "image_url": "http://x"}]}]},
            "messages[0].content",
        ),
        ({"messages": []}, "messages"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(**{"messages": [ASK], **fields})

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "messages[0].content[0].file.file_id",
        ),
    ],
)
def test_what_no_translation_can_carry_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        decode(**{"messages": [ASK], **fields})

    assert caught.value.param == param


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', b"[" * 5000]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        OPENAI_CHAT.decode_request(body)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "tool_calls", "function", "name", "image_url", "url", "file"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.lists(JUNK, max_size=3), st.dictionaries(st.sampled_from(["tools", "tool_choice", "stop", "stream"]), JUNK))
def test_any_json_is_a_request_or_refused(messages: list[Any], fields: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", "messages": messages, **fields}).encode()

    with suppress(DecodeError, UnsupportedError):
        assert OPENAI_CHAT.decode_request(body).model == "m"
