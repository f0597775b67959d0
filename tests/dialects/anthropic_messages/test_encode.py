"""Canonical requests as messages bodies: by the model's traits, and nothing lost in silence."""

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
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.traits import ModelTraits

ADAPTIVE = ModelTraits(
    max_output=128_000,
    sampling=False,
    prefill=False,
    thinking="adaptive",
    thinking_efforts=("low", "medium", "high", "xhigh", "max"),
    tool_name_limit=128,
)
BUDGET = ModelTraits(
    max_output=64_000, thinking="budget", temperature_max=1.0, temperature_with_top_p=False, mid_system=False
)
ASK = Message("user", (TextPart(text="hi"),))
GET = Tool(name="get", description="d", schema={"type": "object", "properties": {"k": {"type": "string"}}})
PROOF = Signature("EqQB", "anthropic-messages")


def encode(request: ChatRequest, traits: ModelTraits = ADAPTIVE) -> tuple[dict[str, Any], dict[str, str]]:
    losses = Losses()
    body = ANTHROPIC_MESSAGES.encode_request(request, traits, losses)
    return json.loads(encode_json(body)), {entry.path: entry.reason for entry in losses.entries()}


def ask(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=messages or (ASK,), **fields)


def user(*parts: Part) -> Message:
    return Message("user", parts)


def assistant(*parts: Part) -> Message:
    return Message("assistant", parts)


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def test_the_least_request_has_a_limit_because_one_is_required() -> None:
    body, losses = encode(ask(stream=True))

    assert body == {
        "model": "m",
        "max_tokens": 128_000,
        "stream": True,
        "messages": [{"role": "user", "content": [text("hi")]}],
    }
    assert losses == {}


def test_a_whole_answer_asks_for_no_more_than_a_connection_carries() -> None:
    assert encode(ask())[0]["max_tokens"] == 21_333
    assert encode(ask(), msgspec.structs.replace(ADAPTIVE, max_output=None))[0]["max_tokens"] == 8192
    assert encode(ask(max_output=100_000))[0]["max_tokens"] == 100_000


def test_a_limit_above_the_models_own_is_clamped_and_told() -> None:
    body, losses = encode(ask(max_output=500_000))

    assert body["max_tokens"] == 128_000
    assert "max_tokens" in losses


def test_results_come_first_in_one_message_in_the_order_of_the_calls() -> None:
    body, losses = encode(
        ask(
            ASK,
            assistant(
                ToolCallPart(id="a", name="get", arguments='{"n":12345678901234567890}'),
                ToolCallPart(id="b", name="get", arguments=""),
            ),
            user(ToolResultPart(call_id="b", parts=(TextPart(text="2"),), is_error=True)),
            user(
                ToolResultPart(call_id="a", parts=(TextPart(text="1"), ImagePart(media_type="image/png", data="AAAA")))
            ),
            user(TextPart(text="go on")),
            tools=(GET,),
        )
    )

    assert losses == {}
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "get", "input": {"n": 12345678901234567890}},
                {"type": "tool_use", "id": "b", "name": "get", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "content": [
                        text("1"),
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    ],
                },
                {"type": "tool_result", "tool_use_id": "b", "content": [text("2")], "is_error": True},
                text("go on"),
            ],
        },
    ]


def test_own_thinking_goes_back_byte_for_byte_and_foreign_thinking_does_not() -> None:
    body, losses = encode(
        ask(
            ASK,
            assistant(
                ThinkingPart(text="", signature=PROOF),
                ThinkingPart(redacted="c2Vj"),
                ThinkingPart(text="F", signature=Signature("x", "gemini-generate")),
                ThinkingPart(text="unsigned"),
                ToolCallPart(id="a", name="get", signature=Signature("x", "gemini-generate")),
            ),
            user(ToolResultPart(call_id="a")),
            tools=(GET,),
        )
    )

    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "c2Vj"},
        {"type": "tool_use", "id": "a", "name": "get", "input": {}},
    ]
    assert set(losses) == {"messages[1]", "tool call a"}
    assert "gws1." not in json.dumps(body)


def test_blank_text_makes_no_block_and_no_message() -> None:
    body, _ = encode(
        ask(
            ASK,
            assistant(TextPart(text=" \n"), RefusalPart(text="no")),
            user(TextPart(text="")),
            user(TextPart(text="b")),
        )
    )

    assert [message["content"] for message in body["messages"]] == [[text("hi")], [text("no")], [text("b")]]


def test_a_conversation_of_nothing_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="nothing to answer"):
        encode(ask(user(TextPart(text=" "))))


def test_a_lone_system_text_becomes_the_question() -> None:
    body, losses = encode(ChatRequest(model="m", messages=(), system=(TextPart(text="S"),)))

    assert body["messages"] == [{"role": "user", "content": [text("S")]}]
    assert "system" not in body
    assert "messages" in losses


def test_an_assistant_who_begins_gets_a_user_before_it() -> None:
    body, losses = encode(ask(assistant(TextPart(text="Hello")), ASK))

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert "messages" in losses


