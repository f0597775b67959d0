"""Mistral's strictness: fields, ids, the order of roles."""

import re
from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

PATH = "/mistral/v1/chat/completions"
MODEL = "mistral-small-2603"
HI: dict[str, Any] = {"role": "user", "content": "Hello you"}
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
TOOL = {"type": "function", "function": {"name": "get", "parameters": SCHEMA}}
CALLED = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "abcDEF123", "function": {"name": "get", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "abcDEF123", "name": "get", "content": "12C"}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}


def request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": list(messages) or [HI], **more}


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (request(stream_options={"include_usage": True}), ["stream_options"]),
        (request(max_completion_tokens=5), ["max_completion_tokens"]),
        (request(user="u"), ["user"]),
        (request(seed=1), ["seed"]),
        (request(logit_bias={}), ["logit_bias"]),
        (request(store=False), ["store"]),
        (request({**HI, "name": "bob"}), ["messages", 0, "user", "name"]),
        (request(HI, {**CALLED, "reasoning_content": "x"}, RESULT), ["messages", 1, "reasoning_content"]),
        (request({**HI, "cache_control": {}}), ["messages", 0, "cache_control"]),
        (request(tools=[{**TOOL, "strict": True}]), ["tools", 0, "strict"]),
        (
            request(HI, {"role": "assistant", "content": [{**THOUGHT, "text": "x"}]}, HI),
            ["messages", 1, "assistant", "content", 0, "text"],
        ),
    ],
)
async def test_unknown_fields_are_forbidden(post: Any, body: dict[str, Any], location: list[Any]) -> None:
    response = await post(PATH, body)

    assert response.status_code == 422
    error = response.json()
    assert (error["object"], error["type"]) == ("error", "invalid_request_error")
    assert error["message"]["detail"][0]["type"] == "extra_forbidden"
    assert error["message"]["detail"][0]["loc"] == ["body", *location]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (request(tools=[{"type": "function", "function": {"name": "get"}}]), ["tools", 0, "function", "parameters"]),
        ({"model": MODEL}, ["messages"]),
        (request(temperature=2), ["temperature"]),
        (request({"role": "developer", "content": "x"}), ["messages", 0]),
        (request(temperature="hot"), ["temperature"]),
        (request({"role": "user", "content": [THOUGHT]}), ["messages", 0, "user", "content", 0]),
        (request({"role": "user", "content": [{"type": "video"}]}), ["messages", 0, "user", "content", 0]),
        (
            request(HI, {"role": "assistant", "content": [{**THOUGHT, "thinking": "Hm."}]}, HI),
            ["messages", 1, "assistant", "content", 0, "thinking"],
        ),
    ],
)
async def test_other_unprocessable_bodies(post: Any, body: dict[str, Any], location: list[Any]) -> None:
    response = await post(PATH, body)

    assert response.status_code == 422
    assert response.json()["message"]["detail"][0]["loc"] == ["body", *location]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (request(HI, CALLED, RESULT, HI), "3230", "Unexpected role 'user' after role 'tool'"),
        (request(HI, CALLED, RESULT, {"role": "system", "content": "x"}), "3230", "Unexpected role 'system'"),
        (request(HI, RESULT), "3230", "Unexpected role 'tool' after role 'user'"),
        (request(HI, {"role": "assistant", "content": "Sure"}), "3230", "Expected last role User or Tool"),
        (request(HI, {"role": "assistant", "content": ""}, HI), "3240", "either content or tool_calls"),
        (request(HI, CALLED, {**RESULT, "tool_call_id": "call_0123456789"}), "3280", "with a length of 9"),
        ({"model": "mistral-tiny-1", "messages": [HI]}, "1500", "Invalid model"),
        (request(reasoning_effort="low"), None, "reasoning_effort is not supported"),
        (request({"role": "user", "content": "x" * 1_100_000}), "3051", "too large for model"),
    ],
)
async def test_refused_like_the_real_one(post: Any, body: dict[str, Any], code: str | None, said: str) -> None:
    response = await post(PATH, body)

    assert response.status_code == 400, response.text
    error = response.json()
    assert error["code"] == code
    assert said in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        request(HI, CALLED, RESULT),
        request(HI, CALLED, RESULT, {"role": "assistant", "content": "ok"}, HI),
        request(HI, {"role": "assistant", "content": "Sure, ", "prefix": True}),
        request(random_seed=1, safe_prompt=True, metadata={"a": 1}, prompt_cache_key="k", tools=[TOOL], n=1),
        request(reasoning_effort="none", parallel_tool_calls=False, tool_choice="any", tools=[TOOL]),
        {"model": "mistral-large-latest", "messages": [HI]},
    ],
)
async def test_taken(post: Any, body: dict[str, Any]) -> None:
    assert (await post(PATH, body)).status_code == 200


