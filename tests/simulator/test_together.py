"""Together's peculiarities: the bare list, `eos`, 403 for the context, indexes that are floats."""

from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

PATH = "/together/v1/chat/completions"
MODEL = "Qwen/Qwen3.8-Flash"
HI: dict[str, Any] = {"role": "user", "content": "Hello you"}


def request(model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [HI], **more}


async def test_models_are_a_bare_array(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/together/v1/models")).json()

    assert isinstance(listed, list)
    assert MODEL in [entry["id"] for entry in listed]
    assert all(entry["context_length"] > 0 for entry in listed)


async def test_stream_ends_with_eos_and_usage_unasked(frames: Any) -> None:
    *chunks, done = [data for _, data in await frames(PATH, request(stream=True))]

    assert done == "[DONE]"
    assert chunks[-1]["choices"][0]["finish_reason"] == "eos"
    assert chunks[-1]["usage"]["total_tokens"] > chunks[-1]["usage"]["prompt_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert all("token_id" in chunk["choices"][0]["delta"] for chunk in chunks)


async def test_tool_index_is_a_float(weather_tool: Any, post: Any) -> None:
    response = await post(PATH, request(stream=True, tools=[weather_tool]))

    assert b'"index":0.0' in response.content


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        (request(), "eos"),
        (request(stop=["simulated"]), "stop"),
        (request(max_tokens=2), "length"),
    ],
)
async def test_finish_reasons(post: Any, body: dict[str, Any], finish: str) -> None:
    answer = (await post(PATH, body)).json()

    assert answer["choices"][0]["finish_reason"] == finish
    assert (answer["prompt"], answer["warnings"]) == ([], [])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (request(logprobs=True), 400, "logprobs"),
        (request(stop="x"), 400, "stop"),
        (request(messages=[]), 400, "must not be empty"),
        (request(max_tokens=10_000_000), 403, "must be <= 262144"),
        (request(messages=[{"role": "user", "content": "x" * 1_100_000}]), 403, "must be <= 262144"),
        (request("gpt-4.1"), 404, "Unable to access model gpt-4.1"),
    ],
)
async def test_refused_like_the_real_one(post: Any, body: dict[str, Any], status: int, said: str) -> None:
    response = await post(PATH, body)

    assert response.status_code == status
    assert said in response.json()["error"]["message"]


async def test_unknown_fields_are_ignored(post: Any) -> None:
    body = request(max_completion_tokens=1, user="u", parallel_tool_calls=True, stream_options={"include_usage": True})

    answer = (await post(PATH, body)).json()

    assert answer["choices"][0]["finish_reason"] == "eos"


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("moonshotai/Kimi-K3.1-Pro", {}, True),
        ("moonshotai/Kimi-K3.1-Pro", {"reasoning": {"enabled": False}}, False),
        ("moonshotai/Kimi-K3", {"reasoning": {"enabled": True}}, True),
        ("moonshotai/Kimi-K3", {"reasoning_effort": "low"}, True),
        (MODEL, {"reasoning": {"enabled": True}}, False),
    ],
)
async def test_reasoning(post: Any, model: str, more: dict[str, Any], thinks: bool) -> None:
    message = (await post(PATH, request(model, **more))).json()["choices"][0]["message"]

    assert bool(message.get("reasoning")) is thinks


async def test_overload(simulator: Simulator, post: Any) -> None:
    simulator.fault(Fault(kind="status", provider="together", status=503, retry_after=2))

    response = await post(PATH, request())

    assert response.json()["error"]["type"] == "overloaded"
    assert response.headers["retry-after"] == "2"
    assert response.headers["x-tokenlimit-limit"] == "33333"


async def test_cached_tokens_stand_flat(post: Any) -> None:
    body = request(messages=[{"role": "user", "content": "x" * 5000}])

    usages = [(await post(PATH, body)).json()["usage"] for _ in range(2)]

    assert [usage["cached_tokens"] for usage in usages] == [0, 1024]
