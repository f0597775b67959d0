"""Turns that a test scripts: who takes them, and when."""

from typing import Any

import httpx
import pytest

from proxyctl.simulator import Simulator
from proxyctl.simulator.turns import PlannedCall, Turn, TurnBook

CHAT = "/local/v1/chat/completions"
READ = {"tool": "read_file", "arguments": {"path": "notes.txt"}}
RUN = {"tool": "run", "arguments": {"command": "ls"}}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("first", "read_file", "run")]
BODY = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Go"}]}
WITH_TOOLS = {**BODY, "tools": TOOLS}


async def plan(http: httpx.AsyncClient, *turns: Any) -> None:
    assert (await http.post("/_control/turns", json=list(turns))).json() == {"ok": True}


async def called(http: httpx.AsyncClient, body: Any) -> list[tuple[str, str]]:
    message = (await http.post(CHAT, json=body)).json()["choices"][0]["message"]
    return [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or ()]


async def test_each_turn_is_one_answer(http: httpx.AsyncClient) -> None:
    await plan(http, {"calls": [READ]}, {"calls": [RUN, READ]})

    assert await called(http, WITH_TOOLS) == [("read_file", '{"path":"notes.txt"}')]
    assert await called(http, WITH_TOOLS) == [("run", '{"command":"ls"}'), ("read_file", '{"path":"notes.txt"}')]
    assert await called(http, WITH_TOOLS) == []


async def test_results_do_not_end_a_script(http: httpx.AsyncClient) -> None:
    """An agent goes on calling after the first result; only then does the answer become text."""
    call = {"id": "call_1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    answered = [
        *BODY["messages"],
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
    ]
    await plan(http, {"calls": [READ]})

    assert [name for name, _ in await called(http, {**WITH_TOOLS, "messages": answered})] == ["read_file"]
    assert await called(http, {**WITH_TOOLS, "messages": answered}) == []


@pytest.mark.parametrize("body", [BODY, {**WITH_TOOLS, "tools": TOOLS[:1]}, {**WITH_TOOLS, "tool_choice": "none"}])
async def test_turn_waits_for_a_request_that_offers_its_tools(http: httpx.AsyncClient, body: Any) -> None:
    await plan(http, {"calls": [READ]})

    assert "read_file" not in [name for name, _ in await called(http, body)]
    assert (await http.get("/_control/turns")).json() == [{"calls": [READ], "provider": "*"}]


async def test_refused_request_takes_no_turn(http: httpx.AsyncClient) -> None:
    await plan(http, {"calls": [READ]})

    refused = await http.post(CHAT, json={**WITH_TOOLS, "model": "nobody"})

    assert refused.status_code == 404
    assert len((await http.get("/_control/turns")).json()) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/anthropic/v1/messages",
            {
                "model": "claude-sonnet-5-5",
                "max_tokens": 99,
                "messages": BODY["messages"],
                "tools": [{"name": "read_file", "input_schema": {"type": "object"}}],
            },
        ),
        (
            "/gemini/v1beta/models/gemini-3.8-flash:generateContent",
            {
                "contents": [{"role": "user", "parts": [{"text": "Go"}]}],
                "tools": [{"functionDeclarations": [{"name": "read_file"}]}],
            },
        ),
        (
            "/cohere/v2/chat",
            {**WITH_TOOLS, "model": "command-a-03-2025", "stream": False},
        ),
    ],
)
async def test_every_wire_format_writes_a_scripted_call(http: httpx.AsyncClient, path: str, body: Any) -> None:
    await plan(http, {"calls": [READ]})
    headers = {"x-api-key": "k", "x-goog-api-key": "k", "anthropic-version": "2023-06-01"}

    answer = await http.post(path, json=body, headers=headers)

    assert answer.status_code == 200, answer.text
    assert "notes.txt" in answer.text


@pytest.mark.parametrize("body", [{"calls": [READ]}, [{"call": READ}], [{"calls": [{"name": "x"}]}]])
async def test_script_of_another_shape_is_refused(http: httpx.AsyncClient, body: Any) -> None:
    assert (await http.post("/_control/turns", json=body)).status_code == 400


async def test_empty_script_calls_nothing(http: httpx.AsyncClient) -> None:
    assert [name for name, _ in await called(http, WITH_TOOLS)] == ["first"]

    await plan(http)

    assert await called(http, WITH_TOOLS) == []


async def test_reset_ends_a_script(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.script(Turn((PlannedCall("run"),)))

    await http.post("/_control/reset")

    assert simulator.turns.planned() == []
    assert [name for name, _ in await called(http, WITH_TOOLS)] == ["first"]


def test_turn_may_name_its_provider() -> None:
    book, turn = TurnBook(), Turn((PlannedCall("run"),), provider="groq")
    book.plan(turn)

    assert book.take("local", {"run"}) is None
    assert book.take("groq", {"run"}) == turn
    assert book.planned() == []