async def test_usage_comes_unasked_in_the_last_chunk(frames: Any) -> None:
    *chunks, done = [data for _, data in await frames(PATH, request(stream=True))]

    assert done == "[DONE]"
    assert chunks[-1]["usage"]["prompt_tokens"] == len("Hello you") // 4
    assert all("usage" not in chunk for chunk in chunks[:-1])


async def test_tool_call_comes_whole_and_without_a_type(frames: Any) -> None:
    got = await frames(PATH, request({"role": "user", "content": "in parallel"}, stream=True, tools=[TOOL]))

    deltas = [data["choices"][0]["delta"] for _, data in got[:-1]]
    (calls,) = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert [call["index"] for call in calls] == [0, 1]
    assert all("type" not in call for call in calls)
    assert all(re.fullmatch("[A-Za-z0-9]{9}", call["id"]) for call in calls)
    assert len({call["id"] for call in calls}) == 2
    assert calls[0]["function"] == {"name": "get", "arguments": '{"k":"k"}'}


async def test_thinking_comes_in_chunk_lists(frames: Any) -> None:
    got = await frames(PATH, request(stream=True, reasoning_effort="high"))

    contents = [data["choices"][0]["delta"].get("content") for _, data in got[:-1]]
    lists = [content[0] for content in contents if isinstance(content, list)]
    assert all(chunk["type"] == "thinking" for chunk in lists)
    assert "".join(chunk["thinking"][0]["text"] for chunk in lists).startswith("The user wrote")
    assert "Hello you" in "".join(content for content in contents if isinstance(content, str))


async def test_models_tell_aliases_and_context(http: httpx.AsyncClient) -> None:
    entry = (await http.get("/mistral/v1/models/mistral-large-4")).json()

    assert entry["aliases"] == ["mistral-large-latest"]
    assert entry["max_context_length"] == 262_144
    assert entry["capabilities"]["function_calling"] is True


async def test_rate_limit(simulator: Simulator, post: Any) -> None:
    simulator.fault(Fault(kind="status", provider="mistral", status=429, retry_after=4))

    response = await post(PATH, request())

    assert (response.status_code, response.json()["code"]) == (429, "1300")
    assert response.headers["retry-after"] == "4"
    assert response.headers["mistral-correlation-id"]


async def test_wrong_key(post: Any) -> None:
    response = await post(PATH, request(), authorization="Bearer bad")

    assert (response.status_code, response.json()["message"]) == (401, "Unauthorized")


async def test_an_assistants_thinking_is_taken_back(post: Any) -> None:
    turn = {**CALLED, "content": [THOUGHT]}

    assert (await post(PATH, request(HI, turn, RESULT, tools=[TOOL]))).status_code == 200


async def test_a_prompt_is_counted_as_responses_are_told_it(post: Any) -> None:
    asked = {"model": MODEL, "input": [HI], "instructions": "Be brief."}

    counted = await post("/mistral/v1/responses/input_tokens", asked)
    longer = await post("/mistral/v1/responses/input_tokens", {**asked, "tools": [{"type": "function", "name": "get"}]})
    refused = await post("/mistral/v1/responses/input_tokens", {**asked, "store": False})

    assert counted.json()["object"] == "response.input_tokens"
    assert longer.json()["input_tokens"] > counted.json()["input_tokens"] > 0
    assert refused.json()["message"]["detail"][0]["loc"] == ["body", "store"]
