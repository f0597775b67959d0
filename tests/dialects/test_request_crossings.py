"""Every conversation, towards every provider: what was said arrives, in order, and nothing of another's proofs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.dialects.traits import ModelTraits
from tests.dialects import targets, wire_requests
from tests.dialects.targets import ALL, sent
from tests.dialects.wire_requests import Fact, Talk, talks, written

CALLERS: tuple[DialectName, ...] = ("openai-chat", "openai-responses", "anthropic-messages")


def arrived(caller: DialectName, talk: Talk, to: tuple[str, str]) -> list[Fact]:
    """What a provider reads, with the caller's own tool names back in place."""
    one = sent(caller, written(caller, talk), to)
    facts = wire_requests.read_back(one.prepared.dialect.name, one.body)
    return [
        (kind, one.prepared.names.back(rest[0]), *rest[1:]) if kind in ("call", "result") else (kind, *rest)
        for kind, *rest in facts
    ]


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
@given(talks(failures=False))
@settings(max_examples=30)
def test_what_was_said_in_chat_arrives_everywhere(to: tuple[str, str], talk: Talk) -> None:
    assert arrived("openai-chat", talk, to) == talk.facts()


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
@given(talks(failures=False))
@settings(max_examples=30)
def test_what_was_said_in_items_arrives_everywhere(to: tuple[str, str], talk: Talk) -> None:
    assert arrived("openai-responses", talk, to) == talk.facts()


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
@given(talks(failures=True))
@settings(max_examples=30)
def test_what_was_said_in_messages_arrives_everywhere(to: tuple[str, str], talk: Talk) -> None:
    assert arrived("anthropic-messages", talk, to) == talk.facts()


