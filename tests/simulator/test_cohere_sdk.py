"""Cohere's simulator before its own SDK."""

from collections.abc import AsyncIterator
from typing import Any

import cohere
import pytest
from cohere.core.api_error import ApiError

from proxyctl.simulator import Fault, Simulator

MODEL = "command-a-03-2025"
HELLO: Any = [{"role": "user", "content": "Good morning"}]


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[cohere.AsyncClientV2]:
    async with cohere.AsyncClientV2(base_url=simulator.url("cohere"), api_key="good") as opened:
        yield opened


async def test_models_are_listed_over_pages(client: cohere.AsyncClientV2) -> None:
    first = await client.models.list(page_size=4)
    second = await client.models.list(page_size=4, page_token=first.next_page_token)

    names = [model.name for page in (first, second) for model in page.models]
    assert MODEL in names
    assert len(names) == len(set(names)) == 6
    assert second.next_page_token is None


async def test_plain_answer(client: cohere.AsyncClientV2) -> None:
    answer = await client.chat(model=MODEL, messages=HELLO)

    assert answer.finish_reason == "COMPLETE"
    text = answer.message.content[0].text
    assert "Good morning" in text
    usage = answer.usage
    assert usage is not None
    assert usage.billed_units is not None
    assert usage.tokens is not None
    assert usage.billed_units.input_tokens == 3.0
    assert usage.tokens.input_tokens == 63.0
    assert usage.tokens.output_tokens == usage.billed_units.output_tokens == float(len(text) // 4)


async def test_stream_says_the_same_as_the_whole_answer(client: cohere.AsyncClientV2) -> None:
    model = "command-a-reasoning-08-2025"
    whole = await client.chat(model=model, messages=HELLO)

    events: list[Any] = [event async for event in client.chat_stream(model=model, messages=HELLO)]

    deltas = [event.delta.message.content for event in events if event.type == "content-delta"]
    assert "".join(delta.thinking or "" for delta in deltas) == whole.message.content[0].thinking
    assert "".join(delta.text or "" for delta in deltas) == whole.message.content[1].text
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage == whole.usage


async def test_tool_loop(client: cohere.AsyncClientV2, weather_tool: Any) -> None:
    asked: Any = {"role": "user", "content": "Weather in Porto, and in parallel in Lisbon"}
    first = await client.chat(model=MODEL, messages=[asked], tools=[weather_tool])
    calls = first.message.tool_calls or []
    assert first.finish_reason == "TOOL_CALL"
    assert first.message.tool_plan == "I will call get_weather."
    assert [call.function.arguments for call in calls if call.function] == ['{"city":"Lisbon","days":1}'] * 2

    turn: Any = {"role": "assistant", "tool_calls": calls, "tool_plan": first.message.tool_plan}
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "12 C"} for call in calls]
    second = await client.chat(model=MODEL, messages=[asked, turn, *results], tools=[weather_tool])

    assert "get_weather: 12 C" in second.message.content[0].text


async def test_streamed_tool_call(client: cohere.AsyncClientV2, weather_tool: Any) -> None:
    asked: Any = [{"role": "user", "content": "Weather in Rome"}]

    events: list[Any] = [event async for event in client.chat_stream(model=MODEL, messages=asked, tools=[weather_tool])]

    assert [event.type for event in events] == [
        "message-start",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-delta",
        "tool-call-end",
        "message-end",
    ]
    fragments = [event.delta.message.tool_calls.function.arguments for event in events[2:5]]
    assert "".join(fragments) == '{"city":"Rome","days":1}'


async def test_image_is_acknowledged(client: cohere.AsyncClientV2, png: bytes, png_url: str) -> None:
    content: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": png_url}}]

    answer = await client.chat(model="command-a-plus-05-2026", messages=[{"role": "user", "content": content}])

    assert f"image/png) of {len(png)} bytes" in answer.message.content[-1].text


async def test_schema_is_satisfied(client: cohere.AsyncClientV2, weather_schema: Any) -> None:
    wanted: Any = {"type": "json_object", "json_schema": weather_schema}

    answer = await client.chat(
        model=MODEL, messages=[{"role": "user", "content": "Weather in Oslo"}], response_format=wanted
    )

    assert answer.message.content[0].text == '{"city":"Oslo","days":1}'


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, cohere.BadRequestError),
        (404, cohere.NotFoundError),
        (422, cohere.UnprocessableEntityError),
        (403, cohere.ForbiddenError),
    ],
)
async def test_failures_become_the_sdks_errors(
    simulator: Simulator, client: cohere.AsyncClientV2, status: int, kind: type[ApiError]
) -> None:
    simulator.fault(Fault(kind="status", provider="cohere", status=status, message="planned"))

    with pytest.raises(kind) as caught:
        await client.chat(model=MODEL, messages=HELLO)

    assert caught.value.status_code == status
    assert caught.value.body == {"message": "planned", "id": f"sim-{status}"}


async def test_bad_token_has_a_status_of_its_own(simulator: Simulator) -> None:
    async with cohere.AsyncClientV2(base_url=simulator.url("cohere"), api_key="a-bad-token") as client:
        with pytest.raises(ApiError) as caught:
            await client.chat(model=MODEL, messages=HELLO)

    assert caught.value.status_code == 498


async def test_failure_inside_a_stream_is_a_last_event(simulator: Simulator, client: cohere.AsyncClientV2) -> None:
    simulator.fault(Fault(kind="error_in_200", provider="cohere", after_frames=3, message="planned"))

    events: list[Any] = [event async for event in client.chat_stream(model=MODEL, messages=HELLO)]

    assert len(events) == 4
    assert events[-1].delta.finish_reason == "ERROR"
    assert events[-1].delta.error == "planned"
