"""Google's official SDK, with its own types as the judge, before all providers: they answer as if they were Gemini.

What every dialect is asked alike (tools, images, thinking, schemas, refusals) is in the matrix.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from proxyctl.simulator.beside import vector

from .home import Home
from .simulated import Simulated
from .targets import ARGUMENTS, EMBEDDERS, ONE_CALL, PNG, SCHEMA, TARGETS, TOOL_NAME, Target

BRIEF = types.GenerateContentConfig(system_instruction="Be brief.")
TOOLS: Any = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name=TOOL_NAME, description="The weather of a city.", parameters_json_schema=SCHEMA
            )
        ]
    )
]
WITH_TOOLS = types.GenerateContentConfig(
    tools=TOOLS, automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
)
THINKING = types.GenerateContentConfig(
    thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.HIGH)
)
COUNTERS = ("gemini", "anthropic", "openai", "mistral")
TEMPLATE_TOKENS = 60
"""What Cohere counts beside the text, and does not bill."""


@pytest.fixture(scope="session")
def google_of_worker(daemon_of_worker: Home) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=daemon_of_worker.url, client_args={"trust_env": False})
    client = genai.Client(api_key="the gateway asks for none", http_options=options)
    yield client
    client.close()


@pytest.fixture
def google(daemon: Home, google_of_worker: genai.Client) -> genai.Models:
    del daemon
    return google_of_worker.models


def parts_of(answer: types.GenerateContentResponse) -> list[types.Part]:
    assert answer.candidates
    content = answer.candidates[0].content
    return list(content.parts or ()) if content is not None else []


def finish_of(answer: types.GenerateContentResponse) -> types.FinishReason | None:
    assert answer.candidates
    return answer.candidates[0].finish_reason


def answered(google: genai.Models, model: str, *, stream: bool) -> list[types.GenerateContentResponse]:
    if stream:
        return list(google.generate_content_stream(model=model, contents="Good morning"))
    return [google.generate_content(model=model, contents="Good morning")]


def calls_of(answers: Iterable[types.GenerateContentResponse]) -> list[types.FunctionCall]:
    return [part.function_call for answer in answers for part in parts_of(answer) if part.function_call]


def results_of(calls: list[types.FunctionCall]) -> types.Content:
    """As the SDK's own automatic calling writes them."""
    responses = [
        types.FunctionResponse(id=call.id, name=call.name, response={"result": f"{number} degrees"})
        for number, call in enumerate(calls, start=1)
    ]
    return types.Content(role="user", parts=[types.Part(function_response=response) for response in responses])


def asking(text: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text)])


def test_plain_answer(google: genai.Models, target: Target, simulated: Simulated) -> None:
    answer = google.generate_content(model=target.named(target.plain), contents="Good morning", config=BRIEF)

    assert answer.text is not None
    assert answer.text.endswith("You wrote: Good morning")
    assert (finish_of(answer), answer.model_version) == (types.FinishReason.STOP, target.plain)
    assert answer.response_id
    [seen] = simulated.seen()
    usage = answer.usage_metadata
    assert usage is not None
    assert seen.usage is not None
    template = TEMPLATE_TOKENS if target.provider == "cohere" else 0
    assert usage.prompt_token_count == seen.usage["prompt"] + template
    written = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    assert written == seen.usage["output"]
    assert usage.total_token_count == (usage.prompt_token_count or 0) + written
    assert b"Be brief." in seen.raw


def test_stream_says_the_same_as_the_whole_answer(google: genai.Models, target: Target) -> None:
    model = target.named(target.plain)
    whole = google.generate_content(model=model, contents="Good morning")

    chunks = list(google.generate_content_stream(model=model, contents="Good morning"))

    assert len(chunks) > 3
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert [finish_of(chunk) for chunk in chunks][-2:] == [None, types.FinishReason.STOP]
    assert whole.usage_metadata is not None
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count
    assert {(chunk.response_id, chunk.model_version) for chunk in chunks} == {(chunks[0].response_id, target.plain)}


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_chat_of_the_sdk_calls_its_functions_itself(
    google_of_worker: genai.Client, daemon: Home, target: Target
) -> None:
    """Its history holds a stream's pieces as contents of their own."""
    del daemon
    asked: list[str] = []

    def get_weather(city: str, days: int) -> str:
        """The weather of a city."""
        asked.append(f"{city} {days}")
        return "19 degrees"

    chat = google_of_worker.chats.create(
        model=target.named(target.plain), config=types.GenerateContentConfig(tools=[get_weather])
    )
    said = "".join(chunk.text or "" for chunk in chat.send_message_stream(ONE_CALL))
    answer = chat.send_message(ONE_CALL)

    assert f"{TOOL_NAME}: 19 degrees" in said
    assert asked == ["Lisbon 1"] * 2
    assert f"{TOOL_NAME}: 19 degrees" in (answer.text or "")


