"""Canonical requests as chat-completions bodies: by the target's traits, and nothing lost in silence."""

import json
from typing import Any

import msgspec
import pytest

from proxyctl.core.chat import (
    AudioPart,
    ChatRequest,
    DocumentPart,
    ImagePart,
    JsonFormat,
    Message,
    OpaquePart,
    Part,
    Reasoning,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
    VideoPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits

ASK = Message("user", (TextPart(text="hi"),))
GET = Tool(name="get", schema={"type": "object", "properties": {"k": {"type": "string"}}})
IMAGE = ImagePart(media_type="image/png", data="AAAA")


def encode(request: ChatRequest, traits: ModelTraits = PERMISSIVE) -> tuple[dict[str, Any], dict[str, str]]:
    losses = Losses()
    body = OPENAI_CHAT.encode_request(request, traits, losses)
    return json.loads(encode_json(body)), {entry.path: entry.reason for entry in losses.entries()}


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_request_of_empty_messages_is_refused(role: str) -> None:
    """Servers refuse an empty list of messages, which would be a shape of ours."""
    with pytest.raises(UnsupportedError, match="every message is empty"):
        encode(ask(Message(role, ())))  # type: ignore[arg-type]


def ask(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=messages or (ASK,), **fields)


def assistant(*parts: Part) -> Message:
    return Message("assistant", parts)


def traits(**fields: Any) -> ModelTraits:
    return msgspec.structs.replace(PERMISSIVE, **fields)


def test_the_least_request_says_nothing_that_was_not_said() -> None:
    assert encode(ask()) == ({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, {})


def test_a_full_request_is_carried_whole() -> None:
    body, losses = encode(
        ask(
            system=(TextPart(text="A"), TextPart(text="B")),
            tools=(GET,),
            tool_choice=ToolChoice("any"),
            parallel_tool_calls=True,
            max_output=9,
            stop=("x",),
            temperature=0.5,
            top_p=0.9,
            top_k=4,
            frequency_penalty=0.1,
            presence_penalty=0.2,
            seed=3,
            format=JsonFormat({"type": "object"}, "n", strict=True, description="d"),
            reasoning=Reasoning("low"),
            user="u",
            service_tier="flex",
            stream=True,
            include_usage=True,
        )
    )

    assert losses == {}
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "A\n\nB"}, {"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "get", "parameters": GET.schema}}],
        "tool_choice": "required",
        "parallel_tool_calls": True,
        "max_completion_tokens": 9,
        "stop": ["x"],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "seed": 3,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"},
        },
        "reasoning_effort": "low",
        "user": "u",
        "service_tier": "flex",
        "stream": True,
    }


def test_the_same_request_gives_the_same_bytes() -> None:
    request = ask(tools=(GET, Tool(name="a.b")), stop=("x", "y"), reasoning=Reasoning("high"))

    first = encode_json(OPENAI_CHAT.encode_request(request, PERMISSIVE, Losses()))

    assert encode_json(OPENAI_CHAT.encode_request(request, PERMISSIVE, Losses())) == first


def test_a_whole_answer_asks_for_no_stream_options() -> None:
    assert "stream_options" not in encode(ask(include_usage=True))[0]


def test_tool_results_are_tool_messages_in_the_order_of_the_calls() -> None:
    body, _ = encode(
        ask(
            ASK,
            assistant(TextPart(text="Look."), ToolCallPart(id="a", name="get"), ToolCallPart(id="b", name="get")),
            Message("user", (ToolResultPart(call_id="b", parts=(TextPart(text="2"),)), TextPart(text="go"))),
            Message("user", (ToolResultPart(call_id="a", parts=(TextPart(text="1"), TextPart(text="1b"))),)),
            tools=(GET,),
        )
    )

    assert body["messages"][1]["content"] == "Look."
    assert [call["id"] for call in body["messages"][1]["tool_calls"]] == ["a", "b"]
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "a", "content": "1\n1b"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "user", "content": "go"},
    ]