def test_a_last_assistant_message_is_continued_or_refused() -> None:
    prefill = ask(ASK, assistant(TextPart(text="The answer is ")))

    assert encode(prefill, BUDGET)[0]["messages"][1]["content"] == [text("The answer is")]
    with pytest.raises(UnsupportedError, match="continue"):
        encode(prefill, ADAPTIVE)


def test_system_messages_inside_stay_or_are_folded() -> None:
    history = (ASK, Message("system", (TextPart(text="S"),)), user(TextPart(text="b")))

    assert [message["role"] for message in encode(ask(*history))[0]["messages"]] == ["user", "system", "user"]
    folded, losses = encode(ask(*history), BUDGET)
    assert folded["messages"][0]["content"][1] == text("<system-reminder>\nS\n</system-reminder>")
    assert "messages[1].role" in losses


def test_media_of_every_kind() -> None:
    body, _ = encode(
        ask(
            user(
                ImagePart(url="https://example.org/a.png"),
                DocumentPart(media_type="application/pdf", data="AAAA", title="a.pdf"),
                DocumentPart(text="hello"),
                DocumentPart(url="https://example.org/a.pdf"),
            )
        )
    )

    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
    ]


@pytest.mark.parametrize(
    "part",
    [
        ImagePart(media_type="image/bmp", data="AAAA"),
        DocumentPart(media_type="application/msword", data="AAAA"),
        AudioPart(media_type="audio/wav", data="AAAA"),
        VideoPart(media_type="video/mp4", data="AAAA"),
    ],
)
def test_media_that_nobody_there_reads_are_refused(part: Part) -> None:
    with pytest.raises(UnsupportedError):
        encode(ask(user(part)))


def test_own_opaque_blocks_go_back_and_foreign_ones_do_not() -> None:
    own = OpaquePart(dialect="anthropic-messages", label="server_tool_use", raw=b'{"type":"server_tool_use","id":"s"}')
    foreign = OpaquePart(dialect="gemini-generate", label="executableCode", raw=b"{}")

    body, losses = encode(ask(ASK, assistant(own, foreign, TextPart(text="A")), ASK))

    assert body["messages"][1]["content"] == [{"type": "server_tool_use", "id": "s"}, text("A")]
    assert "executableCode" in losses["messages[1]"]


