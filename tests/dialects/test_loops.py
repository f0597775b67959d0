"""A whole tool loop with each simulated provider over a real socket: our bytes there, theirs back, and again.

The simulator checks signatures, ids and the pairing of calls and results, and shares no code with the codecs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec import structs

from proxyctl.core.chat import (
    Answer,
    ChatRequest,
    Message,
    Reasoning,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.events import EventChecker
from proxyctl.core.losses import Losses
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import UpstreamDialect, encode_json
from proxyctl.dialects.cohere_chat import COHERE_CHAT
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.sse import FrameSplitter, frame_data
from proxyctl.providers._base import Provider
from proxyctl.providers.cohere import CohereProvider
from proxyctl.providers.gemini import GeminiProvider
from proxyctl.simulator import Simulator

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="weather", description="Tell the weather.", schema=SCHEMA)
TIME = Tool(name="time", description="Tell the time.")
ASKED = Message("user", (TextPart(text="What is the weather in Paris?"),))

Target = tuple[UpstreamDialect, Provider, str]
GEMINI = GeminiProvider(name="gemini")
COHERE = CohereProvider(name="cohere")
TARGETS: list[Target] = [
    (GEMINI_GENERATE, GEMINI, "gemini-3.8-flash"),
    (GEMINI_GENERATE, GEMINI, "gemini-2.5-flash"),
    (COHERE_CHAT, COHERE, "command-a-plus-05-2026"),
    (COHERE_CHAT, COHERE, "command-r-08-2024"),
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with Simulator() as running, httpx.AsyncClient(base_url=running.root, timeout=20, trust_env=False) as client:
        yield client


async def ask(http: httpx.AsyncClient, target: Target, request: ChatRequest) -> Answer:
    """Send a request as the gateway would, and read its answer, streamed or whole."""
    dialect, provider, model = target
    body = encode_json(dialect.encode_request(request, provider.traits(model), Losses()))
    response = await http.post(
        f"/{provider.kind}{provider.target(dialect.name, model, stream=request.stream)}",
        content=body,
        headers=[(b"content-type", b"application/json"), *provider.credential_headers("good-key")],
    )
    assert response.status_code == 200, response.text
    if not request.stream:
        return dialect.decode_answer(response.content)
    splitter, decoder, checker = FrameSplitter(), dialect.stream_decoder(), EventChecker()
    frames = [*splitter.feed(response.content), *splitter.flush()]
    events = [event for one in frames if (data := frame_data(one)) is not None for event in decoder.feed(data)]
    events += decoder.end()
    for event in events:
        checker.feed(event)
    checker.finish()
    return assemble(events)


def asking(target: Target, *, stream: bool, tools: tuple[Tool, ...] = (WEATHER, TIME)) -> ChatRequest:
    choice = ToolChoice("any") if tools else None
    return ChatRequest(model=target[2], messages=(ASKED,), tools=tools, tool_choice=choice, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[2])
async def test_a_tool_loop_ends_in_text(http: httpx.AsyncClient, target: Target, *, stream: bool) -> None:
    request = asking(target, stream=stream)

    called = await ask(http, target, request)
    calls = [part for part in called.parts if isinstance(part, ToolCallPart)]
    results = tuple(ToolResultPart(call_id=call.id, parts=(TextPart(text="12 degrees"),)) for call in calls)
    history = (ASKED, Message("assistant", called.parts), Message("user", results))
    answered = await ask(http, target, structs.replace(request, messages=history, tool_choice=None))

    assert called.finish == "tool"
    assert calls
    assert answered.finish == "end"
    assert any(isinstance(part, TextPart) and part.text for part in answered.parts)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[2])
async def test_a_client_that_loses_every_proof_is_served_all_the_same(http: httpx.AsyncClient, target: Target) -> None:
    request = asking(target, stream=False)

    called = await ask(http, target, request)
    bare = tuple(structs.replace(part, signature=None) for part in called.parts if isinstance(part, ToolCallPart))
    results = tuple(ToolResultPart(call_id=call.id, parts=(TextPart(text="12"),)) for call in bare)
    history = (ASKED, Message("assistant", bare), Message("user", results))
    answered = await ask(http, target, structs.replace(request, messages=history, tool_choice=None))

    assert answered.finish == "end"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[2])
async def test_an_answer_tells_its_usage_and_its_end(http: httpx.AsyncClient, target: Target, *, stream: bool) -> None:
    answer = await ask(http, target, asking(target, stream=stream, tools=()))

    assert answer.finish == "end"
    assert answer.usage is not None
    assert answer.usage.source == "reported"
    assert answer.usage.input_total > 0
    assert answer.usage.output > 0


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[2])
async def test_an_answer_cut_by_its_length_says_so(http: httpx.AsyncClient, target: Target) -> None:
    request = structs.replace(asking(target, stream=True, tools=()), max_output=3)

    assert (await ask(http, target, request)).finish == "length"


@pytest.mark.parametrize("target", [TARGETS[0], TARGETS[1], TARGETS[2]], ids=lambda target: target[2])
async def test_thinking_that_was_asked_for_comes_back_as_thinking(http: httpx.AsyncClient, target: Target) -> None:
    request = structs.replace(asking(target, stream=True, tools=()), reasoning=Reasoning(effort="high", visible=True))

    answer = await ask(http, target, request)

    assert [type(part).__name__ for part in answer.parts] == ["ThinkingPart", "TextPart"]


@pytest.mark.parametrize("provider", [GEMINI, COHERE], ids=lambda provider: provider.kind)
async def test_the_model_list_is_read_to_its_last_page(http: httpx.AsyncClient, provider: Provider) -> None:
    found: list[str] = []
    target: str | None = provider.models_target.replace("1000", "2")
    while target is not None:
        response = await http.get(f"/{provider.kind}{target}", headers=provider.credential_headers("good-key"))
        page = provider.read_models(response.content)
        found += [model.id for model in page.models]
        target = page.next_target

    assert len(found) == len(set(found)) > 2
    assert any(model == name for _, other, name in TARGETS if other is provider for model in found)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[2])
async def test_a_refused_key_is_our_own_fault(http: httpx.AsyncClient, target: Target) -> None:
    dialect, provider, model = target
    path = provider.target(dialect.name, model, stream=False)

    response = await http.post(f"/{provider.kind}{path}", content=b"{}", headers=provider.credential_headers("bad"))

    problem = dialect.decode_error(response.status_code, response.content)
    assert response.status_code >= 400
    assert problem.kind == "upstream_auth"
