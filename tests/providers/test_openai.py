"""OpenAI's facts: which model takes what on which endpoint (wire notes 2026-11, "OpenAI"; cases 36, 50, 51)."""

import json
from typing import Any

import pytest

from proxyctl.core.chat import DialectName
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.providers.openai import OpenAIProvider

PROVIDER = OpenAIProvider(name="openai")
ASK = {"role": "user", "content": "hi"}
LONG = "toolu_" + "x" * 80


def adapt(model: str, dialect: DialectName = "openai-chat", **fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    raw = decode_fields(json.dumps({"model": model, **fields}).encode())
    adapted = PROVIDER.adapt(dict(raw), dialect=dialect, model=model, losses=losses)
    return json.loads(encode_json(adapted)), [entry.path for entry in losses.entries()]


def dialect(model: str, caller: DialectName = "openai-chat", **peek: Any) -> DialectName:
    return PROVIDER.dialect_for(caller, model, Peek(model=model, **peek))


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gpt-4.1", "", "openai-chat"),
        ("gpt-5.4-mini", "high", "openai-chat"),
        ("gpt-5.6-luna", "none", "openai-chat"),
        ("gpt-5.6-luna", "", "openai-responses"),
        ("gpt-6-sol", "low", "openai-responses"),
        ("gpt-6-astra", "none", "openai-responses"),
        ("gpt-6.1-sol", "none", "openai-responses"),
        ("gpt-6.2-astra", "", "openai-responses"),
        ("gpt-7", "none", "openai-responses"),
        ("o3", "high", "openai-chat"),
    ],
)
def test_where_a_chat_callers_tools_are_taken(model: str, effort: str, expected: str) -> None:
    assert dialect(model, has_tools=True, effort=effort) == expected


@pytest.mark.parametrize(
    ("model", "peek", "expected"),
    [
        ("gpt-6.2-sol", {}, "openai-chat"),
        ("gpt-6.2-sol", {"effort": "max"}, "openai-responses"),
        ("gpt-5.5-pro", {}, "openai-responses"),
        ("gpt-5.3-codex", {}, "openai-responses"),
        ("codex-mini-latest", {}, "openai-responses"),
        ("gpt-4o", {"effort": "max", "has_tools": True}, "openai-chat"),
    ],
)
def test_what_else_only_responses_takes(model: str, peek: dict[str, Any], expected: str) -> None:
    assert dialect(model, **peek) == expected


@pytest.mark.parametrize("caller", ["anthropic-messages", "gemini-generate"])
def test_others_are_served_where_thinking_survives_or_where_stop_sequences_exist(caller: DialectName) -> None:
    assert dialect("gpt-5.4", caller) == "openai-responses"
    assert dialect("gpt-4.1", caller) == "openai-chat"


def test_a_history_with_an_envelope_of_ours_never_passes() -> None:
    assert PROVIDER.passes("openai-responses", "gpt-6", Peek(model="gpt-6"))
    assert not PROVIDER.passes("openai-responses", "gpt-6", Peek(model="gpt-6", foreign_signatures=True))


def test_what_a_thinking_model_refuses_is_left_out_and_told() -> None:
    body, losses = adapt(
        "gpt-6.1-sol", messages=[ASK], max_tokens=9, temperature=0.2, top_p=1, stop=["x"], logprobs=False, top_k=3
    )

    assert body == {"model": "gpt-6.1-sol", "messages": [ASK], "max_completion_tokens": 9}
    assert losses == ["top_k", "stop", "temperature"]


@pytest.mark.parametrize(("model", "kept"), [("gpt-5.6-luna", True), ("gpt-6.2-sol", False)])
def test_sampling_is_taken_without_thinking_except_by_the_newest(model: str, kept: bool) -> None:
    body, _ = adapt(model, messages=[ASK], reasoning_effort="none", temperature=0.2)

    assert ("temperature" in body) is kept


def test_sampling_is_left_out_of_responses_too() -> None:
    fields = {"input": "hi", "temperature": 0.2}

    assert adapt("gpt-6.1-sol", "openai-responses", **fields)[1] == ["temperature"]
    assert adapt("gpt-6.1-sol", "openai-responses", **fields, reasoning={"effort": "none"})[1] == []
    assert adapt("gpt-4.1", "openai-responses", **fields)[0] == {"model": "gpt-4.1", **fields}


def test_foreign_members_marks_and_long_ids_are_mended() -> None:
    call = {"id": LONG, "type": "function", "function": {"name": "get", "arguments": "{}"}}
    mark = {"cache_control": {"type": "ephemeral"}}

    body, losses = adapt(
        "gpt-4.1",
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "hi", **mark}]},
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Hm.",
                "tool_calls": [{**call, "extra_content": {}}],
            },
            {"role": "tool", "tool_call_id": LONG, "content": "1"},
        ],
        tools=[{"type": "function", "function": {"name": "get"}, **mark}],
    )

    _, assistant, result = body["messages"]
    fitted = assistant["tool_calls"][0]["id"]
    assert (len(fitted) <= 64, result["tool_call_id"]) == (True, fitted)
    assert "cache_control" not in json.dumps(body)
    assert losses == ["messages[1].reasoning_content"]


def test_an_acceptable_conversation_is_not_opened() -> None:
    text = json.dumps([ASK, {"role": "assistant", "content": "x", "annotations": [], "refusal": None}])
    raw = decode_fields(b'{"messages": %b}' % text.encode())

    adapted = PROVIDER.adapt(dict(raw), dialect="openai-chat", model="gpt-4.1", losses=Losses())

    assert adapted["messages"] is raw["messages"]


def test_a_response_that_is_gone_does_not_bench_the_model() -> None:
    body = (
        b'{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"previous_response_not_found"}}'
    )
    problem = OPENAI_RESPONSES.decode_error(404, body)

    assert PROVIDER.refine_problem(problem, status=404, body=body).kind == "bad_request"
    assert PROVIDER.refine_problem(problem, status=404, body=b"{}").kind == "not_found"


@pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted"])
def test_spent_money_is_no_rate_limit(code: str) -> None:
    body = json.dumps({"error": {"message": "You exceeded", "type": "insufficient_quota", "param": None, "code": code}})

    assert OPENAI_RESPONSES.decode_error(429, body.encode()).kind == "billing"


@pytest.mark.parametrize(
    "model", ["gpt-6-luna", "gpt-4o-mini", "o3", "o4-mini", "chatgpt-4o-latest", "ft:gpt-4.1:me::x"]
)
def test_its_models_are_known_by_their_names(model: str) -> None:
    assert PROVIDER.serves_family(model)


@pytest.mark.parametrize("model", ["gpt-oss-120b", "openai/gpt-oss-20b", "opus", "claude-opus-5-5"])
def test_others_models_are_not(model: str) -> None:
    assert not PROVIDER.serves_family(model)


@pytest.mark.parametrize(
    ("model", "efforts", "off"),
    [
        ("gpt-5", ("minimal", "low", "medium", "high"), False),
        ("gpt-5.1", ("low", "medium", "high"), True),
        ("gpt-5.6-sol", ("low", "medium", "high", "xhigh"), True),
        ("gpt-6.2-sol", ("low", "medium", "high", "xhigh", "max"), False),
        ("o3", ("low", "medium", "high"), False),
    ],
)
def test_how_much_each_generation_can_be_asked_to_think(model: str, efforts: tuple[str, ...], off: bool) -> None:
    traits = PROVIDER.traits(model)

    assert (traits.thinking_efforts, traits.thinking_off) == (efforts, off)
