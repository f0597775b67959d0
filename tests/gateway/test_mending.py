"""A refusal that names what it does not take: the request goes once more without it, and the loss is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from proxyctl.core.chat import Signature
from proxyctl.core.errors import Problem
from proxyctl.dialects.envelope import SIGNATURE_STAND_IN, seal
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.gateway.mending import UNMENDED, Mends, mended
from proxyctl.providers.openai import OpenAIProvider
from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import CHAT, MESSAGES, Script, Upstream, completion, response, streamed

RESPONSES = "/v1/responses"
GENERATE = "/v1beta/models/{}:generateContent"
OPUS, FLASH = "anthropic:claude-opus-5-5", "gemini:gemini-3.8-flash"
HELLO = [{"role": "user", "content": "Good morning"}]
ASK: dict[str, Any] = {"max_tokens": 50, "messages": HELLO}
CONTENTS = [{"role": "user", "parts": [{"text": "Good morning"}]}]

NATIVE: list[tuple[str, dict[str, Any]]] = [
    (RESPONSES, {"model": "openai:gpt-4.1", "input": "Good morning"}),
    (MESSAGES, {**ASK, "model": OPUS}),
    (GENERATE.format(FLASH), {"contents": CONTENTS}),
]


def sent(gateway: Gateway) -> list[dict[str, Any]]:
    """The bodies that providers were sent."""
    return [json.loads(entry.body) for entry in gateway.simulator.ledger.entries if entry.method == "POST"]


async def lost(gateway: Gateway) -> list[str]:
    [record] = await gateway.records(1)
    return [loss.path for loss in record.losses]


@pytest.mark.parametrize(("path", "ask"), NATIVE, ids=["responses", "messages", "gemini"])
async def test_an_unknown_field_is_left_out(gateway: Gateway, path: str, ask: dict[str, Any]) -> None:
    answer = await gateway.http.post(path, json={**ask, "time_travel": True})

    assert answer.status_code == 200, answer.text
    assert ["time_travel" in body for body in sent(gateway)] == [True, False]
    assert (answer.headers["x-proxyctl-losses"], answer.headers["x-proxyctl-attempts"]) == ("1", "2")
    assert await lost(gateway) == ["time_travel"]


@pytest.mark.parametrize(("path", "ask"), NATIVE, ids=["responses", "messages", "gemini"])
async def test_under_strict_the_refusal_stands(gateway: Gateway, path: str, ask: dict[str, Any]) -> None:
    answer = await gateway.http.post(path, json={**ask, "time_travel": True}, headers={"x-proxyctl-strict": "1"})

    assert answer.status_code == 400
    assert "time_travel" in answer.text
    assert len(sent(gateway)) == 1


async def test_a_field_and_a_headers_value_are_each_left_out_once(gateway: Gateway) -> None:
    ask = {**ASK, "model": OPUS, "time_travel": True}

    answer = await gateway.http.post(MESSAGES, json=ask, headers={"anthropic-beta": "time-travel-2031-01-01"})

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-proxyctl-attempts"] == "3"
    assert sorted(await lost(gateway)) == ["anthropic-beta: time-travel-2031-01-01", "time_travel"]


async def test_a_second_unknown_field_is_refused(gateway: Gateway) -> None:
    ask = {**ASK, "model": OPUS, "time_travel": True, "warp": 9}

    answer = await gateway.http.post(MESSAGES, json=ask)

    assert answer.status_code == 400
    assert len(sent(gateway)) == 2


async def test_a_member_below_the_top_level_is_the_callers(gateway: Gateway) -> None:
    answer = await gateway.http.post(MESSAGES, json={**ASK, "model": OPUS, "metadata": {"time_travel": "yes"}})

    assert answer.status_code == 400
    assert "metadata.time_travel" in answer.text
    assert len(sent(gateway)) == 1


# The proof of earlier thinking.

THOUGHT = {"type": "thinking", "thinking": "", "signature": "EqQBCkYICxABGAI="}
MESSAGES_ASK: dict[str, Any] = {
    "model": OPUS,
    "max_tokens": 50,
    "messages": [
        *HELLO,
        {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Good morning."}]},
        {"role": "user", "content": "And now?"},
    ],
}
GEMINI_CALL = {"functionCall": {"name": "get", "args": {}, "id": "a"}, "thoughtSignature": "AAAA"}
GEMINI_ASK: dict[str, Any] = {
    "contents": [
        *CONTENTS,
        {"role": "model", "parts": [GEMINI_CALL]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get", "id": "a", "response": {"is": 1}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "get", "description": "Get it"}]}],
}
RESPONSES_ASK: dict[str, Any] = {
    "model": "openai:gpt-5.6-luna",
    "input": [
        *HELLO,
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAABfromelsewhere"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Good morning."}]},
        {"role": "user", "content": "And now?"},
    ],
    "store": False,
}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (MESSAGES, MESSAGES_ASK, "messages[1].content"),
    (GENERATE.format(FLASH), GEMINI_ASK, "contents[1].parts"),
    (RESPONSES, RESPONSES_ASK, "input[1]"),
]


@pytest.mark.parametrize(("path", "ask", "place"), REFUSED, ids=["messages", "gemini", "responses"])
async def test_thinking_that_cannot_be_proven_is_left_out(
    gateway: Gateway, path: str, ask: dict[str, Any], place: str
) -> None:
    answer = await gateway.http.post(path, json=ask)

    assert answer.status_code == 200, answer.text
    first, second = (json.dumps(body) for body in sent(gateway))
    proof = next(text for text in ("EqQB", "AAAA", "gAAAAAB") if text in json.dumps(ask))
    assert (proof in first, proof in second) == (True, False)
    assert await lost(gateway) == [place]


async def test_a_proof_that_a_client_of_another_dialect_carried_is_left_out(gateway: Gateway) -> None:
    sealed = {"type": "thinking", "thinking": "", "signature": seal(Signature("AAAA", "gemini-generate"))}
    call = {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}
    turns = [*HELLO, {"role": "assistant", "content": [sealed, call]}, {"role": "user", "content": [result]}]
    tools = [{"name": "get", "description": "Get it", "input_schema": {"type": "object"}}]

    answer = await gateway.http.post(
        MESSAGES, json={"model": FLASH, "max_tokens": 500, "messages": turns, "tools": tools}
    )

    assert answer.status_code == 200, answer.text
    signed = [body["contents"][1]["parts"][-1]["thoughtSignature"] for body in sent(gateway)]
    assert signed == ["AAAA", SIGNATURE_STAND_IN]
    assert "contents[1].parts" in await lost(gateway)


@pytest.mark.parametrize(("path", "ask"), [case[:2] for case in REFUSED], ids=["messages", "gemini", "responses"])
async def test_unproven_thinking_is_refused_under_strict(gateway: Gateway, path: str, ask: dict[str, Any]) -> None:
    answer = await gateway.http.post(path, json=ask, headers={"x-proxyctl-strict": "1"})

    assert answer.status_code == 400
    assert len(sent(gateway)) == 1


# In both lanes, before a server that says what we wrote.


def refusing(*names: str) -> Script:
    """A server that knows none of these fields, and says so of the first, as OpenAI documents it."""

    async def answer(body: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fields = json.loads(body)
        unknown = next((name for name in names if name in fields), None)
        if unknown is None:
            chunk = b'{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s]}'
            choice = b'{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":"stop"}'
            writer.write(streamed(chunk % choice, b"[DONE]") if fields.get("stream") else response(completion()))
            return
        error = {"message": f"Unknown parameter: '{unknown}'.", "type": "invalid_request_error", "param": unknown}
        body = json.dumps({"error": {**error, "code": "unknown_parameter"}}).encode()
        writer.write(response(body, status="400 Bad Request"))

    return answer


@pytest.fixture
async def tried_again(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    upstream.keep = False
    config = upstream.config('models = { m = "m" }').replace("max_attempts = 1", "max_attempts = 3")
    return await start_gateway(config)


async def post(gate: Gateway, path: str, **more: Any) -> httpx.Response:
    return await gate.http.post(path, json={"model": "m", "max_tokens": 9, "messages": HELLO, **more})


def names_sent(upstream: Upstream, name: str) -> Sequence[bool]:
    return [name in json.loads(body) for body in upstream.bodies]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
async def test_both_lanes_mend(tried_again: Gateway, upstream: Upstream, path: str, *, stream: bool) -> None:
    upstream.answer = refusing("top_p")

    answer = await post(tried_again, path, top_p=0.5, stream=stream)

    assert answer.status_code == 200, answer.text
    assert names_sent(upstream, "top_p") == [True, False]
    assert await lost(tried_again) == ["top_p"]


@pytest.mark.parametrize("name", ["max_tokens", "messages", "model", "tools", "stream"])
async def test_what_is_asked_and_its_limits_are_never_left_out(
    tried_again: Gateway, upstream: Upstream, name: str
) -> None:
    upstream.answer = refusing(name)
    tools = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}]

    answer = await post(tried_again, CHAT, tools=tools, stream=True)

    assert answer.status_code == 400
    assert len(upstream.bodies) == 1


async def test_a_field_of_our_own_is_no_loss(tried_again: Gateway, upstream: Upstream) -> None:
    upstream.answer = refusing("stream_options")

    answer = await post(tried_again, CHAT, stream=True)

    assert answer.status_code == 200, answer.text
    assert names_sent(upstream, "stream_options") == [True, False]
    assert await lost(tried_again) == []


async def test_what_is_mended_stays_mended(tried_again: Gateway, upstream: Upstream) -> None:
    """The second try fails for another reason and is tried again: without the field, too."""
    refuse = refusing("top_p")

    async def answer(body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(upstream.bodies) == 2:
            writer.write(response(b"{}", status="429 No", more=b"retry-after-ms: 1\r\n"))
        else:
            await refuse(body, reader, writer)

    upstream.answer = answer
    await post(tried_again, CHAT, top_p=0.5)

    assert names_sent(upstream, "top_p")[:2] == [True, False]
    assert not any(names_sent(upstream, "top_p")[2:])


async def test_without_budget_the_refusal_is_told(gate: Gateway, upstream: Upstream) -> None:
    upstream.answer = refusing("top_p")

    answer = await post(gate, CHAT, top_p=0.5)

    assert answer.status_code == 400
    assert "top_p" in answer.text
    assert len(upstream.bodies) == 1


async def test_a_side_request_is_not_mended(gateway: Gateway) -> None:
    """Vectors of another length would be an answer to another question."""
    said = "Unsupported parameter: 'dimensions'."
    gateway.simulator.fault(Fault(kind="status", provider="openai", status=400, message=said, scope="any", times=None))

    ask = {"model": "openai:text-embedding-3-small", "input": "hello", "dimensions": 256}
    answer = await gateway.http.post("/v1/embeddings", json=ask)

    assert answer.status_code == 400
    assert len(sent(gateway)) == 1


# The rule itself.

PROVIDER = OpenAIProvider(name="openai")


def refusal(param: str) -> Problem:
    message = f"Unsupported parameter: '{param}'."
    return Problem(kind="bad_request", status=400, code="unsupported_parameter", message=message, param=param)


@pytest.mark.parametrize(
    ("mends", "param", "after"),
    [
        (UNMENDED, "seed", Mends(fields=frozenset({"seed"}))),
        (UNMENDED, "not_sent", None),
        (UNMENDED, "max_completion_tokens", None),
        (UNMENDED, "response_format", None),
        (UNMENDED, "messages[0].name", None),
        (Mends(fields=frozenset({"user"})), "seed", None),
        (Mends(thinking=True), "seed", Mends(fields=frozenset({"seed"}), thinking=True)),
    ],
)
def test_what_is_left_out_next(mends: Mends, param: str, after: Mends | None) -> None:
    body = b'{"model":"m","messages":[],"seed":1,"max_completion_tokens":9,"response_format":{"type":"text"}}'

    got = mended(mends, refusal(param), PROVIDER, UPSTREAM["openai-chat"], body=body, headers={})

    assert got == after
