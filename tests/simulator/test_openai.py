"""The strict OpenAI: what it refuses, in whose words, and a Responses stream that the official SDK can read."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from proxyctl.simulator.server import Simulator

TOOL = {"type": "function", "name": "get", "parameters": {"type": "object", "properties": {}}}
CALL = {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "1"}


@pytest.fixture
async def client() -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        Simulator() as simulator,
        openai.AsyncOpenAI(base_url=simulator.url("openai"), api_key="k", max_retries=0) as made,
    ):
        yield made


async def refused(client: openai.AsyncOpenAI, path: str, body: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.post(path, body=body, cast_to=httpx.Response)
    error = caught.value.body
    assert isinstance(error, dict)
    assert error.keys() == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    ("model", "more", "param"),
    [
        ("gpt-6.1-sol", {"tools": [{"type": "function", "function": {"name": "get"}}]}, "reasoning_effort"),
        ("gpt-5.6-luna", {"tools": [{"type": "function", "function": {"name": "get"}}]}, "reasoning_effort"),
        ("gpt-6.2-sol", {"reasoning_effort": "max"}, "reasoning_effort"),
        ("gpt-5.4-mini", {"temperature": 0.2}, "temperature"),
        ("gpt-5.4-mini", {"max_tokens": 5}, "max_tokens"),
        ("gpt-4.1", {"stop": list("abcde")}, "stop"),
        ("gpt-4.1", {"top_k": 3}, "top_k"),
    ],
)
async def test_chat_refuses(client: openai.AsyncOpenAI, model: str, more: dict[str, Any], param: str) -> None:
    error = await refused(
        client, "/chat/completions", {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
    )

    assert error["param"] == param


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"max_output_tokens": 5}, "max_output_tokens"),
        ({"temperature": 0.2}, "temperature"),
        ({"tools": [{"type": "function", "name": "get"}]}, "tools[0].parameters"),
        ({"input": [RESULT]}, "input"),
        ({"input": [CALL]}, "input"),
        ({"input": [{**CALL, "id": "call_1"}, RESULT]}, "input[0].id"),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}] * 2}, "input"),
        ({"input": [{"type": "message", "id": "chatcmpl-1", "role": "assistant", "content": "x"}]}, "input[0].id"),
        (
            {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "gws1.x"}]},
            "input[0].encrypted_content",
        ),
        ({"previous_response_id": "resp_x"}, "previous_response_id"),
        ({"cache_control": {}}, "cache_control"),
    ],
)
async def test_responses_refuses(client: openai.AsyncOpenAI, more: dict[str, Any], param: str) -> None:
    error = await refused(client, "/responses", {"model": "gpt-6.1-sol", "input": "hi", **more})

    assert error["param"] == param


async def test_what_was_stored_is_gone_on_with_and_what_was_not_is_not(client: openai.AsyncOpenAI) -> None:
    kept = await client.responses.create(model="gpt-6.1-sol", input="hi")
    lost = await client.responses.create(model="gpt-6.1-sol", input="hi", store=False)

    assert (await client.responses.create(model="gpt-6.1-sol", input="and?", previous_response_id=kept.id)).output_text
    with pytest.raises(openai.BadRequestError, match="not found"):
        await client.responses.create(model="gpt-6.1-sol", input="and?", previous_response_id=lost.id)


async def test_what_was_stored_is_told_again_until_it_is_deleted(client: openai.AsyncOpenAI) -> None:
    made = await client.responses.create(model="gpt-6.1-sol", input="hi")
    assert (await client.responses.retrieve(made.id)).output_text == made.output_text

    deleted = await client.delete(f"/responses/{made.id}", cast_to=httpx.Response)

    assert deleted.json() == {"id": made.id, "object": "response", "deleted": True}
    with pytest.raises(openai.NotFoundError, match="not found"):
        await client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        await client.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        await client.responses.create(model="gpt-6.1-sol", input="and?", previous_response_id=made.id)


async def test_a_streamed_tool_loop(client: openai.AsyncOpenAI) -> None:
    asked: Any = {"model": "gpt-6.1-sol", "tools": [TOOL], "include": ["reasoning.encrypted_content"], "store": False}
    history: list[Any] = [{"role": "user", "content": "go"}]

    async with client.responses.stream(input=history, **asked) as stream:
        numbers = [event.sequence_number async for event in stream]
        first = await stream.get_final_response()
    history += [item.model_dump(exclude={"parsed_arguments", "status"}, exclude_none=True) for item in first.output]
    history.append({**RESULT, "call_id": first.output[-1].to_dict()["call_id"]})
    second = await client.responses.create(input=history, **asked)

    assert numbers == sorted(set(numbers))
    assert [item.type for item in first.output] == ["reasoning", "function_call"]
    assert "got this from the tool" in second.output_text
