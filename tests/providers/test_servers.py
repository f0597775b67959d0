"""Known OpenAI-compatible servers: which one an address is, and what its flags do to a request (cases 36, 57, 58)."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxyctl.core.chat import (
    ChatRequest,
    DialectName,
    ImagePart,
    Message,
    Reasoning,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.providers._base import ChatOptions
from proxyctl.providers.openai_compatible import OpenAICompatibleProvider
from proxyctl.providers.servers import SERVERS, UNKNOWN, recognised

ASK = Message("user", (TextPart(text="hi", cache_ttl="5m"),))
LOOP = (
    ASK,
    Message("assistant", (ThinkingPart(text="Hm."), ToolCallPart(id="a", name="get"))),
    Message("user", (ToolResultPart(call_id="a", parts=(TextPart(text="1"),)),)),
)
TOOLS = (Tool(name="get"), Tool(name="put"))
DOCS = Path(__file__).parents[2] / "docs" / "providers.md"


def provider(server: str | None, **options: Any) -> OpenAICompatibleProvider:
    return OpenAICompatibleProvider(
        name="s", base_url="http://gpu-box:8000/v1", options=ChatOptions(server=server, **options)
    )


def told(server: str | None, *messages: Message, **more: Any) -> tuple[dict[str, Any], list[str]]:
    one, losses = provider(server), Losses()
    request = ChatRequest(model="m", messages=messages or (ASK,), **more)
    fields = OPENAI_CHAT.encode_request(request, one.traits("m"), losses)
    adapted = one.adapt(fields, dialect="openai-chat", model="m", losses=losses)
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.x.ai/v1", "xai"),
        ("https://us.api.x.ai/v1", "xai"),
        ("http://127.0.0.1:11434/v1", "ollama"),
        ("http://localhost:1234/v1", "lm-studio"),
    ],
)
def test_an_address_says_which_server_it_is(url: str, server: str) -> None:
    assert recognised(url) is SERVERS[server]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000/v1", "http://gpu-box:11434/v1", "https://notopenrouter.ai/v1", "http://[::1]:8080/v1"],
)
def test_other_addresses_say_nothing(url: str) -> None:
    assert recognised(url) is UNKNOWN


def test_the_config_s_word_comes_before_the_address() -> None:
    options = ChatOptions(server="vllm")

    assert OpenAICompatibleProvider(name="x", base_url="https://api.x.ai/v1", options=options).flags is SERVERS["vllm"]


def test_the_user_s_options_come_before_the_flags() -> None:
    one = provider("ollama", max_tokens_field="max_completion_tokens", stream_options=False)

    assert one.traits("m").max_tokens_field == "max_completion_tokens"
    assert not one.asks_stream_usage()


def test_cache_marks_stay_where_they_are_known() -> None:
    system = (TextPart(text="S", cache_ttl="1h"),)

    body, _ = told("openrouter", system=system)

    assert body["messages"] == [
        {
            "role": "system",
            "content": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        },
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
    ]
    assert "cache_control" not in json.dumps(told("vllm", system=system)[0])


@pytest.mark.parametrize(
    ("server", "field"),
    [
        ("deepseek", "reasoning_content"),
        ("llama.cpp", "reasoning_content"),
        ("vllm", "reasoning"),
        ("ollama", "reasoning"),
    ],
)
def test_thinking_goes_back_in_the_server_s_own_field(server: str, field: str) -> None:
    body, _ = told(server, *LOOP, tools=TOOLS)

    assert body["messages"][1][field] == "Hm."


def test_a_loop_without_its_thinking_gets_some_where_it_is_required() -> None:
    lost = (ASK, Message("assistant", (ToolCallPart(id="a", name="get"),)), LOOP[2])

    assert told("deepseek", *lost, tools=TOOLS)[0]["messages"][1]["reasoning_content"] == " "
    assert "reasoning" not in told("vllm", *lost, tools=TOOLS)[0]["messages"][1]


@pytest.mark.parametrize(
    ("effort", "asked"),
    [
        ("off", {"thinking": {"type": "disabled"}}),
        ("low", {"reasoning_effort": "high"}),
        ("max", {"reasoning_effort": "max"}),
    ],
)
def test_thinking_is_asked_for_in_the_server_s_words(effort: Any, asked: dict[str, Any]) -> None:
    body, _ = told("deepseek", reasoning=Reasoning(effort))

    assert {name: body[name] for name in ("thinking", "reasoning_effort") if name in body} == asked


def test_a_choice_that_is_passed_over_is_said_otherwise() -> None:
    named, losses = told("llama.cpp", tools=TOOLS, tool_choice=ToolChoice("tool", "put"))
    assert (named["tool_choice"], [tool["function"]["name"] for tool in named["tools"]]) == ("required", ["put"])
    assert losses == ["tool_choice"]

    forced, _ = told("ollama", tools=TOOLS, tool_choice=ToolChoice("tool", "put"))
    assert "tool_choice" not in forced
    assert "Call the tool put now." in json.dumps(forced["messages"])
    assert "tools" not in told("ollama", tools=TOOLS, tool_choice=ToolChoice("none"))[0]


def test_images_by_address_are_refused_where_only_data_is_read() -> None:
    image = Message("user", (ImagePart(url="http://x/y.png"),))

    with pytest.raises(UnsupportedError, match="data only"):
        told("ollama", image)
    assert told("openrouter", image)[0]["messages"][0]["content"][0]["type"] == "image_url"


def test_stop_and_penalties_are_left_out_where_they_are_refused() -> None:
    body, losses = told("xai", stop=("x",), presence_penalty=1.0)

    assert not {"stop", "presence_penalty"} & body.keys()
    assert set(losses) == {"stop", "presence_penalty"}


def test_thinking_that_is_counted_apart_is_added() -> None:
    """The `completion_tokens` of xAI leave it out, its total does not."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 35,
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    body = {"id": "1", "object": "chat.completion", "model": "grok-4.3", "choices": [choice], "usage": usage}

    found = OPENAI_CHAT.decode_answer(json.dumps(body).encode()).usage

    assert found is not None
    assert (found.output_total, found.reasoning) == (25, 20)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thinking_is_read_from_either_field(field: str) -> None:
    """Case 58."""
    message = {"role": "assistant", "content": "x", field: "Hm."}
    body = {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    assert ThinkingPart(text="Hm.") in OPENAI_CHAT.decode_answer(json.dumps(body).encode()).parts


def test_only_what_every_release_has_is_called_natively() -> None:
    found: dict[str, list[DialectName]] = {
        name: list(flags.endpoints) for name, flags in SERVERS.items() if flags.endpoints
    }

    assert found == {"xai": ["openai-responses"]}


@pytest.mark.parametrize("name", SERVERS)
def test_each_server_has_its_row_in_the_docs(name: str) -> None:
    row = next(line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    flags = SERVERS[name]

    assert flags.label in row
    assert all(f"`{host.lstrip(':')}`" in row for host in flags.hosts)
    assert (f"`{flags.traits.reasoning_in}`" in row) is (flags.traits.reasoning_in is not None)
    assert ("kept" in row) is flags.traits.cache_marks
