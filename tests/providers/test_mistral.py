"""Mistral's facts: nothing unknown, short ids, an order of roles (wire notes 2026-11, "Mistral")."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistralai.client.models import AssistantMessage, CountResponseInputTokensRequest, ThinkChunk

from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.providers._base import ModelInfo
from proxyctl.providers.mistral import MistralProvider, short_id

PROVIDER = MistralProvider(name="mistral")
ASK = {"role": "user", "content": "hi"}


def adapt(*, model: str = "m", **fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    raw = decode_fields(json.dumps({"model": model, "messages": [ASK], **fields}).encode())
    adapted = PROVIDER.adapt(dict(raw), dialect="openai-chat", model=model, losses=losses)
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


def call(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "get", "arguments": "{}"}}


def messages(*turns: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = adapt(messages=list(turns))[0]["messages"]
    return found


def test_fields_are_renamed_dropped_and_told() -> None:
    body, losses = adapt(
        max_completion_tokens=5,
        seed=7,
        user="u",
        store=True,
        stream=True,
        stream_options={"include_usage": True},
        logit_bias={"1": 1},
        prompt_cache_key="k",
    )

    assert body == {
        "model": "m",
        "messages": [ASK],
        "max_tokens": 5,
        "random_seed": 7,
        "stream": True,
        "prompt_cache_key": "k",
    }
    assert losses == ["logit_bias"]
    assert not PROVIDER.asks_stream_usage()


@given(st.text(max_size=60))
def test_ids_are_nine_letters_and_always_the_same(value: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{9}", short_id(value))
    assert short_id(value) == short_id(value)
    assert short_id(short_id(value)) == short_id(value)


def test_different_ids_stay_different() -> None:
    assert len({short_id(f"toolu_01ABC{number}") for number in range(500)}) == 500


def test_call_and_result_get_the_same_short_id() -> None:
    adapted = messages(
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [call("toolu_01ABCdef")]},
        {"role": "tool", "tool_call_id": "toolu_01ABCdef", "name": "get", "content": "1"},
    )

    call_id = adapted[1]["tool_calls"][0]["id"]
    assert re.fullmatch(r"[A-Za-z0-9]{9}", call_id)
    assert adapted[2] == {"role": "tool", "tool_call_id": call_id, "name": "get", "content": "1"}


def test_no_user_stands_directly_behind_a_tool() -> None:
    losses_of = adapt(
        messages=[
            ASK,
            {"role": "assistant", "tool_calls": [call("abcDEF123")]},
            {"role": "tool", "tool_call_id": "abcDEF123", "content": "1"},
            {"role": "user", "content": "and now?"},
        ]
    )

    body, losses = losses_of
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "assistant", "user"]
    assert body["messages"][4]["content"] == "and now?"
    assert losses == ["messages[3]"]


def test_assistants_in_a_row_are_joined_and_empty_ones_left_out() -> None:
    adapted = messages(
        ASK,
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}], "reasoning_content": "Hm."},
        {"role": "tool", "tool_call_id": "x", "content": ""},
    )

    assert adapted[1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }


def test_a_last_assistant_message_is_a_prefix() -> None:
    adapted = messages(ASK, {"role": "developer", "content": "S"}, {"role": "assistant", "content": "The answer"})

    assert adapted[1]["role"] == "system"
    assert adapted[2]["prefix"] is True


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("before", [(), (ASK,)])
def test_an_instruction_does_not_speak_last(role: str, before: tuple[dict[str, Any], ...]) -> None:
    """Only users, tools and a prefix may (wire notes 2026-11, "Mistral")."""
    adapted, losses = adapt(messages=[*before, {"role": role, "content": "Be brief."}])

    assert adapted["messages"][-1] == {"role": "user", "content": "Be brief."}
    assert losses == [f"messages[{len(before)}].role"]


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize(
    ("said", "content"),
    [
        ({"content": "a"}, [THOUGHT, {"type": "text", "text": "a"}]),
        ({"content": [{"type": "text", "text": "a"}]}, [THOUGHT, {"type": "text", "text": "a"}]),
        ({"content": None, "tool_calls": [call("abcDEF123")]}, [THOUGHT]),
    ],
)
def test_a_model_that_thinks_gets_its_thinking_back_as_its_types_have_it(
    field: str, said: dict[str, Any], content: list[dict[str, Any]]
) -> None:
    turns = [ASK, {"role": "assistant", **said, field: "Hm."}, ASK]

    body, losses = adapt(model="mistral-medium-3-5", messages=turns)

    [message] = [one for one in body["messages"] if one["role"] == "assistant"]
    assert message == {"role": "assistant", **said, "content": content}
    assert losses == []
    read = AssistantMessage.model_validate(message).content
    assert isinstance(read, list)
    assert isinstance(read[0], ThinkChunk)
    assert PROVIDER.traits("mistral-medium-3-5").reasoning_in == "reasoning_content"


def test_thinking_that_led_to_nothing_is_left_out_with_its_message() -> None:
    body, losses = adapt(
        model="magistral-medium-latest", messages=[ASK, {"role": "assistant", "reasoning_content": "Hm."}, ASK]
    )

    assert body["messages"] == [ASK, ASK]
    assert losses == ["messages[1].reasoning_content", "messages[1]"]


def test_names_and_thinking_are_dropped_and_told() -> None:
    _, losses = adapt(
        messages=[{**ASK, "name": "ann"}, {"role": "assistant", "content": "a", "reasoning_content": "Hm."}, ASK]
    )

    assert losses == ["messages[0].name", "messages[1].reasoning_content"]


def test_files_and_audio_have_their_own_forms() -> None:
    adapted = messages(
        {
            "role": "user",
            "content": [
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ],
        }
    )

    assert adapted[0]["content"] == [
        {"type": "document_url", "document_url": "data:application/pdf;base64,AAAA", "document_name": "a.pdf"},
        {"type": "input_audio", "input_audio": "AAAA"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]


def test_an_acceptable_conversation_is_forwarded_byte_for_byte() -> None:
    raw = msgspec.Raw(b'[ {"role":"system","content":"S"}, {"role":"user", "content":[{"type":"text","text":"hi"}]} ]')

    adapted = PROVIDER.adapt({"messages": raw}, dialect="openai-chat", model="m", losses=Losses())

    assert adapted["messages"] is raw


def test_every_function_has_parameters() -> None:
    with_some = {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}

    body, _ = adapt(tools=[with_some, {"type": "function", "function": {"name": "b"}}])

    assert [tool["function"]["parameters"] for tool in body["tools"]] == [
        {"type": "object"},
        {"type": "object", "properties": {}},
    ]
    raw = msgspec.Raw(json.dumps([with_some]).encode())
    assert PROVIDER.adapt({"tools": raw}, dialect="openai-chat", model="m", losses=Losses())["tools"] is raw


@pytest.mark.parametrize(
    ("effort", "sent", "lost"), [("none", "none", 0), ("minimal", "none", 0), ("low", "high", 1), ("high", "high", 0)]
)
def test_efforts_are_none_or_high(effort: str, sent: str, lost: int) -> None:
    body, losses = adapt(reasoning_effort=effort)

    assert body["reasoning_effort"] == sent
    assert len(losses) == lost


def test_tiers_have_another_name() -> None:
    assert adapt(service_tier="default")[0]["service_tier"] == "standard_only"


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("mistral-large-4", "effort"),
        ("mistral-medium-latest", "effort"),
        ("magistral-medium", "effort"),
        ("mistral-large-2512", "none"),
        ("codestral-2508", "none"),
    ],
)
def test_which_models_think(model: str, thinking: str) -> None:
    assert PROVIDER.traits(model).thinking == thinking


def test_aliases_are_models_of_their_own() -> None:
    listed = {
        "object": "list",
        "data": [
            {
                "id": "mistral-large-4",
                "created": 5,
                "owned_by": "mistralai",
                "capabilities": {"completion_chat": True},
                "max_context_length": 9,
                "aliases": ["mistral-large-latest"],
            },
            {"id": "mistral-embed", "capabilities": {"completion_chat": False}},
        ],
    }

    page = PROVIDER.read_models(json.dumps(listed).encode())

    assert page.models == (
        ModelInfo(id="mistral-large-4", created=5, owned_by="mistralai", context=9),
        ModelInfo(id="mistral-large-latest", created=5, owned_by="mistralai", context=9),
        ModelInfo(id="mistral-embed", chat=False),
    )
    with pytest.raises(DecodeError):
        PROVIDER.read_models(b"[]")


def test_names_of_its_own() -> None:
    assert PROVIDER.serves_family("mistral-large-latest")
    assert PROVIDER.serves_family("codestral-2508")
    assert not PROVIDER.serves_family("zai-glm-5-3")


JUNK = st.recursive(
    st.none() | st.booleans() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "tool_calls", "tool_call_id", "id", "function", "name", "type", "file"]
            ),
            inner | st.sampled_from(["user", "assistant", "tool", "function", "file"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JUNK, JUNK)
def test_no_messages_and_no_tools_make_it_raise(found: Any, tools: Any) -> None:
    adapt(messages=found, tools=tools)


def test_a_request_is_counted_in_the_types_of_its_other_endpoint() -> None:
    model, counter = "mistral-medium-3-5", PROVIDER.beside.counter
    assert counter is not None
    body = {
        "model": model,
        "messages": [
            {"role": "system", "content": "S"},
            ASK,
            {"role": "assistant", "tool_calls": [call("abcDEF123")]},
            {"role": "tool", "tool_call_id": "abcDEF123", "content": "1"},
        ],
        "tools": [{"type": "function", "function": {"name": "get"}}],
        "reasoning_effort": "high",
        "max_tokens": 50,
        "stream": True,
    }
    request = OPENAI_CHAT.decode_request(json.dumps(body).encode())

    fields = OPENAI_RESPONSES.encode_request(request, PROVIDER.traits(model), Losses())
    counted = json.loads(encode_json(counter.encode(fields, model)))

    read = CountResponseInputTokensRequest.model_validate(counted)
    assert set(counted) == {"model", "instructions", "input", "tools", "reasoning"} <= read.model_fields_set
    assert counted["reasoning"] == {"effort": "high"}