def test_images_of_tool_results_follow_behind_all_tool_messages() -> None:
    body, losses = encode(
        ask(
            ASK,
            assistant(ToolCallPart(id="a", name="shot"), ToolCallPart(id="b", name="get")),
            Message("user", (ToolResultPart(call_id="a", parts=(IMAGE,)), ToolResultPart(call_id="b"))),
        )
    )

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][2]["content"] == "(image in the next message)"
    assert body["messages"][4]["content"] == [
        {"type": "text", "text": "Image returned by tool shot:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    assert "tool result a" in losses


def test_a_failed_tool_says_so_in_its_text() -> None:
    failed = ToolResultPart(call_id="a", parts=(TextPart(text="boom"),), is_error=True)

    body, losses = encode(ask(ASK, assistant(ToolCallPart(id="a", name="get")), Message("user", (failed,))))

    assert body["messages"][2]["content"] == "Error: boom"
    assert "tool result a" in losses


def test_ids_that_are_too_long_are_mapped_alike_on_call_and_result() -> None:
    long = "x" * 90

    body, _ = encode(
        ask(ASK, assistant(ToolCallPart(id=long, name="get")), Message("user", (ToolResultPart(call_id=long),)))
    )

    call_id = body["messages"][1]["tool_calls"][0]["id"]
    assert len(call_id) <= 64
    assert body["messages"][2]["tool_call_id"] == call_id


def test_broken_arguments_become_an_object() -> None:
    calls = (ToolCallPart(id="a", name="get", arguments=""), ToolCallPart(id="b", name="get", arguments="[1]"))

    body, _ = encode(ask(ASK, assistant(*calls)))

    assert [call["function"]["arguments"] for call in body["messages"][1]["tool_calls"]] == ["{}", '{"value":[1]}']


def test_thinking_goes_back_only_where_it_is_taken_and_never_a_foreign_one() -> None:
    own, foreign = ThinkingPart(text="Hm."), ThinkingPart(text="F", signature=Signature("s", "anthropic-messages"))
    history = (ASK, assistant(own, foreign, TextPart(text="A")), ASK)

    body, losses = encode(ask(*history), traits(reasoning_in="reasoning_content"))

    assert body["messages"][1] == {"role": "assistant", "content": "A", "reasoning_content": "Hm."}
    assert list(losses) == ["messages[1]"]
    assert "reasoning_content" not in encode(ask(*history))[0]["messages"][1]


def test_a_tool_loop_carries_the_thinking_field_where_it_is_required() -> None:
    loop = ask(ASK, assistant(ToolCallPart(id="a", name="get")), Message("user", (ToolResultPart(call_id="a"),)))

    body, _ = encode(loop, traits(reasoning_in="reasoning_content", reasoning_required=True))

    assert body["messages"][1]["reasoning_content"] == " "


def test_a_foreign_signature_is_left_out_and_told() -> None:
    signed = ToolCallPart(id="a", name="get", signature=Signature("s", "gemini-generate"))

    body, losses = encode(ask(ASK, assistant(signed)))

    assert "extra_content" not in body["messages"][1]["tool_calls"][0]
    assert "tool call a" in losses


def test_what_another_dialect_alone_can_say_is_left_out_and_told() -> None:
    opaque = OpaquePart(dialect="anthropic-messages", label="server_tool_use", raw=b"{}")

    body, losses = encode(ask(ASK, assistant(opaque, TextPart(text="A"), RefusalPart(text="B"))))

    assert body["messages"][1] == {"role": "assistant", "content": "AB"}
    assert "server_tool_use" in losses["messages[1]"]


def test_media_of_every_kind() -> None:
    body, _ = encode(
        ask(
            Message(
                "user",
                (
                    ImagePart(url="https://example.org/a.png", detail="low"),
                    DocumentPart(media_type="application/pdf", data="AAAA", title="a.pdf"),
                    DocumentPart(text="hello", title="note"),
                    AudioPart(media_type="audio/wav", data="AAAA"),
                ),
            )
        )
    )

    assert body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "text", "text": "note:\nhello"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]


@pytest.mark.parametrize(
    ("part", "refusing"),
    [
        (IMAGE, traits(images=False)),
        (ImagePart(url="https://example.org/a.png"), traits(image_urls=False)),
        (DocumentPart(media_type="application/pdf", data="AAAA"), traits(documents=False)),
        (DocumentPart(url="https://example.org/a.pdf"), PERMISSIVE),
        (AudioPart(media_type="audio/wav", data="AAAA"), traits(audio=False)),
        (AudioPart(media_type="audio/flac", data="AAAA"), PERMISSIVE),
        (VideoPart(media_type="video/mp4", data="AAAA"), PERMISSIVE),
    ],
)
def test_media_that_the_target_does_not_take_are_refused(part: Part, refusing: ModelTraits) -> None:
    with pytest.raises(UnsupportedError) as caught:
        encode(ask(Message("user", (part,))), refusing)

    assert caught.value.param == "messages[0]"


def test_tools_without_arguments_and_of_odd_shape_are_objects() -> None:
    tools = (Tool(name="now"), Tool(name="odd", schema={"properties": {"a": {}}, "$schema": "x"}))

    body, _ = encode(ask(tools=tools))

    assert [tool["function"]["parameters"] for tool in body["tools"]] == [
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {}}},
    ]


def test_names_are_fitted_everywhere_alike() -> None:
    tool = Tool(name="files.read")

    body, losses = encode(
        ask(
            ASK,
            assistant(ToolCallPart(id="a", name="files.read")),
            tools=(tool,),
            tool_choice=ToolChoice("tool", "files.read"),
        )
    )

    assert body["tools"][0]["function"]["name"] == "files_read"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "files_read"}}
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == "files_read"
    assert "tools[0].name" in losses


