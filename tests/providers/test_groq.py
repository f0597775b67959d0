"""Groq's facts: a strict body in both lanes, statuses of its own (wire notes 2026-11, "Groq")."""

import json
from typing import Any

import msgspec
import pytest

from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.providers.groq import GroqProvider

PROVIDER = GroqProvider(name="groq")
ASK = {"role": "user", "content": "hi"}


def adapt(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    raw = decode_fields(json.dumps({"model": "m", "messages": [ASK], **fields}).encode())
    adapted = PROVIDER.adapt(dict(raw), dialect="openai-chat", model="m", losses=losses)
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


def test_fields_that_it_refuses_are_dropped_and_those_that_say_something_are_told() -> None:
    body, losses = adapt(prompt_cache_key="k", verbosity="low", modalities=["text"], prediction=None, seed=3)

    assert set(body) == {"model", "messages", "seed"}
    assert losses == ["modalities"]


def test_what_a_coding_agent_sends_is_stripped_everywhere() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}

    body, losses = adapt(
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "S", **mark}]},
            {**ASK, "name": "ann"},
            {
                "role": "assistant",
                "content": "",
                "reasoning_content": "Hm.",
                "function_call": None,
                "tool_calls": [
                    {
                        "id": "a",
                        "type": "function",
                        "function": {"name": "get", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "x"}},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "1", "name": "get"},
        ],
        tools=[{"type": "function", "function": {"name": "get"}, **mark}],
    )

    assert "cache_control" not in json.dumps(body)
    assert body["messages"] == [
        {"role": "developer", "content": [{"type": "text", "text": "S"}]},
        ASK,
        {
            "role": "assistant",
            "content": "",
            "reasoning": "Hm.",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "get", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]
    assert losses == ["messages[1].name", "messages[2].tool_calls.extra_content", "messages[3].name"]


def test_an_acceptable_conversation_is_forwarded_byte_for_byte() -> None:
    messages = msgspec.Raw(
        b'[ {"role":"user", "content":"hi"}, {"role":"assistant","content":null,"tool_calls":[{"id":"a",'
        b'"type":"function",'
        b'"function":{"name":"get","arguments":"{}"}}]}, {"role":"tool","tool_call_id":"a","content":"1"} ]'
    )

    adapted = PROVIDER.adapt({"messages": messages}, dialect="openai-chat", model="m", losses=Losses())

    assert adapted["messages"] is messages


def test_messages_that_are_none_are_left_for_the_provider_to_refuse() -> None:
    assert adapt(messages="hi")[0]["messages"] == "hi"
    assert adapt(messages=["hi"])[0]["messages"] == ["hi"]


def test_more_than_one_choice_is_refused() -> None:
    assert adapt(n=1)[0]["n"] == 1
    with pytest.raises(UnsupportedError, match="one choice"):
        adapt(n=2)


def test_tiers_have_another_name() -> None:
    assert adapt(service_tier="default")[0]["service_tier"] == "on_demand"
    assert adapt(service_tier="flex")[0]["service_tier"] == "flex"


def test_stream_options_are_its_own_to_take() -> None:
    assert adapt(stream=True, stream_options={"include_usage": True})[0]["stream_options"] == {"include_usage": True}
    assert not PROVIDER.asks_stream_usage()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (413, "rate_limit_exceeded", "rate_limit"),
        (413, "too_big", "too_large"),
        (498, "capacity_exceeded", "overloaded"),
    ],
)
def test_its_statuses_mean_something_else(status: int, code: str, kind: str) -> None:
    body = json.dumps({"error": {"message": "try again in 2s", "type": "tokens", "code": code}}).encode()

    problem = PROVIDER.refine_problem(OPENAI_CHAT.decode_error(status, body), status=status, body=body)

    assert problem.kind == kind
    assert problem.retryable == (kind != "too_large")


@pytest.mark.parametrize(
    ("model", "thinking", "schema", "images"),
    [
        ("openai/gpt-oss-120b", "effort", True, False),
        ("qwen/qwen3-32b", "effort", False, False),
        ("llama-3.3-70b-versatile", "none", False, False),
        ("meta-llama/llama-4-maverick-17b-128e-instruct", "none", True, True),
        ("moonshotai/kimi-k2-instruct", "none", True, False),
    ],
)
def test_what_a_model_takes(model: str, thinking: str, schema: bool, images: bool) -> None:
    traits = PROVIDER.traits(model)

    assert (traits.thinking, traits.json_schema, traits.images) == (thinking, schema, images)


def test_names_of_its_own() -> None:
    assert PROVIDER.serves_family("llama-3.3-70b-versatile")
    assert not PROVIDER.serves_family("openai/gpt-oss-120b")
    assert PROVIDER.target("openai-chat", "m", stream=False) == "/chat/completions"
    assert PROVIDER.credential_headers("k") == [(b"authorization", b"Bearer k")]
