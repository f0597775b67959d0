"""The generic OpenAI-compatible server: chunk grammar, usage on demand, leniency."""

from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

PATH = "/local/v1/chat/completions"
HI: dict[str, Any] = {"role": "user", "content": "Hello you"}


def request(model: str = "gpt-4.1", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [HI], **more}


async def test_chunk_grammar(frames: Any) -> None:
    """role, deltas, one finish, [DONE]; one id, one creation time, one model."""
    got = await frames(PATH, request(stream=True))

    assert all(name is None for name, _ in got)
    *chunks, done = [data for _, data in got]
    assert done == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    finishes = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert finishes == [None] * (len(chunks) - 1) + ["stop"]
    assert all("usage" not in chunk for chunk in chunks)


async def test_usage_chunk_when_asked(frames: Any) -> None:
    got = await frames(PATH, request(stream=True, stream_options={"include_usage": True}))

    *chunks, last, _ = [data for _, data in got]
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]


async def test_tool_call_comes_in_fragments(frames: Any, weather_tool: Any) -> None:
    body = request(stream=True, tools=[weather_tool], messages=[{"role": "user", "content": "in parallel"}])

    got = await frames(PATH, body)

    fragments = [call for _, data in got[:-1] for call in data["choices"][0]["delta"].get("tool_calls", ())]
    for index in (0, 1):
        first, *rest = [fragment for fragment in fragments if fragment["index"] == index]
        assert (first["type"], first["function"]) == ("function", {"name": "get_weather", "arguments": ""})
        assert all(fragment.keys() == {"index", "function"} for fragment in rest)
        assert "".join(fragment["function"]["arguments"] for fragment in rest) == '{"city":"city","days":1}'
    assert got[-2][1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_several_choices(post: Any, frames: Any) -> None:
    whole = (await post(PATH, request(n=2))).json()
    got = await frames(PATH, request(n=2, stream=True))

    assert [choice["index"] for choice in whole["choices"]] == [0, 1]
    finishing = [data["choices"][0] for _, data in got[:-1] if data["choices"][0]["finish_reason"]]
    assert [choice["index"] for choice in finishing] == [0, 1]


@pytest.mark.parametrize(
    ("more", "finish"),
    [
        ({}, "stop"),
        ({"max_tokens": 2}, "length"),
        ({"max_completion_tokens": 2, "max_tokens": 100}, "length"),
        ({"stop": "simulated"}, "stop"),
        ({"stop": ["never", "simulated"]}, "stop"),
    ],
)
async def test_limits_and_stops(post: Any, more: dict[str, Any], finish: str) -> None:
    choice = (await post(PATH, request(**more))).json()["choices"][0]

    assert choice["finish_reason"] == finish
    if "stop" in more:
        assert choice["message"]["content"].endswith("gpt-4.1, ")


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("auto", ["get_weather"]),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "other"}}, ["other"]),
    ],
)
async def test_tool_choice(post: Any, weather_tool: Any, choice: Any, called: list[str]) -> None:
    other = {"type": "function", "function": {"name": "other"}}

    message = (await post(PATH, request(tools=[weather_tool, other], tool_choice=choice))).json()["choices"][0][
        "message"
    ]

    assert [call["function"]["name"] for call in message.get("tool_calls", ())] == called


async def test_one_call_when_parallel_use_is_off(post: Any, weather_tool: Any) -> None:
    body = request(
        tools=[weather_tool], parallel_tool_calls=False, messages=[{"role": "user", "content": "in parallel"}]
    )

    assert len((await post(PATH, body)).json()["choices"][0]["message"]["tool_calls"]) == 1


@pytest.mark.parametrize(
    ("model", "effort", "thinks"),
    [
        ("gpt-4.1", "high", False),
        ("gpt-5.4-mini", None, False),
        ("gpt-5.4-mini", "low", True),
        ("gpt-5.4-mini", "none", False),
        ("local-reasoner", None, True),
    ],
)
async def test_reasoning_content(post: Any, model: str, effort: str | None, thinks: bool) -> None:
    answer = (await post(PATH, request(model, reasoning_effort=effort))).json()

    assert bool(answer["choices"][0]["message"].get("reasoning_content")) is thinks
    assert bool(answer["usage"]["completion_tokens_details"]["reasoning_tokens"]) is thinks


async def test_structured_output(post: Any, weather_schema: Any) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": weather_schema}}
    asked = [{"role": "user", "content": "Weather in Oslo"}]

    by_schema = (await post(PATH, request(response_format=wanted, messages=asked))).json()
    any_json = (await post(PATH, request(response_format={"type": "json_object"}))).json()

    assert by_schema["choices"][0]["message"]["content"] == '{"city":"Oslo","days":1}'
    assert any_json["choices"][0]["message"]["content"].startswith('{"provider":"local"')


async def test_unknown_fields_are_passed_over(post: Any) -> None:
    body = request(top_k=5, guided_json={}, messages=[{**HI, "name": "bob", "weird": 1}])

    assert (await post(PATH, body)).status_code == 200


async def test_image_by_address(post: Any) -> None:
    content = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]

    answer = (await post(PATH, request(messages=[{"role": "user", "content": content}]))).json()

    assert "(address) given by its address" in answer["choices"][0]["message"]["content"]


async def test_cached_tokens(post: Any) -> None:
    body = request(messages=[{"role": "system", "content": "s" * 9000}, HI])

    cached = [(await post(PATH, body)).json()["usage"]["prompt_tokens_details"]["cached_tokens"] for _ in range(2)]

    assert cached == [0, 2048]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"\xff", 400), (b'{"model": "gpt-4.1"}', 400)],
)
async def test_bodies_that_are_no_request(post: Any, content: bytes, status: int) -> None:
    response = await post(PATH, content)

    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/local/v1/chat/completions", 404),
        ("POST", "/local/v1/nothing", 404),
        ("GET", "/local/v1/models/x", 404),
    ],
)
async def test_not_found(http: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    assert (await http.request(method, path)).status_code == status


async def test_errors_name_their_code(simulator: Simulator, post: Any) -> None:
    simulator.fault(
        Fault(kind="status", provider="local", status=429, code="insufficient_quota"),
        Fault(kind="status", provider="local", status=429, retry_after=0.5),
    )

    billing, limited = await post(PATH, request()), await post(PATH, request())
    too_long = await post(PATH, request("local-llama", messages=[{"role": "user", "content": "x" * 200_000}]))

    assert billing.json()["error"]["code"] == "insufficient_quota"
    assert limited.json()["error"]["code"] == "rate_limit_exceeded"
    assert limited.headers["retry-after-ms"] == "500"
    assert too_long.json()["error"]["code"] == "context_length_exceeded"


async def test_blocked_answers_say_content_filter(simulator: Simulator, post: Any) -> None:
    simulator.fault(Fault(kind="blocked", provider="local"))

    assert (await post(PATH, request())).json()["choices"][0]["finish_reason"] == "content_filter"