def test_a_choice_without_tools_is_dropped() -> None:
    body, losses = encode(ask(tool_choice=ToolChoice("any"), parallel_tool_calls=False))

    assert (set(body), losses) == ({"model", "messages"}, {})


def test_a_forced_choice_that_is_refused_is_asked_for_in_words() -> None:
    body, losses = encode(ask(tools=(GET,), tool_choice=ToolChoice("tool", "get")), traits(forced_tool_choice=False))

    assert "tool_choice" not in body
    assert body["messages"][0] == {"role": "system", "content": "Call the tool get now."}
    assert "tool_choice" in losses


def test_allowed_tools_narrow_the_list() -> None:
    choice = ToolChoice("any", None, ("get",))

    body, losses = encode(ask(tools=(GET, Tool(name="put")), tool_choice=choice))

    assert [tool["function"]["name"] for tool in body["tools"]] == ["get"]
    assert body["tool_choice"] == "required"
    assert "tool_choice.allowed_tools" in losses


def test_parallel_false_that_cannot_be_said_is_a_loss() -> None:
    body, losses = encode(ask(tools=(GET,), parallel_tool_calls=False), traits(parallel_switch=False))

    assert "parallel_tool_calls" not in body
    assert "parallel_tool_calls" in losses


@pytest.mark.parametrize(
    ("refusing", "with_tools", "kind"),
    [
        (traits(json_schema=False), False, "json_object"),
        (traits(json_schema_with_tools=False), True, None),
        (traits(json_schema_with_tools=False), False, "json_schema"),
    ],
)
def test_a_schema_that_is_not_taken_is_told_in_words(refusing: ModelTraits, with_tools: bool, kind: str | None) -> None:
    body, losses = encode(
        ask(format=JsonFormat({"type": "object", "title": "T"}), tools=(GET,) if with_tools else ()), refusing
    )

    assert body.get("response_format", {}).get("type") == kind
    if kind != "json_schema":
        assert '{"type":"object","title":"T"}' in body["messages"][0]["content"]
        assert "response_format" in losses


def test_limits_are_clamped_and_told() -> None:
    limits = traits(max_output=100, max_tokens_field="max_tokens", temperature_max=1.0)

    body, losses = encode(ask(max_output=500, temperature=1.5), limits)

    assert (body["max_tokens"], body["temperature"]) == (100, 1.0)
    assert set(losses) == {"max_tokens", "temperature"}


def test_sampling_that_is_refused_is_dropped_and_told() -> None:
    body, losses = encode(
        ask(temperature=0.0, top_p=0.5, top_k=1, presence_penalty=0.5, frequency_penalty=0.0, seed=1),
        traits(sampling=False, penalties=False, seed=False, top_k=False),
    )

    assert set(body) == {"model", "messages"}
    assert set(losses) == {"temperature", "top_p", "top_k", "presence_penalty", "seed"}


def test_too_many_stop_sequences_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="at most 1"):
        encode(ask(stop=("a", "b")), traits(stop_limit=1))


def test_thinking_is_asked_for_by_the_models_own_levels() -> None:
    assert encode(ask(reasoning=Reasoning("off")))[0]["reasoning_effort"] == "none"
    assert encode(ask(reasoning=Reasoning("max")))[0]["reasoning_effort"] == "high"
    body, losses = encode(ask(reasoning=Reasoning("high")), traits(thinking="none"))
    assert "reasoning_effort" not in body
    assert "reasoning effort" in losses
    assert encode(ask(), traits(reasoning_format="parsed"))[0]["reasoning_format"] == "parsed"


def test_a_model_that_does_not_continue_its_own_message_says_so() -> None:
    with pytest.raises(UnsupportedError, match="continue"):
        encode(ask(ASK, assistant(TextPart(text="The answer is"))), traits(prefill=False))


def test_a_model_without_tools_says_so() -> None:
    with pytest.raises(UnsupportedError, match="no tools"):
        encode(ask(tools=(GET,)), traits(tools=False))


def test_system_messages_inside_stay_or_are_folded() -> None:
    history = (ASK, Message("system", (TextPart(text="S"),)), Message("user", (TextPart(text="b"),)))

    assert [message["role"] for message in encode(ask(*history))[0]["messages"]] == ["user", "system", "user"]
    folded, losses = encode(ask(*history), traits(mid_system=False))
    assert [message["role"] for message in folded["messages"]] == ["user"]
    assert "messages[1].role" in losses


@pytest.mark.parametrize(("tier", "sent"), [("auto", None), ("standard_only", "default"), ("priority", "priority")])
def test_service_tiers(tier: str, sent: str | None) -> None:
    assert encode(ask(service_tier=tier))[0].get("service_tier") == sent