def test_forced_call(google: genai.Models, target: Target) -> None:
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=[TOOL_NAME])
    config = WITH_TOOLS.model_copy(update={"tool_config": types.ToolConfig(function_calling_config=calling)})

    answer = google.generate_content(model=target.named(target.plain), contents="Good morning", config=config)

    assert [call.name for call in calls_of([answer])] == [TOOL_NAME]


def test_signatures_come_back_byte_for_byte(google: genai.Models, simulated: Simulated) -> None:
    model, contents = "gemini:gemini-3.8-flash", [asking(ONE_CALL)]
    first = google.generate_content(model=model, contents=contents, config=WITH_TOOLS)
    assert first.candidates

    again: Any = [*contents, first.candidates[0].content, results_of(calls_of([first]))]
    google.generate_content(model=model, contents=again, config=WITH_TOOLS)

    given = [part.thought_signature for part in parts_of(first) if part.function_call]
    sent = [part for part in simulated.seen("gemini")[1].body["contents"][1]["parts"] if "functionCall" in part]
    assert given[0]
    assert [base64.urlsafe_b64decode(part["thoughtSignature"]) for part in sent] == given


def test_a_conversation_moves_to_another_provider_and_back(google: genai.Models, simulated: Simulated) -> None:
    """The other provider's proof goes back to it, and never to Gemini."""
    config = THINKING.model_copy(
        update={"tools": TOOLS, "automatic_function_calling": WITH_TOOLS.automatic_function_calling}
    )
    contents: Any = [asking(ONE_CALL)]
    for model in ("anthropic:claude-sonnet-5-5", "anthropic:claude-sonnet-5-5", "gemini:gemini-3.8-flash"):
        answer = google.generate_content(model=model, contents=contents, config=config)
        assert answer.candidates
        calls = calls_of([answer])
        contents = [*contents, answer.candidates[0].content, results_of(calls) if calls else asking(ONE_CALL)]

    first, second = (seen.body["messages"] for seen in simulated.seen("anthropic"))
    assert len(first) == 1
    thought = second[1]["content"][0]
    assert thought["type"] == "thinking"
    assert thought["signature"]
    assert b"Z3dzMS" not in simulated.seen("gemini")[0].raw
    assert thought["signature"].encode() not in simulated.seen("gemini")[0].raw


def test_schema_in_json_schema_is_kept_to(google: genai.Models, target: Target) -> None:
    """Where the matrix has Google's own words, with upper-case types."""
    config: Any = {"response_mime_type": "application/json", "response_json_schema": SCHEMA}

    answer = google.generate_content(model=target.named(target.structured), contents=ONE_CALL, config=config)

    assert json.loads(answer.text or "") == ARGUMENTS


def test_thoughts_that_nobody_asked_for_are_not_shown(google: genai.Models, target: Target) -> None:
    answer = google.generate_content(model=target.named(target.thinks), contents="Good morning")

    assert not any(part.text for part in parts_of(answer) if part.thought)


