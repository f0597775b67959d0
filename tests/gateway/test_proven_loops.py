"""Tool loops through a running gateway, of chat clients that keep nothing of a proof: it comes back all the same."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from proxyctl.gateway.kept_signatures import KeptSignatures
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import CHAT, KEYED, Upstream, response

WIRE = Path(__file__).parents[1] / "wire"
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASKED = {"role": "user", "content": "Weather in Porto, and in parallel in Lisbon"}
STAND_IN = b"skip_thought_signature_validator"


def told_turn(text: str) -> dict[str, Any]:
    """A chat client's next history entry: only what most clients keep."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    if not text.startswith("data:"):
        whole = json.loads(text)["choices"][0]["message"]
        return {**message, "content": whole["content"], "tool_calls": [bare(call) for call in whole["tool_calls"]]}
    for line in text.splitlines():
        if not line.startswith("data: {"):
            continue
        for choice in json.loads(line.removeprefix("data: "))["choices"]:
            message["content"] += choice["delta"].get("content") or ""
            for piece in choice["delta"].get("tool_calls", ()):
                if piece["index"] == len(message["tool_calls"]):
                    message["tool_calls"].append(bare(piece))
                else:
                    message["tool_calls"][-1]["function"]["arguments"] += piece["function"]["arguments"]
    return message


def bare(call: dict[str, Any]) -> dict[str, Any]:
    return {"id": call["id"], "type": "function", "function": dict(call["function"])}


