"""The four OpenAI-style simulators, each before its own SDK: openai, groq, together, mistralai.

The first three share one client design, so one set of claims covers them; what is peculiar stands in the provider's
own test module.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import groq
import openai
import pytest
import together
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

from proxyctl.simulator import Fault, Simulator

HELLO: Any = [{"role": "user", "content": "Good morning"}]
OpenClient = Callable[..., Any]

MODELS = {"local": "gpt-4.1", "groq": "llama-3.3-70b-versatile", "together": "Qwen/Qwen3.8-Flash"}
MODULES = {"local": openai, "groq": groq, "together": together}


@pytest.fixture(params=list(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def open_client(simulator: Simulator) -> AsyncIterator[OpenClient]:
    opened: list[Any] = []

    def make(name: str, key: str = "good") -> Any:
        match name:
            case "local":
                client: Any = openai.AsyncOpenAI(
                    base_url=simulator.url("local"), api_key=key, max_retries=0, _strict_response_validation=True
                )
            case "groq":  # its SDK appends /openai/v1
                client = groq.AsyncGroq(base_url=f"{simulator.root}/groq", api_key=key, max_retries=0)
            case _:  # its SDK appends /v1 or /v2
                client = together.AsyncTogether(base_url=f"{simulator.root}/together", api_key=key, max_retries=0)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.close()


@pytest.fixture
async def mistral(simulator: Simulator) -> AsyncIterator[Mistral]:
    async with Mistral(server_url=f"{simulator.root}/mistral", api_key="good") as client:
        yield client


async def collect(stream: Any, seen: list[Any]) -> None:
    async for chunk in stream:
        seen.append(chunk)  # noqa: PERF401 - what came before the failure must be kept


async def test_models_are_listed(open_client: OpenClient, name: str) -> None:
    models = open_client(name).models

    # Together's SDK reads the newer catalogue; the bare array of /v1/models is in test_together.
    page = await (models.list_supported() if name == "together" else models.list())

    assert MODELS[name] in [model.id for model in page.data]


async def test_plain_answer(open_client: OpenClient, name: str) -> None:
    answer = await open_client(name).chat.completions.create(model=MODELS[name], messages=HELLO)

    choice = answer.choices[0]
    assert "Good morning" in choice.message.content
    assert MODELS[name] in choice.message.content
    assert choice.finish_reason == ("eos" if name == "together" else "stop")
    assert answer.usage.prompt_tokens == len("Good morning") // 4
    assert answer.usage.completion_tokens == len(choice.message.content) // 4
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_stream_says_the_same_as_the_whole_answer(open_client: OpenClient, name: str) -> None:
    create = open_client(name).chat.completions.create
    whole = await create(model=MODELS[name], messages=HELLO)

    chunks = [chunk async for chunk in await create(model=MODELS[name], messages=HELLO, stream=True)]

    texts = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(texts) == whole.choices[0].message.content
    assert len(texts) > 4
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert len({chunk.id for chunk in chunks}) == 1


async def test_tool_loop(open_client: OpenClient, name: str, weather_tool: Any) -> None:
    create = open_client(name).chat.completions.create
    asked = {"role": "user", "content": "Weather in Porto, and in parallel in Lisbon"}
    first = await create(model=MODELS[name], messages=[asked], tools=[weather_tool])
    calls = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert [call.function.arguments for call in calls] == ['{"city":"Lisbon","days":1}'] * 2
    assert len({call.id for call in calls}) == 2

    turn = {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in calls
        ],
    }
    results = [{"role": "tool", "tool_call_id": call.id, "content": "12 C"} for call in calls]
    second = await create(model=MODELS[name], messages=[asked, turn, *results], tools=[weather_tool])

    assert "get_weather: 12 C; get_weather: 12 C" in second.choices[0].message.content


async def test_streamed_tool_call(open_client: OpenClient, name: str, weather_tool: Any) -> None:
    stream = await open_client(name).chat.completions.create(
        model=MODELS[name],
        messages=[{"role": "user", "content": "Weather in Rome"}],
        tools=[weather_tool],
        stream=True,
    )
    pieces = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]

    assert {int(piece.index) for piece in pieces} == {0}
    assert pieces[0].function.name == "get_weather"
    assert "".join(piece.function.arguments or "" for piece in pieces) == '{"city":"Rome","days":1}'


@pytest.mark.parametrize("model", ["gpt-4.1", "meta-llama/llama-4-maverick-17b-128e-instruct", "moonshotai/Kimi-K3"])
async def test_image_is_acknowledged(open_client: OpenClient, model: str, png: bytes, png_url: str) -> None:
    name = {"gpt-4.1": "local", "moonshotai/Kimi-K3": "together"}.get(model, "groq")
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": png_url}}]

    answer = await open_client(name).chat.completions.create(
        model=model, messages=[{"role": "user", "content": content}]
    )

    assert f"image/png) of {len(png)} bytes" in answer.choices[0].message.content
    assert answer.usage.prompt_tokens == len("What is it?") // 4 + 258


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "BadRequestError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ],
)
async def test_failures_become_the_sdks_errors(
    simulator: Simulator, open_client: OpenClient, name: str, status: int, kind: str
) -> None:
    simulator.fault(Fault(kind="status", provider=name, status=status, retry_after=3, message="planned"))

    with pytest.raises(getattr(MODULES[name], kind), match="planned") as caught:
        await open_client(name).chat.completions.create(model=MODELS[name], messages=HELLO)

    assert caught.value.status_code == status
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "3"


async def test_bad_key(open_client: OpenClient, name: str) -> None:
    with pytest.raises(MODULES[name].AuthenticationError):
        await open_client(name, "bad").chat.completions.create(model=MODELS[name], messages=HELLO)


async def test_unknown_model(open_client: OpenClient, name: str) -> None:
    with pytest.raises(MODULES[name].NotFoundError):
        await open_client(name).chat.completions.create(model="gpt-2", messages=HELLO)


async def test_error_inside_a_stream(simulator: Simulator, open_client: OpenClient, name: str) -> None:
    simulator.fault(Fault(kind="error_in_200", provider=name, after_frames=2, status=500, message="planned"))
    seen: list[Any] = []
    stream = await open_client(name).chat.completions.create(model=MODELS[name], messages=HELLO, stream=True)

    with pytest.raises(MODULES[name].APIError, match="planned"):
        await collect(stream, seen)

    assert len(seen) == 2


async def test_openai_helper_reads_a_stream_with_usage(open_client: OpenClient) -> None:
    options: Any = {"include_usage": True}
    async with open_client("local").chat.completions.stream(
        model="local-reasoner", messages=HELLO, stream_options=options
    ) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_completion()

    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None
    assert final.usage.completion_tokens_details.reasoning_tokens > 0


async def test_groq_reports_usage_beside_the_last_chunk(open_client: OpenClient) -> None:
    stream = await open_client("groq").chat.completions.create(model="openai/gpt-oss-20b", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]

    assert chunks[0].x_groq.id
    assert chunks[-1].x_groq.usage.completion_tokens > 0
    assert "".join(chunk.choices[0].delta.reasoning or "" for chunk in chunks).startswith("The user wrote")


async def test_mistral_lists_models(mistral: Mistral) -> None:
    listed = await mistral.models.list_async()

    assert "mistral-large-4" in [model.id for model in listed.data or []]


async def test_mistral_plain_and_streamed_answers_agree(mistral: Mistral) -> None:
    whole = await mistral.chat.complete_async(model="mistral-large-4", messages=HELLO)

    stream = await mistral.chat.stream_async(model="mistral-large-4", messages=HELLO)
    chunks = [event.data async for event in stream]

    text = "".join(str(chunk.choices[0].delta.content or "") for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None or not chunk.usage for chunk in chunks[:-1])


async def test_mistral_tool_loop(mistral: Mistral, weather_tool: Any) -> None:
    asked: Any = {"role": "user", "content": "Weather in Porto, and in parallel in Lisbon"}
    first = await mistral.chat.complete_async(model="mistral-small-2603", messages=[asked], tools=[weather_tool])
    turn: Any = first.choices[0].message
    assert [len(call.id or "") for call in turn.tool_calls] == [9, 9]

    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "12 C"} for call in turn.tool_calls]
    second = await mistral.chat.complete_async(
        model="mistral-small-2603", messages=[asked, turn, *results], tools=[weather_tool]
    )

    assert "12 C" in str(second.choices[0].message.content)


async def test_mistral_streams_a_tool_call_whole(mistral: Mistral, weather_tool: Any) -> None:
    asked: Any = [{"role": "user", "content": "Weather in Rome"}]
    stream = await mistral.chat.stream_async(model="mistral-large-4", messages=asked, tools=[weather_tool])

    calls = [call async for event in stream for call in event.data.choices[0].delta.tool_calls or []]

    assert [call.function.arguments for call in calls] == ['{"city":"Rome","days":1}']


async def test_mistral_thinks_in_chunks(mistral: Mistral) -> None:
    answer = await mistral.chat.complete_async(model="mistral-large-4", messages=HELLO, reasoning_effort="high")

    content: Any = answer.choices[0].message.content
    assert [chunk.type for chunk in content] == ["thinking", "text"]
    assert content[0].thinking[0].text.startswith("The user wrote")


async def test_mistral_sees_an_image(mistral: Mistral, png: bytes, png_url: str) -> None:
    content: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": png_url}]

    answer = await mistral.chat.complete_async(model="mistral-large-4", messages=[{"role": "user", "content": content}])

    assert f"of {len(png)} bytes" in str(answer.choices[0].message.content)


@pytest.mark.parametrize("status", [401, 402, 429, 500, 503])
async def test_mistral_failures(simulator: Simulator, mistral: Mistral, status: int) -> None:
    simulator.fault(Fault(kind="status", provider="mistral", status=status, message="planned"))

    with pytest.raises(SDKError, match="planned") as caught:
        await mistral.chat.complete_async(model="mistral-large-4", messages=HELLO)

    assert caught.value.status_code == status