@pytest.mark.parametrize(
    ("status", "seen_as", "name"),
    [
        (429, 429, "RESOURCE_EXHAUSTED"),
        (500, 502, "INTERNAL"),
        (503, 503, "UNAVAILABLE"),
        (401, 502, "INTERNAL"),
        (400, 400, "INVALID_ARGUMENT"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_upstream_errors_become_the_sdks(
    google: genai.Models, simulated: Simulated, target: Target, status: int, seen_as: int, name: str, stream: bool
) -> None:
    simulated.fault("status", target.provider, status=status, times=None, message="planned")
    model = target.named(target.plain)

    with pytest.raises(errors.ServerError if seen_as >= 500 else errors.ClientError, match="planned") as caught:
        answered(google, model, stream=stream)

    assert (caught.value.code, caught.value.status) == (seen_as, name)


@pytest.mark.parametrize("model", ["nonsense", "groq:nonsense", "nobody:model", "gemini:gemini-9-nothing"])
def test_unknown_model(google: genai.Models, model: str) -> None:
    with pytest.raises(errors.ClientError) as caught:
        google.generate_content(model=model, contents="Good morning")

    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


@pytest.mark.parametrize("fault", ["cut", "error_in_200"])
def test_broken_stream_never_looks_complete(
    google: genai.Models, simulated: Simulated, target: Target, fault: str
) -> None:
    simulated.pace(words=80)
    simulated.fault(fault, target.provider, after_frames=20, status=500, message="planned")
    seen: list[types.GenerateContentResponse] = []

    with pytest.raises((errors.APIError, errors.UnknownApiResponseError)):
        seen.extend(google.generate_content_stream(model=target.named(target.plain), contents="Good morning"))

    assert len(seen) > 5
    assert all(finish_of(chunk) is None for chunk in seen if chunk.candidates)


def test_what_a_translation_loses_is_said(google: genai.Models) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])

    answer = google.generate_content(model="groq:llama-3.3-70b-versatile", contents="Good morning", config=config)

    assert answer.sdk_http_response is not None
    assert answer.sdk_http_response.headers is not None
    assert answer.sdk_http_response.headers["x-proxyctl-losses"] == "1"


def test_models_are_listed_and_named(google: genai.Models) -> None:
    names = {model.name for model in google.list(config={"page_size": 10})}

    assert {f"models/{target.plain}" for target in TARGETS} <= names
    one = google.get(model="groq:llama-3.3-70b-versatile")
    assert one.name == "models/groq:llama-3.3-70b-versatile"


# Beside conversations


def test_tokens_are_counted_by_whoever_can(google: genai.Models, target: Target, simulated: Simulated) -> None:
    """An estimate depends on what this daemon has learnt in other tests, within limits."""
    counted = google.count_tokens(model=target.named(target.plain), contents="Good morning to all of you")

    estimated = counted.sdk_http_response is not None and "x-proxyctl-estimate" in (
        counted.sdk_http_response.headers or {}
    )
    assert estimated is (target.provider not in COUNTERS)
    plain = len("Good morning to all of you") // 4
    assert counted.total_tokens is not None
    least, most = (plain / 4, plain * 8) if estimated else (plain, plain + 4)  # counters count what frames the text
    assert least <= counted.total_tokens <= most
    assert len(simulated.seen()) == (0 if estimated else 1)


@pytest.mark.parametrize("provider", EMBEDDERS)
def test_several_texts_are_several_vectors(google: genai.Models, provider: str) -> None:
    """The SDK takes them for one input where a name only holds `gemini`: that one goes by its bare name."""
    model, size = EMBEDDERS[provider]

    answer = google.embed_content(
        model=model if provider == "gemini" else f"{provider}:{model}", contents=["one", "two"]
    )

    assert [embedding.values for embedding in answer.embeddings or ()] == [vector("one", size), vector("two", size)]


def test_one_text_and_its_settings_reach_another_provider(google: genai.Models, simulated: Simulated) -> None:
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=512)

    answer = google.embed_content(model="cohere:embed-v4.0", contents="one", config=config)

    assert [embedding.values for embedding in answer.embeddings or ()] == [vector("one", 512)]
    [seen] = simulated.seen()
    assert (seen.body["input_type"], seen.body["output_dimension"]) == ("search_query", 512)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.prompt_token_count == 1


def test_what_a_provider_does_not_embed_is_a_client_error(google: genai.Models) -> None:
    picture = types.Content(parts=[types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")])

    with pytest.raises(errors.ClientError, match="texts only") as refused:
        google.embed_content(model="mistral:mistral-embed", contents=picture)
    with pytest.raises(errors.ClientError, match="no embeddings"):
        google.embed_content(model="anthropic:claude-sonnet-5-5", contents="one")

    assert refused.value.status == "INVALID_ARGUMENT"
