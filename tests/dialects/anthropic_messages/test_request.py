"""Requests of the messages API, as clients write them, to the canonical form."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import (
    ChatRequest,
    DocumentPart,
    ImagePart,
    JsonFormat,
    Message,
    OpaquePart,
    Part,
    Reasoning,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.envelope import seal

ASK = {"role": "user", "content": "hi"}
SIGNATURE = "EqQBCkYIARgCKkBsig=="


def decode(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": messages or [ASK], **fields}
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode())


def user_parts(*blocks: dict[str, Any]) -> tuple[Part, ...]:
    return decode({"role": "user", "content": list(blocks)}).messages[0].parts


def assistant_parts(*blocks: dict[str, Any]) -> tuple[Part, ...]:
    return decode(ASK, {"role": "assistant", "content": list(blocks)}).messages[1].parts


def call(call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "get", "input": {}}


@pytest.mark.parametrize("name", [{}, {"name": None}, {"name": ""}])
def test_a_call_without_a_name_is_refused(name: dict[str, Any]) -> None:
    call = {"type": "tool_use", "id": "t", "input": {}, **name}

    with pytest.raises(DecodeError, match="a tool's name is required") as caught:
        decode(ASK, {"role": "assistant", "content": [call]})

    assert caught.value.path == "messages[1].content[0].name"


def test_the_least_request() -> None:
    assert decode() == ChatRequest(
        model="m", messages=(Message("user", (TextPart(text="hi"),)),), max_output=9, include_usage=True
    )


def test_system_text_keeps_its_blocks_and_marks() -> None:
    blocks = [
        {"type": "text", "text": "A"},
        {"type": "text", "text": "B", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]

    assert decode(system="S").system == (TextPart(text="S"),)
    assert decode(system=blocks).system == (TextPart(text="A"), TextPart(text="B", cache_ttl="1h"))


def test_blocks_of_a_user() -> None:
    mark = {"type": "ephemeral"}

    assert user_parts(
        {"type": "text", "text": "see", "cache_control": mark, "citations": None},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
            "title": "a",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
        {
            "type": "search_result",
            "source": "https://example.org",
            "title": "T",
            "content": [{"type": "text", "text": "x"}],
        },
    ) == (
        TextPart(text="see", cache_ttl="5m"),
        ImagePart(media_type="image/jpeg", data="AAAA"),
        ImagePart(url="https://example.org/a.png"),
        DocumentPart(media_type="application/pdf", data="AAAA", title="a"),
        DocumentPart(text="hello"),
        DocumentPart(url="https://example.org/a.pdf"),
        DocumentPart(text="x"),
        TextPart(text="T (https://example.org)\nx"),
    )


def test_blocks_of_an_assistant() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":['
        b'{"type":"thinking","thinking":"Hm.","signature":"EqQB"},{"type":"redacted_thinking","data":"c2Vj"},'
        b'{"type":"text","text":"A"},{"type":"tool_use","id":"toolu_1","name":"get",'
        b'"input":{"k": 12345678901234567890}}]}]}'
    )

    assert ANTHROPIC_MESSAGES.decode_request(body).messages[1].parts == (
        ThinkingPart(text="Hm.", signature=Signature("EqQB", "anthropic-messages")),
        ThinkingPart(redacted="c2Vj"),
        TextPart(text="A"),
        ToolCallPart(id="toolu_1", name="get", arguments='{"k": 12345678901234567890}'),
    )


def test_tool_results_of_every_kind() -> None:
    assert user_parts(
        {"type": "tool_result", "tool_use_id": "b", "content": "2", "is_error": True},
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [
                {"type": "text", "text": "1"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "tool_reference", "tool_name": "Read"},
            ],
        },
        {"type": "tool_result", "tool_use_id": "c"},
        {"type": "text", "text": "and now?"},
    ) == (
        ToolResultPart(call_id="b", parts=(TextPart(text="2"),), is_error=True),
        ToolResultPart(
            call_id="a",
            parts=(
                TextPart(text="1"),
                ImagePart(media_type="image/png", data="AAAA"),
                TextPart(text="[tool available: Read]"),
            ),
        ),
        ToolResultPart(call_id="c"),
        TextPart(text="and now?"),
    )


def test_a_foreign_signature_comes_back_to_the_call_behind_it() -> None:
    proof = Signature("c2ln", "gemini-generate")

    parts = assistant_parts(
        {"type": "thinking", "thinking": "Hm.", "signature": seal(proof)},
        {"type": "text", "text": "A"},
        call("a"),
        call("b"),
    )

    assert parts == (
        ThinkingPart(text="Hm."),
        TextPart(text="A"),
        ToolCallPart(id="a", name="get", signature=proof),
        ToolCallPart(id="b", name="get"),
    )


def test_a_proof_of_thinking_stays_with_its_thinking() -> None:
    proof = Signature("enc", "openai-responses")

    parts = assistant_parts({"type": "thinking", "thinking": "Hm.", "signature": seal(proof)}, call("a"))

    assert parts[0] == ThinkingPart(text="Hm.", signature=proof)
    assert isinstance(parts[1], ToolCallPart)
    assert parts[1].signature is None


def test_an_envelope_without_text_leaves_no_thinking_behind() -> None:
    proof = Signature("c2ln", "gemini-generate")

    parts = assistant_parts({"type": "thinking", "thinking": "", "signature": seal(proof)}, call("a"))

    assert parts == (ToolCallPart(id="a", name="get", signature=proof),)


def test_a_signature_that_no_call_follows_stays_with_its_thinking() -> None:
    proof = Signature("c2ln", "gemini-generate")

    parts = assistant_parts(
        {"type": "thinking", "thinking": "", "signature": seal(proof)}, {"type": "text", "text": "A"}
    )

    assert parts == (TextPart(text="A"), ThinkingPart(signature=proof))


def test_unsigned_thinking_is_thinking_without_a_signature() -> None:
    assert assistant_parts({"type": "thinking", "thinking": "Hm.", "signature": seal(None)}) == (
        ThinkingPart(text="Hm."),
    )
    assert assistant_parts({"type": "thinking", "thinking": "Hm.", "signature": ""}) == (ThinkingPart(text="Hm."),)


def test_blocks_that_nobody_else_has_are_kept_as_they_came() -> None:
    parts = assistant_parts({"type": "text", "text": "A"}, {"type": "server_tool_use", "id": "s", "name": "web_search"})

    raw = b'{"type": "server_tool_use", "id": "s", "name": "web_search"}'
    assert parts[1] == OpaquePart(dialect="anthropic-messages", label="server_tool_use", raw=raw)


def test_a_system_message_inside_the_conversation_stays_there() -> None:
    request = decode(ASK, {"role": "system", "content": "S", "output_config": {"effort": "low"}})

    assert request.messages[1] == Message("system", (TextPart(text="S"),))
    assert request.extras == ("messages[1].output_config",)


def test_tools_and_their_choice() -> None:
    request = decode(
        tools=[
            {
                "name": "get",
                "description": "d",
                "input_schema": {"type": "object"},
                "strict": True,
                "cache_control": {"type": "ephemeral"},
                "defer_loading": True,
                "input_examples": [],
            },
            {"type": "custom", "name": "put", "input_schema": {}},
        ],
        tool_choice={"type": "tool", "name": "get", "disable_parallel_tool_use": True},
    )

    assert request.tools == (
        Tool(name="get", description="d", schema={"type": "object"}, strict=True, cache_ttl="5m"),
        Tool(name="put", schema={}),
    )
    assert request.tool_choice == ToolChoice("tool", "get")
    assert request.parallel_tool_calls is False


@pytest.mark.parametrize("mode", ["auto", "any", "none"])
def test_other_tool_choices(mode: Any) -> None:
    assert decode(tool_choice={"type": mode}).tool_choice == ToolChoice(mode)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, Reasoning(None, 31999, visible=True)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Reasoning(None, None, visible=False)),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}},
            Reasoning("medium", None, visible=True),
        ),
        ({"thinking": {"type": "disabled"}}, Reasoning("off", None, visible=False)),
        ({"thinking": {"type": "between_tools"}}, Reasoning("off", None, visible=False)),
        ({"output_config": {"effort": "max"}}, Reasoning("max")),
    ],
)
def test_thinking(fields: dict[str, Any], expected: Reasoning | None) -> None:
    assert decode(**fields).reasoning == expected


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_structured_output_in_its_new_and_its_old_place(name: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}

    request = decode(**{name: {"format": wanted} if name == "output_config" else wanted})

    assert request.format == JsonFormat({"type": "object"}, "output", strict=True)


def test_the_rest() -> None:
    request = decode(
        stop_sequences=["x"],
        temperature=1,
        top_p=0.5,
        top_k=3,
        metadata={"user_id": "u"},
        service_tier="standard_only",
        stream=True,
        cache_control={"type": "ephemeral"},
        context_management={"edits": [{"type": "clear_thinking_20251015"}]},
        container=None,
        speed="fast",
    )

    assert (request.stop, request.temperature, request.top_p, request.top_k) == (("x",), 1, 0.5, 3)
    assert (request.user, request.service_tier, request.stream) == ("u", "standard_only", True)
    assert request.extras == ("context_management", "speed")


def test_counting_has_no_limit_and_warming_a_cache_has_the_least() -> None:
    counting = {"model": "m", "messages": [ASK]}

    assert ANTHROPIC_MESSAGES.decode_request(json.dumps(counting).encode()).max_output is None
    assert decode(max_tokens=0).max_output == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
            "messages[0].content[0].tool_use_id",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": 5}]}]},
            "messages[0].content[0].content",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a", "name": "n"}]}]},
            "messages[0].content",
        ),
        ({"messages": []}, "messages"),
        ({"model": ""}, "model"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"tools": [{"name": "get"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
        ({"thinking": {"type": "maybe"}}, "thinking.type"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format"),
        ({"system": 5}, "system"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(**{"messages": [ASK], **fields})

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"thread": {"type": "create"}}, "thread", "thread_unsupported_request"),
        ({"mcp_servers": [{"type": "url"}]}, "mcp_servers", "unsupported"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type", "unsupported"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}
                ]
            },
            "messages[0].content[0].source",
            "unsupported",
        ),
    ],
)
def test_what_no_translation_can_carry_is_refused_by_name(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        decode(**{"messages": [ASK], **fields})

    assert (caught.value.param, caught.value.problem().code) == (param, code)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "type",
                    "text",
                    "source",
                    "data",
                    "id",
                    "name",
                    "input",
                    "tool_use_id",
                    "thinking",
                    "signature",
                ]
            ),
            inner | st.sampled_from(["user", "assistant", "text", "image", "tool_use", "tool_result", "thinking"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JUNK, max_size=3), st.dictionaries(st.sampled_from(["tools", "system", "thinking", "metadata"]), JUNK))
def test_any_json_is_a_request_or_refused(messages: list[Any], fields: dict[str, Any]) -> None:
    with suppress(DecodeError, UnsupportedError):
        assert decode(*messages, **fields).model == "m"
