"""Gemini's simulator before its own SDK."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from proxyctl.simulator import Fault, Simulator

MODEL = "gemini-3.8-flash"


async def open_client(simulator: Simulator, version: str | None = None, key: str = "good") -> genai.Client:
    options = types.HttpOptions(base_url=simulator.url("gemini"), api_version=version)
    return genai.Client(api_key=key, http_options=options)


@pytest.fixture(params=["v1", "v1beta"])
async def client(simulator: Simulator, request: pytest.FixtureRequest) -> AsyncIterator[genai.Client]:
    """Both versions have one shape."""
    opened = await open_client(simulator, request.param)
    yield opened
    await opened.aio.aclose()
    opened.close()


def declared(schema: dict[str, Any]) -> types.Tool:
    function = types.FunctionDeclaration(name="get_weather", description="d", parameters_json_schema=schema)
    return types.Tool(function_declarations=[function])


async def collect(stream: Any, got: list[Any]) -> None:
    async for chunk in stream:
        got.append(chunk)  # noqa: PERF401 - what came before the failure must be kept


async def test_models_are_listed_over_pages(client: genai.Client) -> None:
    pager = await client.aio.models.list(config={"page_size": 5})
    names = [model.name async for model in pager]

    assert "models/gemini-3.8-flash" in names
    assert len(names) > 10
    assert len(names) == len(set(names))


async def test_one_model_is_described(client: genai.Client) -> None:
    model = await client.aio.models.get(model=MODEL)

    assert model.name == f"models/{MODEL}"
    assert model.input_token_limit == 1_048_576
    assert model.supported_actions == ["generateContent", "countTokens"]


async def test_plain_answer(client: genai.Client) -> None:
    answer = await client.aio.models.generate_content(model=MODEL, contents="Good morning")

    assert answer.text is not None
    assert "Good morning" in answer.text
    assert MODEL in answer.text
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count == len("Good morning") // 4
    assert usage.total_token_count == (
        (usage.prompt_token_count or 0) + (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    )


async def test_stream_says_the_same_as_the_whole_answer(client: genai.Client) -> None:
    whole = await client.aio.models.generate_content(model=MODEL, contents="Good morning")

    pieces = [
        piece async for piece in await client.aio.models.generate_content_stream(model=MODEL, contents="Good morning")
    ]

    assert "".join(piece.text or "" for piece in pieces) == whole.text
    assert len(pieces) > 3
    assert pieces[-1].usage_metadata == whole.usage_metadata


async def test_tool_loop_keeps_ids_and_signatures(client: genai.Client, weather_schema: dict[str, Any]) -> None:
    config = types.GenerateContentConfig(
        tools=[declared(weather_schema)],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    asked = types.Content(role="user", parts=[types.Part(text="Weather in Lisbon and in parallel in Porto")])
    first = await client.aio.models.generate_content(model=MODEL, contents=[asked], config=config)
    assert first.candidates is not None
    turn = first.candidates[0].content
    assert turn is not None
    calls = first.function_calls or []
    assert [call.args for call in calls] == [{"city": "Porto", "days": 1}] * 2
    assert len({call.id for call in calls}) == 2

    answers = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "12 C"}))
        for call in calls
    ]
    second = await client.aio.models.generate_content(
        model=MODEL, contents=[asked, turn, types.Content(role="user", parts=answers)], config=config
    )

    assert second.text is not None
    assert "12 C" in second.text


async def test_streamed_tool_call_finishes_in_a_chunk_of_its_own(
    client: genai.Client, weather_schema: dict[str, Any]
) -> None:
    config = types.GenerateContentConfig(tools=[declared(weather_schema)])

    stream = await client.aio.models.generate_content_stream(model=MODEL, contents="Weather in Rome", config=config)
    chunks = [chunk async for chunk in stream]

    called = [chunk for chunk in chunks if chunk.function_calls]
    assert len(called) == 1
    assert called[0].candidates is not None
    assert called[0].candidates[0].finish_reason is None
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


async def test_image_is_acknowledged(client: genai.Client, png: bytes) -> None:
    parts = [types.Part.from_bytes(data=png, mime_type="image/png"), types.Part(text="What is this?")]

    answer = await client.aio.models.generate_content(model=MODEL, contents=types.Content(role="user", parts=parts))

    assert answer.text is not None
    assert f"image/png) of {len(png)} bytes" in answer.text


async def test_thoughts_are_shown_when_asked(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.HIGH)
    )

    answer = await client.aio.models.generate_content(model=MODEL, contents="Think", config=config)

    assert answer.candidates is not None
    content = answer.candidates[0].content
    assert content is not None
    assert [bool(part.thought) for part in content.parts or []] == [True, False]
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.thoughts_token_count


async def test_schema_is_satisfied(client: genai.Client, weather_schema: dict[str, Any]) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=weather_schema, system_instruction="Be brief."
    )

    answer = await client.aio.models.generate_content(model=MODEL, contents="Weather in Oslo", config=config)

    assert answer.text == '{"city":"Oslo","days":1}'


async def test_tokens_are_counted_like_the_prompt_of_an_answer(client: genai.Client) -> None:
    counted = await client.aio.models.count_tokens(model=MODEL, contents="x" * 400)
    answer = await client.aio.models.generate_content(model=MODEL, contents="x" * 400)

    assert counted.total_tokens == 100
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.prompt_token_count == 100


@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
        (403, errors.ClientError, "PERMISSION_DENIED"),
        (500, errors.ServerError, "INTERNAL"),
        (503, errors.ServerError, "UNAVAILABLE"),
    ],
)
async def test_failures_become_the_sdks_errors(
    simulator: Simulator, client: genai.Client, status: int, kind: type[errors.APIError], name: str
) -> None:
    simulator.fault(Fault(kind="status", provider="gemini", status=status, message="planned"))

    with pytest.raises(kind) as caught:
        await client.aio.models.generate_content(model=MODEL, contents="x")

    assert caught.value.code == status
    assert caught.value.status == name
    assert caught.value.message == "planned"


async def test_bad_key_is_a_400_with_a_reason(simulator: Simulator) -> None:
    client = await open_client(simulator, key="a-bad-key")

    with pytest.raises(errors.ClientError) as caught:
        await client.aio.models.generate_content(model=MODEL, contents="x")
    await client.aio.aclose()
    client.close()

    assert caught.value.code == 400
    assert caught.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_error_inside_a_stream(simulator: Simulator, client: genai.Client) -> None:
    simulator.fault(Fault(kind="error_in_200", provider="gemini", after_frames=2, status=503))
    got: list[Any] = []
    stream = await client.aio.models.generate_content_stream(model=MODEL, contents="Hello you")

    with pytest.raises(errors.ServerError) as caught:
        await collect(stream, got)

    assert len(got) == 2
    assert caught.value.code == 503


async def test_blocked_prompt_has_no_candidates(simulator: Simulator, client: genai.Client) -> None:
    simulator.fault(Fault(kind="blocked", provider="gemini"))

    answer = await client.aio.models.generate_content(model=MODEL, contents="x")

    assert answer.candidates is None
    assert answer.prompt_feedback is not None
    assert answer.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


async def test_finish_in_the_providers_word(simulator: Simulator, client: genai.Client) -> None:
    simulator.fault(Fault(kind="finish", provider="gemini", reason="MALFORMED_FUNCTION_CALL"))

    answer = await client.aio.models.generate_content(model=MODEL, contents="x")

    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL
    assert answer.candidates[0].content is None


@pytest.mark.parametrize("streamed", [False, True])
async def test_raw_responses_hold_no_member_that_the_sdk_does_not_know(
    weather_schema: dict[str, Any], streamed: bool, http: Any, frames: Any
) -> None:
    """The SDK strips unknown members before it validates; the raw JSON is validated here, extra members forbidden."""
    body = {
        "contents": [{"parts": [{"text": "Weather in Rome"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": weather_schema}]}],
    }
    path = f"/gemini/v1beta/models/{MODEL}"

    if streamed:
        values = [value for _, value in await frames(f"{path}:streamGenerateContent?alt=sse", body, x_goog_api_key="k")]
    else:
        response = await http.post(f"{path}:generateContent", json=body, headers={"x-goog-api-key": "k"})
        values = [response.json()]

    for value in values:
        assert types.GenerateContentResponse.model_validate(value)