def test_tools_their_marks_and_their_choice() -> None:
    tools = (GET, Tool(name="now", cache_ttl="1h"), Tool(name="files.read", schema={"properties": {}}))

    body, losses = encode(ask(tools=tools, tool_choice=ToolChoice("tool", "files.read"), parallel_tool_calls=False))

    assert body["tools"] == [
        {"name": "get", "description": "d", "input_schema": GET.schema},
        {
            "name": "now",
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
        {"name": "files_read", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {"type": "tool", "name": "files_read", "disable_parallel_tool_use": True}
    assert list(losses) == ["tools[2].name"]


def test_one_at_a_time_needs_a_choice_to_stand_in() -> None:
    body, _ = encode(ask(tools=(GET,), parallel_tool_calls=False))

    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in encode(ask(tools=(GET,), parallel_tool_calls=True))[0]
    assert "tool_choice" not in encode(ask(parallel_tool_calls=False, tool_choice=ToolChoice("any")))[0]


def test_a_forced_choice_that_is_refused_is_asked_for_in_words() -> None:
    newest = msgspec.structs.replace(ADAPTIVE, forced_tool_choice=False)

    body, losses = encode(ask(tools=(GET,), tool_choice=ToolChoice("any"), temperature=0.2), newest)

    assert body["tool_choice"] == {"type": "auto"}
    assert body["system"] == [text("Call one of the tools now.")]
    assert "temperature" not in body
    assert set(losses) == {"tool_choice", "temperature"}


def test_a_history_with_calls_but_no_tools_declares_them_and_forbids_their_use() -> None:
    body, _ = encode(ask(ASK, assistant(ToolCallPart(id="a", name="get")), user(ToolResultPart(call_id="a"))))

    assert body["tools"] == [{"name": "get", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("reasoning", "thinking", "config"),
    [
        (Reasoning("low"), {"type": "adaptive"}, {"effort": "low"}),
        (Reasoning("minimal"), {"type": "adaptive"}, {"effort": "low"}),
        (Reasoning(None, 10_000, visible=True), {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        (Reasoning(None, None, visible=False), {"type": "adaptive", "display": "omitted"}, None),
        (Reasoning("off"), {"type": "disabled"}, None),
    ],
)
def test_adaptive_thinking(reasoning: Reasoning, thinking: Any, config: Any) -> None:
    body, _ = encode(ask(reasoning=reasoning))

    assert body["thinking"] == thinking
    assert body.get("output_config") == config


def test_thinking_that_cannot_be_switched_off_is_kept_low_and_told() -> None:
    body, losses = encode(ask(reasoning=Reasoning("off")), msgspec.structs.replace(ADAPTIVE, thinking_off=False))

    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})
    assert "reasoning effort" in losses


def test_off_has_another_word_on_some_models() -> None:
    other = msgspec.structs.replace(ADAPTIVE, thinking_off_type="between_tools")

    assert encode(ask(reasoning=Reasoning("off")), other)[0]["thinking"] == {"type": "between_tools"}


def test_a_budget_fits_below_the_limit() -> None:
    given, losses = encode(ask(max_output=3000, reasoning=Reasoning("high"), temperature=0.3, top_k=4), BUDGET)
    free, _ = encode(ask(reasoning=Reasoning("max")), BUDGET)

    assert given["thinking"] == {"type": "enabled", "budget_tokens": 2999}
    assert given["max_tokens"] == 3000
    assert set(losses) == {"thinking.budget_tokens", "temperature", "top_k"}
    assert free["thinking"]["budget_tokens"] < free["max_tokens"]


def test_a_limit_too_small_for_thinking_drops_it_and_says_so() -> None:
    body, losses = encode(ask(max_output=1024, reasoning=Reasoning("low")), BUDGET)

    assert "thinking" not in body
    assert "thinking" in losses


def test_a_tool_loop_that_began_without_thinking_goes_on_without() -> None:
    loop = (ASK, assistant(ToolCallPart(id="a", name="get")), user(ToolResultPart(call_id="a")))
    signed = (ASK, assistant(ThinkingPart(signature=PROOF), ToolCallPart(id="a", name="get")), loop[2])

    assert "thinking" in encode(ask(*loop, tools=(GET,), reasoning=Reasoning("low")), BUDGET)[1]
    assert "thinking" in encode(ask(*signed, tools=(GET,), reasoning=Reasoning("low")), BUDGET)[0]


def test_a_tool_loop_that_began_with_thinking_goes_on_with_it() -> None:
    again = (assistant(ToolCallPart(id="b", name="get")), user(ToolResultPart(call_id="b")))
    loop = (ASK, assistant(ThinkingPart(signature=PROOF), ToolCallPart(id="a", name="get")))
    loop = (*loop, user(ToolResultPart(call_id="a")), *again)
    closed = (*loop, assistant(TextPart(text="12.")), ASK, *again)

    assert "thinking" in encode(ask(*loop, tools=(GET,), reasoning=Reasoning("low")), BUDGET)[0]
    assert "thinking" in encode(ask(*closed, tools=(GET,), reasoning=Reasoning("low")), BUDGET)[1]


def test_a_thinking_model_by_budget_is_not_forced_to_a_tool() -> None:
    body, losses = encode(ask(tools=(GET,), tool_choice=ToolChoice("any"), reasoning=Reasoning("low")), BUDGET)

    assert body["tool_choice"] == {"type": "auto"}
    assert "tool_choice" in losses


def test_sampling_of_older_models() -> None:
    body, losses = encode(ask(temperature=1.7, top_p=0.5, presence_penalty=1.0, seed=3), BUDGET)

    assert body["temperature"] == 1.0
    assert set(losses) == {"temperature", "top_p", "presence_penalty", "seed"}


def test_formats() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}

    body, losses = encode(ask(format=JsonFormat(schema), reasoning=Reasoning("low")))

    assert body["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"n": {"type": "integer", "description": "(minimum: 3)"}},
                "required": ["n"],
                "additionalProperties": False,
            },
        },
    }
    assert "response_format" in losses
    words, told = encode(ask(format=JsonFormat()))
    assert "JSON" in words["system"][0]["text"]
    assert "response_format" in told


def test_stop_user_and_tier() -> None:
    body, losses = encode(ask(stop=("x", " \n"), user="u", service_tier="default"))

    assert (body["stop_sequences"], body["metadata"], body["service_tier"]) == (
        ["x"],
        {"user_id": "u"},
        "standard_only",
    )
    assert list(losses) == ["stop"]
    assert "service_tier" in encode(ask(service_tier="flex"))[1]


def test_at_most_four_cache_marks_are_kept_the_last_ones() -> None:
    marked = tuple(TextPart(text=str(number), cache_ttl="5m") for number in range(4))

    body, losses = encode(
        ask(user(*marked), system=(TextPart(text="S", cache_ttl="1h"),), tools=(Tool(name="t", cache_ttl="5m"),))
    )

    assert json.dumps(body).count("cache_control") == 4
    assert all("cache_control" in block for block in body["messages"][0]["content"])
    assert losses == {}


@pytest.mark.parametrize(("ttl", "mark"), [("5m", {"type": "ephemeral"}), ("30m", {"type": "ephemeral", "ttl": "1h"})])
def test_other_dialects_cache_times_become_these(ttl: str, mark: Any) -> None:
    body, _ = encode(ask(user(TextPart(text="a", cache_ttl=ttl))))

    assert body["messages"][0]["content"][0]["cache_control"] == mark


def test_the_same_request_gives_the_same_bytes() -> None:
    request = ask(tools=(GET,), reasoning=Reasoning("high"), format=JsonFormat({"type": "object"}), stop=("a", "b"))

    first = encode_json(ANTHROPIC_MESSAGES.encode_request(request, ADAPTIVE, Losses()))

    assert encode_json(ANTHROPIC_MESSAGES.encode_request(request, ADAPTIVE, Losses())) == first
