"""What no target may lose in silence: arguments made an object, proofs of calls, seeds; and what may not be emptied."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Loss
from tests.dialects.targets import ALL, CLAUDE, COHERE, GEMINI, GROQ, MISTRAL, OLD_GEMINI, RESPONSES, sent

EVERYWHERE = (*ALL, RESPONSES)
WRAPPED = Loss("tool call call_1", "arguments that are no JSON object were wrapped in one")
SIGNED: dict[str, Any] = {"extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}

Target = tuple[str, str]
Json = dict[str, Any]


def losses(caller: DialectName, body: Json, to: Target) -> tuple[Loss, ...]:
    return sent(caller, json.dumps(body).encode(), to).prepared.losses.entries()


def called(arguments: str, **more: Any) -> Json:
    """A chat conversation with one call in it, answered."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": arguments}, **more}
    return {
        "model": "any",
        "messages": [
            {"role": "user", "content": "Look."},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Seen."},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    }


def used(signature: str) -> Json:
    """The same in Gemini's dialect, with a proof on the call."""
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "Look."}]},
            {"role": "model", "parts": [{"functionCall": {"name": "look"}, "thoughtSignature": signature}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"output": "Seen."}}}]},
        ]
    }


@pytest.mark.parametrize("to", [GEMINI, OLD_GEMINI, CLAUDE, COHERE])
@pytest.mark.parametrize("arguments", ["{bad", "[1,2]", '"text"'])
def test_arguments_that_are_no_object_are_a_loss(arguments: str, to: Target) -> None:
    assert WRAPPED in losses("openai-chat", called(arguments), to)


@pytest.mark.parametrize("to", [GROQ, MISTRAL])
def test_they_are_one_in_openais_dialects_too(to: Target) -> None:
    body = {
        "model": "any",
        "input": [
            {"role": "user", "content": "Look."},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{bad"},
            {"type": "function_call_output", "call_id": "call_1", "output": "Seen."},
        ],
    }
    assert WRAPPED in losses("openai-responses", body, to)


@pytest.mark.parametrize("to", [GEMINI, CLAUDE, COHERE])
@pytest.mark.parametrize("arguments", ["{}", '{"at": 1}', "", " "])
def test_an_object_and_no_arguments_are_none(arguments: str, to: Target) -> None:
    assert WRAPPED not in losses("openai-chat", called(arguments), to)


@pytest.mark.parametrize("to", [to for to in EVERYWHERE if to[0] != "gemini"])
def test_a_foreign_proof_of_a_call_is_a_loss_at_every_target(to: Target) -> None:
    reasons = [loss.reason for loss in losses("gemini-generate", used("c2lnbmVk"), to)]

    assert "another provider's signature was left out" in reasons


@pytest.mark.parametrize("to", [CLAUDE, RESPONSES])
@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_is_a_loss_where_there_is_none(seed: int, to: Target) -> None:
    body = {"contents": [{"parts": [{"text": "Hi."}]}], "generationConfig": {"seed": seed}}

    assert "seed" in [loss.path for loss in losses("gemini-generate", body, to)]
    assert "seed" not in [loss.path for loss in losses("gemini-generate", body, COHERE)]


SMELL_BLOCK = {"model": "any", "max_tokens": 99, "messages": [{"role": "user", "content": [{"type": "smell"}]}]}
SMELL_PART = {"contents": [{"parts": [{"smell": 1}]}]}
BLANK = {"model": "any", "max_tokens": 99, "messages": [{"role": "user", "content": " "}]}
EMPTIED: tuple[tuple[DialectName, Json], ...] = (
    ("anthropic-messages", SMELL_BLOCK),
    ("anthropic-messages", {**SMELL_BLOCK, "system": "Be kind."}),
    ("gemini-generate", SMELL_PART),
    ("gemini-generate", {**SMELL_PART, "systemInstruction": {"parts": [{"text": "Be kind."}]}}),
    ("gemini-generate", {**SMELL_PART, "generationConfig": {"responseMimeType": "application/json"}}),
)


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize(("caller", "body"), EMPTIED)
def test_what_translation_empties_is_refused_everywhere(caller: DialectName, body: Json, to: Target) -> None:
    if (caller.partition("-")[0]) == to[0]:
        return  # it passes through, as it came
    with pytest.raises(UnsupportedError, match=r"^there is nothing to answer: every message is empty$") as caught:
        losses(caller, body, to)

    assert caught.value.param == "messages"


@pytest.mark.parametrize("to", [to for to in EVERYWHERE if to[0] != "anthropic"])
def test_a_system_text_alone_may_be_asked(to: Target) -> None:
    contents: tuple[str | list[Json], ...] = ("", [])
    for content in contents:
        body = {**BLANK, "system": "Be kind.", "messages": [{"role": "user", "content": content}]}
        said = sent("anthropic-messages", json.dumps(body).encode(), to).raw

        assert said.count(b"Be kind.") == 1
        assert b'"input":[]' not in said


@pytest.mark.parametrize("to", EVERYWHERE)
def test_an_unknown_part_beside_others_is_a_loss(to: Target) -> None:
    if to[0] == "gemini":
        return
    body = {"contents": [{"parts": [{"text": "What is it?"}, {"smell": 1}]}]}

    assert any(loss.path.startswith("messages[0]") for loss in losses("gemini-generate", body, to))
