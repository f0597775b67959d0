"""Groq's strictness, its `x_groq` member and its headers."""

from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

PATH = "/groq/openai/v1/chat/completions"
LLAMA = "llama-3.3-70b-versatile"
OSS = "openai/gpt-oss-20b"
QWEN = "qwen/qwen3-32b"
HI: dict[str, Any] = {"role": "user", "content": "Hello you"}
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
TOOL = {"type": "function", "function": {"name": "get", "parameters": SCHEMA}}
WANTED = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get", "arguments": "{}"}}],
}


def request(model: str = LLAMA, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [HI], **more}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (request(prompt_cache_key="k"), "property 'prompt_cache_key' is unsupported"),
        (request(messages=[{**HI, "name": "bob"}]), "property 'name' is unsupported"),
        (request(messages=[{**HI, "cache_control": {}}]), "'messages.0'"),
        (request(messages=[HI, {**CALLED, "reasoning_content": "x"}]), "property 'reasoning_content' is unsupported"),
        (request(messages=[HI, {**CALLED, "function_call": None}]), "property 'function_call' is unsupported"),
        (request(tools=[{**TOOL, "cache_control": {}}]), "property 'cache_control' is unsupported"),
        (request(n=2), "'n' : number must be at most 1"),
        (request(logprobs=True), "`logprobs` is not supported"),
        (request(logit_bias={"1": 1}), "`logit_bias` is not supported"),
        (request(top_logprobs=2), "`top_logprobs` is not supported"),
        (request(temperature=3), "'temperature'"),
        (request(tools=[TOOL] * 129), "maximum number of items is 128"),
        (request(OSS, include_reasoning=True, reasoning_format="parsed"), "cannot specify both"),
        (request(OSS, reasoning_effort="none"), "`reasoning_effort` must be one of"),
        (request(LLAMA, reasoning_effort="low"), "`reasoning_effort` must be one of"),
        (request(response_format={"type": "json_object"}), "must contain the word 'json'"),
        (request(response_format=WANTED), "does not support response format `json_schema`"),
        (request(OSS, response_format=WANTED, tools=[TOOL]), "cannot be combined with tool"),
        ({"model": LLAMA}, "missing required field `messages`"),
        (request(messages="hello"), "Expected `array`"),
    ],
)
async def test_refused_like_the_real_one(post: Any, body: dict[str, Any], said: str) -> None:
    response = await post(PATH, body)

    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        request(stream_options={"include_usage": True}, stream=True),
        request(temperature=0, seed=1, user="u", metadata={"a": "b"}, service_tier="auto", store=False),
        request(
            messages=[{"role": "system", "content": "Answer in JSON"}, HI], response_format={"type": "json_object"}
        ),
        request(
            messages=[HI, {**CALLED, "reasoning": "x"}, {"role": "tool", "tool_call_id": "call_1", "content": "1"}]
        ),
        request(OSS, response_format=WANTED),
    ],
)
async def test_taken(post: Any, body: dict[str, Any]) -> None:
    assert (await post(PATH, body)).status_code == 200


@pytest.mark.parametrize("asked", [False, True])
async def test_usage_in_the_stream(frames: Any, asked: bool) -> None:
    """On the last chunk always; in a chunk of its own only when asked, with the same numbers."""
    options = {"stream_options": {"include_usage": True}} if asked else {}

    *chunks, done = [data for _, data in await frames(PATH, request(stream=True, **options))]

    assert done == "[DONE]"
    finishing = chunks[-2] if asked else chunks[-1]
    assert finishing["choices"][0]["finish_reason"] == "stop"
    usage = finishing["x_groq"]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert "queue_time" in usage
    assert chunks[0]["x_groq"]["id"].startswith("req_")
    if asked:
        assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], usage)


@pytest.mark.parametrize(
    ("body", "reasoning", "inline"),
    [
        (request(OSS), True, False),
        (request(OSS, include_reasoning=False), False, False),
        (request(OSS, reasoning_format="hidden"), False, False),
        (request(QWEN), False, True),
        (request(QWEN, reasoning_format="parsed"), True, False),
        (request(QWEN, reasoning_effort="none"), False, False),
        (request(LLAMA), False, False),
    ],
)
async def test_where_reasoning_stands(
    post: Any, frames: Any, body: dict[str, Any], reasoning: bool, inline: bool
) -> None:
    message = (await post(PATH, body)).json()["choices"][0]["message"]
    chunks = [data for _, data in await frames(PATH, {**body, "stream": True})][:-1]

    assert bool(message.get("reasoning")) is reasoning
    assert message["content"].startswith("<think>") is inline
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == message["content"]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == message.get("reasoning", "")


async def test_limits_stand_in_the_headers(http: httpx.AsyncClient) -> None:
    headers = (await http.post(PATH, json=request())).headers

    assert headers["x-ratelimit-limit-requests"] == "14400"
    assert headers["x-ratelimit-reset-tokens"] == "1.2s"
    assert headers["x-request-id"].startswith("req_")
    assert "retry-after" not in headers


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (413, "tokens", "rate_limit_exceeded"),
        (429, "tokens", "rate_limit_exceeded"),
        (498, "flex_capacity_exceeded", "capacity_exceeded"),
    ],
)
async def test_failures_of_its_own(simulator: Simulator, post: Any, status: int, kind: str, code: str) -> None:
    simulator.fault(Fault(kind="status", provider="groq", status=status, retry_after=2.5))

    response = await post(PATH, request())

    assert response.status_code == status
    assert (response.json()["error"]["type"], response.json()["error"]["code"]) == (kind, code)
    assert response.headers.get("retry-after") == ("2.5" if status == 429 else None)


async def test_wrong_key(post: Any) -> None:
    response = await post(PATH, request(), authorization="Bearer bad")

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
