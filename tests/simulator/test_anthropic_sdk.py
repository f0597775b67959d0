"""Anthropic's simulator before its own SDK."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest

from proxyctl.simulator import Fault, Simulator

MODEL = "claude-sonnet-5-5"
HELLO: Any = [{"role": "user", "content": "Good morning"}]


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=simulator.url("anthropic"), api_key="good", max_retries=0, _strict_response_validation=True
    ) as opened:
        yield opened


@pytest.fixture
def tool(weather_schema: dict[str, Any]) -> Any:
    return {"name": "get_weather", "description": "d", "input_schema": weather_schema}


async def collect(stream: Any, seen: list[str]) -> None:
    async for event in stream:
        seen.append(event.type)  # noqa: PERF401 - what came before the failure must be kept


async def test_models_are_listed_over_pages(client: anthropic.AsyncAnthropic) -> None:
    ids = [model.id async for model in client.models.list(limit=4)]

    assert ids[0] == "claude-opus-5-5"
    assert len(ids) == len(set(ids)) > 10


async def test_one_model_is_described(client: anthropic.AsyncAnthropic) -> None:
    model = await client.models.retrieve("claude-haiku-4-5")

    assert model.display_name == "Claude Haiku 4 5"
    assert model.max_input_tokens == 200_000


async def test_plain_answer(client: anthropic.AsyncAnthropic) -> None:
    answer = await client.messages.create(model=MODEL, max_tokens=500, messages=HELLO, system="Be brief.")

    thinking, text = answer.content
    assert thinking.type == "thinking"
    assert thinking.thinking == ""
    assert thinking.signature
    assert text.type == "text"
    assert "Good morning" in text.text
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens == len("Be brief.Good morning") // 4
    assert answer.usage.output_tokens_details is not None
    assert 0 < answer.usage.output_tokens_details.thinking_tokens < answer.usage.output_tokens


async def test_stream_says_the_same_as_the_whole_answer(client: anthropic.AsyncAnthropic) -> None:
    thinking: Any = {"type": "adaptive", "display": "summarized"}
    whole = await client.messages.create(model=MODEL, max_tokens=500, messages=HELLO, thinking=thinking)

    async with client.messages.stream(model=MODEL, max_tokens=500, messages=HELLO, thinking=thinking) as stream:
        kinds = [event.type async for event in stream]
        streamed = await stream.get_final_message()

    texts = [[getattr(block, block.type) for block in answer.content] for answer in (whole, streamed)]
    assert texts[0] == texts[1]
    assert whole.usage == streamed.usage
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"


async def test_tool_loop(client: anthropic.AsyncAnthropic, tool: Any) -> None:
    asked: Any = {"role": "user", "content": "Weather in Porto, and in parallel in Lisbon"}
    async with client.messages.stream(model=MODEL, max_tokens=500, messages=[asked], tools=[tool]) as stream:
        first = await stream.get_final_message()
    calls = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [call.input for call in calls] == [{"city": "Lisbon", "days": 1}] * 2

    results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": "12 C"} for call in calls]
    turn: Any = {"role": "assistant", "content": first.content}
    second = await client.messages.create(
        model=MODEL, max_tokens=500, messages=[asked, turn, {"role": "user", "content": results}], tools=[tool]
    )

    assert second.stop_reason == "end_turn"
    assert second.content[-1].type == "text"
    assert "get_weather: 12 C" in second.content[-1].text


async def test_image_is_acknowledged(client: anthropic.AsyncAnthropic, png: bytes) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png).decode()}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]

    answer = await client.messages.create(
        model="claude-haiku-4-5", max_tokens=500, messages=[{"role": "user", "content": content}]
    )

    assert answer.content[0].type == "text"
    assert f"image/png) of {len(png)} bytes" in answer.content[0].text


async def test_schema_is_satisfied(client: anthropic.AsyncAnthropic, weather_schema: dict[str, Any]) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": weather_schema["required"],
        "additionalProperties": False,
    }

    answer = await client.messages.create(
        model="claude-opus-4-8",
        max_tokens=500,
        messages=[{"role": "user", "content": "Weather in Oslo"}],
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )

    assert answer.content[0].type == "text"
    assert answer.content[0].text == '{"city":"Oslo","days":1}'


async def test_tokens_are_counted_like_the_prompt_of_an_answer(client: anthropic.AsyncAnthropic, tool: Any) -> None:
    counted = await client.messages.count_tokens(model=MODEL, messages=HELLO, tools=[tool])
    answer = await client.messages.create(model=MODEL, max_tokens=500, messages=HELLO, tools=[tool])

    assert counted.input_tokens == answer.usage.input_tokens > 10


async def test_stop_sequence_and_limit(client: anthropic.AsyncAnthropic) -> None:
    model = "claude-haiku-4-5"
    stopped = await client.messages.create(model=model, max_tokens=500, messages=HELLO, stop_sequences=["simulated"])
    limited = await client.messages.create(model=model, max_tokens=3, messages=HELLO)

    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "simulated")
    assert (limited.stop_reason, limited.usage.output_tokens) == ("max_tokens", 3)


@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.APIStatusError, "overloaded_error"),
    ],
)
async def test_failures_become_the_sdks_errors(
    simulator: Simulator, client: anthropic.AsyncAnthropic, status: int, kind: type[anthropic.APIStatusError], name: str
) -> None:
    simulator.fault(Fault(kind="status", provider="anthropic", status=status, retry_after=7))

    with pytest.raises(kind) as caught:
        await client.messages.create(model=MODEL, max_tokens=5, messages=HELLO)

    body: Any = caught.value.body
    assert body["error"]["type"] == name
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.request_id == "req_simulated"


@pytest.mark.parametrize("streamed", [False, True])
async def test_bad_key(simulator: Simulator, streamed: bool) -> None:
    async with anthropic.AsyncAnthropic(base_url=simulator.url("anthropic"), api_key="bad", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            await client.messages.create(model=MODEL, max_tokens=5, messages=HELLO, stream=streamed)


async def test_error_inside_a_stream(simulator: Simulator, client: anthropic.AsyncAnthropic) -> None:
    simulator.fault(Fault(kind="error_in_200", provider="anthropic", after_frames=4, status=529))
    seen: list[str] = []
    stream = await client.messages.create(model=MODEL, max_tokens=500, messages=HELLO, stream=True)

    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        await collect(stream, seen)

    assert len(seen) == 3  # the fourth frame is a ping, which the SDK keeps to itself


async def test_refusal(simulator: Simulator, client: anthropic.AsyncAnthropic) -> None:
    simulator.fault(Fault(kind="blocked", provider="anthropic"))

    answer = await client.messages.create(model=MODEL, max_tokens=500, messages=HELLO)

    assert answer.stop_reason == "refusal"
    assert answer.content == []
    assert answer.stop_details is not None
    assert answer.stop_details.category == "cyber"


async def test_cached_prefix_is_written_once_and_then_read(client: anthropic.AsyncAnthropic) -> None:
    system: Any = [{"type": "text", "text": "r" * 10_000, "cache_control": {"type": "ephemeral"}}]
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 50, "system": system}

    first = await client.messages.create(**asked, messages=HELLO)
    second = await client.messages.create(**asked, messages=[{"role": "user", "content": "Another question"}])

    assert (first.usage.cache_creation_input_tokens, first.usage.cache_read_input_tokens) == (2048, 0)
    assert (second.usage.cache_creation_input_tokens, second.usage.cache_read_input_tokens) == (0, 2048)
    assert first.usage.input_tokens == (10_000 + len("Good morning")) // 4 - 2048