async def ask(gateway: Gateway, model: str, messages: list[Any], key: str = "", **more: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = {"model": model, "messages": messages, "tools": [TOOL], **more}
    answer = await gateway.http.post(CHAT, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    if not more.get("stream") and "tool_calls" not in answer.json()["choices"][0]["message"]:
        return {"role": "assistant", "content": answer.json()["choices"][0]["message"]["content"]}
    return told_turn(answer.text)


def results(turn: dict[str, Any]) -> list[Any]:
    return [{"role": "tool", "tool_call_id": call["id"], "content": "12 degrees"} for call in turn["tool_calls"]]


def sent(gateway: Gateway) -> list[bytes]:
    return [entry.body for entry in gateway.simulator.ledger.entries if entry.method == "POST"]


@BOTH_WAYS
async def test_geminis_signature_returns_to_the_call_it_came_with(gateway: Gateway, stream: bool) -> None:
    turn = await ask(gateway, "gemini:gemini-3.8-flash", [ASKED], stream=stream)

    await ask(gateway, "gemini:gemini-3.8-flash", [ASKED, turn, *results(turn)])

    calls = json.loads(sent(gateway)[1])["contents"][1]["parts"]
    assert len(calls) == 2
    assert calls[0]["thoughtSignature"] not in ("", STAND_IN.decode())
    assert "thoughtSignature" not in calls[1]
    assert [len(record.losses) for record in await gateway.records(2)] == [0, 0]


async def test_the_stand_in_that_a_client_writes_is_nobodys_proof(gateway: Gateway) -> None:
    """Some write it on every call, where it would make the model's answer empty (wire notes 2026-11)."""
    turn = await ask(gateway, "gemini:gemini-3.8-flash", [ASKED])
    written = {"google": {"thought_signature": STAND_IN.decode()}}
    calls = [{**call, "extra_content": written} for call in turn["tool_calls"]]

    await ask(gateway, "gemini:gemini-3.8-flash", [ASKED, {**turn, "tool_calls": calls}, *results(turn)])

    signed = ["thoughtSignature" in part for part in json.loads(sent(gateway)[1])["contents"][1]["parts"]]
    assert (STAND_IN in sent(gateway)[1], signed) == (False, [True, False])


@BOTH_WAYS
async def test_openais_encrypted_reasoning_returns_before_its_call(
    start_gateway: StartGateway, upstream: Upstream, stream: bool
) -> None:
    """Models that think take tools on the other endpoint only, where chat's callers have no place for the proof."""
    folder = WIRE / "openai_responses" / "thinking-parallel-calls"
    whole, events = (folder / "answer.json").read_bytes(), (folder / "stream.sse").read_bytes()
    upstream.answer = response(events, kind="text/event-stream") if stream else response(whole)
    gate = await start_gateway(upstream.config(kind="openai", keyed=True), KEYED)
    tool = {"type": "function", "function": {"name": "get", "parameters": {"type": "object", "properties": {}}}}
    more: dict[str, Any] = {"tools": [tool], "stream": stream}
    turn = await ask(gate, "openai:gpt-6.1-sol", [ASKED], **more)

    await ask(gate, "openai:gpt-6.1-sol", [ASKED, turn, *results(turn)], **more)

    items = json.loads(upstream.bodies[1])["input"][1:]
    kinds = [item["type"] for item in items]
    assert kinds == ["reasoning", *["function_call"] * 2, *["function_call_output"] * 2]
    assert items[0]["encrypted_content"] == "gAAAAABo0dGh-zz=="


@BOTH_WAYS
async def test_claudes_thinking_returns_before_its_text_and_calls(gateway: Gateway, stream: bool) -> None:
    turn = await ask(gateway, "anthropic:claude-sonnet-5-5", [ASKED], stream=stream, max_tokens=4000)

    await ask(gateway, "anthropic:claude-sonnet-5-5", [ASKED, turn, *results(turn)], max_tokens=4000)

    blocks = json.loads(sent(gateway)[1])["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use", "tool_use"]
    assert blocks[0]["signature"].startswith("EsSim")
    assert [len(record.losses) for record in await gateway.records(2)] == [0, 0]


async def test_thinking_with_a_budget_goes_on_through_a_tool_loop(gateway: Gateway) -> None:
    """The provider refuses the loop if its turn does not begin with the thinking; without it none is asked for."""
    model = "anthropic:claude-sonnet-4-5"
    more: dict[str, Any] = {"reasoning_effort": "high", "max_tokens": 20_000}
    turn = await ask(gateway, model, [ASKED], **more)

    await ask(gateway, model, [ASKED, turn, *results(turn)], **more)

    body = json.loads(sent(gateway)[1])
    assert body["thinking"]["type"] == "enabled"
    assert body["messages"][1]["content"][0]["thinking"].startswith("The user wrote")


async def test_what_is_gone_is_a_loss_of_the_request_that_wants_it(gateway: Gateway) -> None:
    turn = await ask(gateway, "gemini:gemini-3.8-flash", [ASKED])
    gateway.state.signatures = KeptSignatures(gateway.state.clock)  # as after a restart

    await ask(gateway, "gemini:gemini-3.8-flash", [ASKED, turn, *results(turn)])

    assert STAND_IN in sent(gateway)[1]
    later, first = await gateway.records(2)
    assert [loss.path for loss in later.losses] == ["tool call get_weather"]
    assert first.losses == ()


async def test_another_models_proof_is_taken_out_and_told(gateway: Gateway) -> None:
    """Each model takes back its own only, also from a client that carries what it was told."""
    answer = await gateway.http.post(
        CHAT, json={"model": "gemini:gemini-3.8-flash", "messages": [ASKED], "tools": [TOOL]}
    )
    turn = answer.json()["choices"][0]["message"]
    assert "extra_content" in turn["tool_calls"][0]

    await ask(gateway, "gemini:gemini-3.5-flash", [ASKED, turn, *results(turn)])

    assert STAND_IN in sent(gateway)[1]
    later, _ = await gateway.records(2)
    assert [loss.path for loss in later.losses] == ["messages[1]", "tool call get_weather"]


async def test_two_keys_share_no_proofs(start_gateway: StartGateway, gateway: Gateway) -> None:
    config = gateway.config_file.read_text().replace("[server]\n", '[server]\nkeys = ["$ONE", "$TWO"]\n')
    locked = await start_gateway(config, {"ONE": "one-key", "TWO": "two-key"})
    model = "gemini:gemini-3.8-flash"
    turn = await ask(locked, model, [ASKED], "one-key")

    await ask(locked, model, [ASKED, turn, *results(turn)], "two-key")
    await ask(locked, model, [ASKED, turn, *results(turn)], "one-key")

    assert [STAND_IN in body for body in sent(locked)] == [False, True, False]


async def test_answers_without_proofs_keep_nothing(gateway: Gateway) -> None:
    await ask(gateway, "groq:llama-3.3-70b-versatile", [ASKED])
    await ask(gateway, "cohere:command-a-plus-05-2026", [ASKED])
    answer = await gateway.http.post(CHAT, json=gateway.chat("anthropic:claude-sonnet-5-5", max_tokens=4000))
    assert answer.status_code == 200

    assert len(gateway.state.signatures) == 0


async def test_the_same_history_gives_the_same_bytes(gateway: Gateway) -> None:
    """Providers cache by prefix: what was put back in one step is put back alike in the next."""
    model = "anthropic:claude-sonnet-5-5"
    turn = await ask(gateway, model, [ASKED], max_tokens=4000)
    history = [ASKED, turn, *results(turn)]
    said = await ask(gateway, model, history, max_tokens=4000)
    await ask(gateway, model, history, max_tokens=4000)
    await ask(gateway, model, [*history, said, {"role": "user", "content": "And?"}], max_tokens=4000)

    _, first, again, longer = sent(gateway)
    assert first == again
    assert longer.startswith(first[: first.rindex(b"]")])


async def test_no_proof_is_logged(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        turn = await ask(gateway, "anthropic:claude-sonnet-5-5", [ASKED], max_tokens=4000)
        await ask(gateway, "anthropic:claude-sonnet-5-5", [ASKED, turn, *results(turn)], max_tokens=4000)

    assert "EsSim" not in caplog.text
