"""Cohere's rules and its event grammar."""

from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

PATH = "/cohere/v2/chat"
MODEL = "command-a-03-2025"
REASONER = "command-a-plus-05-2026"
HI: dict[str, Any] = {"role": "user", "content": "Hello you"}
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
TOOL = {"type": "function", "function": {"name": "get", "parameters": SCHEMA}}
CALLED = {
    "role": "assistant",
    "tool_plan": "I will.",
    "tool_calls": [{"id": "get_1", "type": "function", "function": {"name": "get", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "get_1", "content": [{"type": "document", "document": {"data": "12C"}}]}


def request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": list(messages) or [HI], **more}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


@pytest.mark.parametrize("field", ["strict", "top_p", "stop", "stream_options", "user", "parallel_tool_calls"])
async def test_unknown_fields_are_unprocessable(post: Any, field: str) -> None:
    response = await post(PATH, request(**{field: 1}))

    assert response.status_code == 422
    assert f"'{field}'" in response.json()["message"]
    assert response.json()["id"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (request(HI, {"role": "system", "content": "x"}), "system message must be first"),
        (request({"role": "user", "content": ""}), "must not be empty"),
        ({"model": MODEL, "messages": []}, "messages must not be empty"),
        (request({"role": "developer", "content": "x"}), "Invalid enum value"),
        (request(tools=[named("get-it")]), "tool name 'get-it'"),
        (request(tools=[named("1get")]), "tool name '1get'"),
        (request(tools=[TOOL], tool_choice="auto"), "tool_choice"),
        (request(tool_choice="REQUIRED"), "only be specified with tools"),
        (request(HI, CALLED, HI, tools=[TOOL]), "tool calls without a result: get_1"),
        (request(HI, CALLED, tools=[TOOL]), "tool calls without a result: get_1"),
        (request(HI, RESULT, tools=[TOOL]), "'get_1' not found"),
        (request(HI, CALLED, RESULT, CALLED, RESULT, tools=[TOOL]), "'get_1' is not unique"),
        (request(tools=[TOOL], response_format={"type": "json_object"}), "not supported with tools"),
        (
            request(response_format={"type": "json_object", "json_schema": {"type": "object"}}),
            "at least one required property",
        ),
        (
            request(strict_tools=True, tools=[{**TOOL, "function": {"name": "get", "parameters": {"type": "object"}}}]),
            "strict_tools",
        ),
        (request(temperature=1.5), "temperature must be between"),
        (request(p=1.0), "p must be between"),
        (request(k=501), "k must be between"),
        (request(frequency_penalty=0.1, presence_penalty=0.1), "only one of"),
        (request(stop_sequences=list("abcdef")), "at most 5"),
        (request({"role": "user", "content": "x" * 1_100_000}), "too many tokens"),
    ],
)
async def test_refused_like_the_real_one(post: Any, body: dict[str, Any], said: str) -> None:
    response = await post(PATH, body)

    assert response.status_code == 400, response.text
    assert said in response.json()["message"]


async def test_documents_as_tool_results(post: Any) -> None:
    answer = (await post(PATH, request(HI, CALLED, RESULT, tools=[TOOL]))).json()

    assert "get: data12C" in answer["message"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("model", "thinking", "kinds"),
    [
        (REASONER, None, ["thinking", "text"]),
        (REASONER, {"type": "disabled"}, ["text"]),
        (REASONER, {"type": "enabled", "token_budget": 500}, ["thinking", "text"]),
        (MODEL, None, ["text"]),
    ],
)
async def test_when_it_thinks(post: Any, model: str, thinking: Any, kinds: list[str]) -> None:
    body = {**request(), "model": model, **({"thinking": thinking} if thinking else {})}

    content = (await post(PATH, body)).json()["message"]["content"]

    assert [part["type"] for part in content] == kinds


@pytest.mark.parametrize(
    ("more", "finish"),
    [({}, "COMPLETE"), ({"max_tokens": 2}, "MAX_TOKENS"), ({"stop_sequences": ["simulated"]}, "STOP_SEQUENCE")],
)
async def test_finish_reasons(post: Any, more: dict[str, Any], finish: str) -> None:
    assert (await post(PATH, request(**more))).json()["finish_reason"] == finish


async def test_counts_are_floats(post: Any) -> None:
    text = (await post(PATH, request())).text

    assert '"billed_units":{"input_tokens":2.0' in text
    assert '"cached_tokens":0.0' in text


async def test_event_grammar(frames: Any) -> None:
    """Every event is named by its type; contents open and close one after the other."""
    got = await frames(PATH, {**request(stream=True), "model": REASONER})

    assert all(name == data["type"] for name, data in got)
    names = [name for name, _ in got]
    assert (names[0], names[-1]) == ("message-start", "message-end")
    open_content: int | None = None
    closed = 0
    for name, data in got[1:-1]:
        if name == "content-start":
            assert (open_content, data["index"]) == (None, closed)
            open_content = data["index"]
        elif name == "content-delta":
            assert data["index"] == open_content
        else:
            assert (name, data["index"]) == ("content-end", open_content)
            open_content, closed = None, closed + 1
    assert closed == 2


async def test_tool_call_events_hold_an_object_not_a_list(frames: Any) -> None:
    got = await frames(PATH, request(stream=True, tools=[TOOL]))

    started = next(data for name, data in got if name == "tool-call-start")
    call = started["delta"]["message"]["tool_calls"]
    assert call["function"] == {"name": "get", "arguments": ""}
    assert call["type"] == "function"


async def test_credentials(simulator: Simulator) -> None:
    async with httpx.AsyncClient(base_url=simulator.url("cohere"), trust_env=False) as client:
        missing = await client.get("/v1/models")
        wrong = await client.get("/v1/models", headers={"authorization": "Bearer bad"})

    assert (missing.status_code, wrong.status_code) == (401, 498)


async def test_unknown_model_and_path(http: httpx.AsyncClient) -> None:
    model = await http.post(PATH, json={**request(), "model": "command"})
    path = await http.post("/cohere/v1/chat", json=request())

    assert (model.status_code, path.status_code) == (404, 404)
    assert "model 'command' not found" in model.json()["message"]


async def test_failure_in_its_own_shape(simulator: Simulator, post: Any) -> None:
    simulator.fault(Fault(kind="status", provider="cohere", status=429, retry_after=1.5))

    response = await post(PATH, request())

    assert response.headers["retry-after"] == "1.5"
    assert response.json() == {"message": "simulated failure 429", "id": "sim-429"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"model": 5}'])
async def test_bodies_that_are_no_request(post: Any, content: bytes) -> None:
    assert (await post(PATH, content)).status_code == 400