MARK = {"cache_control": {"type": "ephemeral"}}
SCHEMA = {
    "type": "object",
    "properties": {"k": {"type": "string"}},
    "required": ["k"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "d", "parameters": SCHEMA, "strict": True}}
    for name in ("get", "put")
]
FULL_CHAT = json.dumps(
    {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "text", "text": " here"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "get", "arguments": '{"k": "ä"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "12"},
            {"role": "user", "content": "And now?"},
        ],
        "tools": TOOLS,
        "tool_choice": {"type": "function", "function": {"name": "put"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "n",
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
                "strict": True,
            },
        },
        "max_completion_tokens": 500,
        "stop": ["END", "STOP"],
        "temperature": 0.5,
        "top_p": 0.9,
        "frequency_penalty": 0.25,
        "presence_penalty": 0.75,
        "seed": 7,
        "reasoning_effort": "medium",
        "user": "ann",
        "service_tier": "flex",
        "stream": True,
    },
    ensure_ascii=False,
).encode()
FULL_MESSAGES = json.dumps(
    {
        "model": "m",
        "max_tokens": 500,
        "system": [{"type": "text", "text": "Be brief.", **MARK}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look:"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "EqQBown=="},
                    {"type": "redacted_thinking", "data": "c2VjcmV0"},
                    {"type": "text", "text": "Let me see."},
                    {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"k": "ä"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "get", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": "12"}],
                        **MARK,
                    },
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_2",
                        "content": [{"type": "text", "text": "no"}],
                        "is_error": True,
                    },
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [
            {"name": name, "description": "d", "input_schema": SCHEMA, "strict": True} for name in ("get", "put")
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {
            "effort": "medium",
            "format": {
                "type": "json_schema",
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
        },
        "stop_sequences": ["END"],
        "metadata": {"user_id": "ann"},
        "service_tier": "auto",
        "stream": True,
    },
    ensure_ascii=False,
).encode()


@pytest.mark.parametrize(("dialect", "body"), [("openai-chat", FULL_CHAT), ("anthropic-messages", FULL_MESSAGES)])
def test_every_known_field_comes_back_as_it_went_in(dialect: DialectName, body: bytes) -> None:
    """A dialect translated to itself, where nobody forbids anything."""
    losses = Losses()
    traits = ModelTraits(thinking="adaptive" if dialect == "anthropic-messages" else "effort")

    fields = UPSTREAM[dialect].encode_request(INBOUND[dialect].decode_request(body), traits, losses)

    assert json.loads(encode_json(fields)) == json.loads(body)
    assert losses.entries() == ()


@pytest.mark.parametrize("caller", ["openai-chat", "anthropic-messages"])
@given(talks(failures=False))
@settings(max_examples=60)
def test_a_conversation_comes_back_as_it_went_in(caller: DialectName, talk: Talk) -> None:
    body = json.loads(written(caller, talk))
    for message in body["messages"]:
        for call in message.get("tool_calls", ()):  # an empty text says the same as an empty object
            call["function"]["arguments"] = call["function"]["arguments"] or "{}"
    if caller == "openai-chat" and len(talk.system) > 1:
        text = "\n\n".join(message["content"] for message in body["messages"][: len(talk.system)])
        body["messages"][: len(talk.system)] = [{"role": "system", "content": text}]

    fields = UPSTREAM[caller].encode_request(
        INBOUND[caller].decode_request(written(caller, talk)), ModelTraits(), Losses()
    )

    assert json.loads(encode_json(fields)) == body


GOOGLE = "CskBAVSoXO4goog="
SEALED = (
    "gws1." + base64.urlsafe_b64encode(b'{"p":"gemini-generate","s":["%s"]}' % GOOGLE.encode()).rstrip(b"=").decode()
)
EMPTY_SEAL = "gws1.e30"
OWN = "EqQBCkYIARgCKkBown=="


def proven(*blocks: dict[str, Any]) -> bytes:
    """A messages client's tool loop, whose assistant turn begins with these blocks."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12"}
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [*blocks, call]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "get", "input_schema": {"type": "object", "properties": {}}}]
    return json.dumps({"model": "m", "max_tokens": 9, "messages": messages, "tools": tools}).encode()


def thinking(signature: str, text: str = "Hm.") -> dict[str, str]:
    return {"type": "thinking", "thinking": text, "signature": signature}


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
@pytest.mark.parametrize("text", ["", "Hm."])
def test_proofs_go_back_to_their_maker_alone(to: tuple[str, str], text: str) -> None:
    """WIRE §6 case 45, and the routing rule of signatures for every target."""
    body = proven(thinking(OWN, text), {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="}, thinking(SEALED, text))

    one = sent("anthropic-messages", body, to)

    assert b"gws1." not in one.raw
    assert (OWN.encode() in one.raw) == (to[0] == "anthropic")
    assert (b"cmVkYWN0ZWQ=" in one.raw) == (to[0] == "anthropic")
    assert (GOOGLE.encode() in one.raw) == (to[0] == "gemini")
    assert b'"get"' in one.raw


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
def test_an_envelope_of_nothing_goes_nowhere(to: tuple[str, str]) -> None:
    assert b"gws1." not in sent("anthropic-messages", proven(thinking(EMPTY_SEAL)), to).raw


@pytest.mark.parametrize("to", ALL, ids=lambda to: to[1])
def test_a_damaged_envelope_goes_nowhere(to: tuple[str, str]) -> None:
    for damaged in ("gws1.", "gws1.%%%", SEALED[:-7], "gws1.bm90IGpzb24"):
        one = sent("anthropic-messages", proven(thinking(damaged)), to)
        assert b"gws1." not in one.raw


@pytest.mark.parametrize(
    "to", [to for to in ALL if to[0] not in ("openai-compatible", "together")], ids=lambda to: to[1]
)
def test_a_chat_clients_google_proof_goes_to_google_alone(to: tuple[str, str]) -> None:
    """Servers that tolerate unknown members get a chat client's own members as it wrote them."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": GOOGLE}},
    }
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "12"},
    ]

    one = sent("openai-chat", json.dumps({"model": "m", "messages": messages}).encode(), to)

    assert (GOOGLE.encode() in one.raw) == (to[0] == "gemini")


def test_the_targets_take_both_lanes() -> None:
    """So that the tests above speak of both."""
    lanes = {(caller, to[0]): sent(caller, body, to).prepared.lane for caller, body in BODIES for to in ALL}

    assert {lane for (caller, _), lane in lanes.items() if caller == "openai-chat"} == {"passthrough", "translate"}
    assert lanes["openai-chat", "gemini"] == lanes["anthropic-messages", "mistral"] == "translate"
    assert lanes["anthropic-messages", "anthropic"] == "passthrough"
    assert targets.TARGETS.keys() == {to[0] for to in (*ALL, targets.RESPONSES)}


BODIES: tuple[tuple[DialectName, bytes], ...] = (("openai-chat", FULL_CHAT), ("anthropic-messages", FULL_MESSAGES))
