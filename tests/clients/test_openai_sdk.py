"""OpenAI's official SDK, with its own types as the judge, before all providers: they answer as if they were OpenAI.

What every dialect is asked alike (tools, images, thinking, schemas, refusals) is in the matrix.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import openai
import pytest

from .home import Home
from .simulated import Simulated
from .targets import ONE_CALL, SCHEMA, TOOL_NAME, Target

MORNING: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Good morning"}]
TOOLS: Any = [
    {"type": "function", "function": {"name": TOOL_NAME, "description": "The weather of a city.", "parameters": SCHEMA}}
]
USAGE: Any = {"include_usage": True}


TEMPLATE_TOKENS = 60
"""What Cohere counts beside the text, and does not bill."""


def asking(text: str) -> Any:
    return {"role": "user", "content": text}


def results(calls: Iterable[Any]) -> list[Any]:
    return [
        {"role": "tool", "tool_call_id": call.id, "content": f"{number} degrees"}
        for number, call in enumerate(calls, start=1)
    ]


def test_plain_answer(strict_openai: openai.OpenAI, target: Target, simulated: Simulated) -> None:
    answer = strict_openai.chat.completions.create(model=target.named(target.plain), messages=MORNING)

    choice = answer.choices[0]
    assert choice.message.content is not None
    assert choice.message.content.endswith("You wrote: Good morning")
    assert (choice.finish_reason, answer.model) == ("stop", target.plain)
    [seen] = simulated.seen()
    assert answer.usage is not None
    assert seen.usage is not None
    template = TEMPLATE_TOKENS if target.provider == "cohere" else 0
    assert answer.usage.prompt_tokens == seen.usage["prompt"] + template
    assert answer.usage.completion_tokens == seen.usage["output"]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streaming_helper_assembles_the_same_answer(
    strict_openai: openai.OpenAI, target: Target, simulated: Simulated
) -> None:
    model = target.named(target.plain)
    whole = strict_openai.chat.completions.create(model=model, messages=MORNING)

    with strict_openai.chat.completions.stream(model=model, messages=MORNING, stream_options=USAGE) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()

    assert kinds.count("content.delta") > 3
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"
    assert final.usage == whole.usage
    assert [seen.usage for seen in simulated.seen()] == [simulated.seen()[0].usage] * 2


def test_plain_stream_begins_with_a_role_and_ends_with_a_reason(strict_openai: openai.OpenAI, target: Target) -> None:
    stream = strict_openai.chat.completions.create(model=target.named(target.plain), messages=MORNING, stream=True)

    chunks = list(stream)

    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [
        None,
        "stop",
    ]
    assert {(chunk.id, chunk.model) for chunk in chunks} == {(chunks[0].id, target.plain)}
    assert all(chunk.choices for chunk in chunks), "a usage chunk that nobody asked for"


def test_usage_chunk_comes_once_when_it_is_asked_for(strict_openai: openai.OpenAI, target: Target) -> None:
    stream = strict_openai.chat.completions.create(
        model=target.named(target.plain), messages=MORNING, stream=True, stream_options=USAGE
    )

    reported = [chunk.usage for chunk in stream if chunk.usage is not None]

    assert len(reported) == 1
    assert reported[0].completion_tokens > 0


def test_gemini_gets_its_signature_back_from_a_client_that_keeps_what_it_is_given(
    strict_openai: openai.OpenAI, simulated: Simulated
) -> None:
    """`extra_content` stands on the tool call, and the SDK's models keep it."""
    create, model = strict_openai.chat.completions.create, "gemini:gemini-3.8-flash"
    turn = create(model=model, messages=[asking(ONE_CALL)], tools=TOOLS).choices[0].message

    history: Any = [asking(ONE_CALL), turn.model_dump(exclude_none=True), *results(turn.tool_calls or [])]
    create(model=model, messages=history, tools=TOOLS)

    [call] = simulated.seen("gemini")[1].body["contents"][1]["parts"]
    given: Any = turn.tool_calls
    assert call["thoughtSignature"] == given[0].extra_content["google"]["thought_signature"]


def test_several_system_prompts_reach_the_model(
    strict_openai: openai.OpenAI, target: Target, simulated: Simulated
) -> None:
    messages: Any = [
        {"role": "system", "content": "First rule."},
        {"role": "developer", "content": "Second rule."},
        asking("Good morning"),
    ]

    strict_openai.chat.completions.create(model=target.named(target.plain), messages=messages)

    [seen] = simulated.seen()
    assert b"First rule." in seen.raw
    assert b"Second rule." in seen.raw
    documenting = ("openai", "groq", "local")
    assert b'"developer"' not in seen.raw or target.provider in documenting, "only they document the role"


@pytest.mark.parametrize(
    ("status", "seen_as", "kind"),
    [
        (500, 502, openai.InternalServerError),
        (503, 503, openai.InternalServerError),
        (401, 502, openai.InternalServerError),
    ],
)
def test_upstream_errors_become_the_sdks(
    strict_openai: openai.OpenAI,
    simulated: Simulated,
    target: Target,
    status: int,
    seen_as: int,
    kind: type[openai.APIStatusError],
) -> None:
    simulated.fault("status", target.provider, status=status, times=None, message="planned")

    with pytest.raises(kind, match="planned") as caught:
        strict_openai.chat.completions.create(model=target.named(target.plain), messages=MORNING)

    assert caught.value.status_code == seen_as
    assert caught.value.body is not None
    assert caught.value.request_id is not None


@pytest.mark.parametrize("model", ["nonsense", "groq:nonsense", "nobody:model", "gemini:gemini-9-nothing"])
def test_unknown_model(strict_openai: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        strict_openai.chat.completions.create(model=model, messages=MORNING)

    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"messages": "not a list"}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [asking("x")], "tools": [{"type": "function"}]}, "tools[0]"),
    ],
)
def test_bad_request_names_what_is_wrong(strict_openai: openai.OpenAI, changed: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        strict_openai.chat.completions.create(**{"model": "gemini:gemini-3.8-flash", "messages": MORNING, **changed})

    assert param in f"{caught.value.param} {caught.value.message}"


@pytest.mark.parametrize("fault", ["cut", "error_in_200"])
def test_broken_stream_never_looks_complete(
    strict_openai: openai.OpenAI, simulated: Simulated, target: Target, fault: str
) -> None:
    simulated.pace(words=80)
    simulated.fault(fault, target.provider, after_frames=20, status=500, message="planned")
    seen: list[Any] = []

    stream = strict_openai.chat.completions.create(model=target.named(target.plain), messages=MORNING, stream=True)
    with stream, pytest.raises(openai.APIError):
        take(stream, seen)

    assert len(seen) > 5
    assert all(choice.finish_reason is None for choice in seen)


def take(stream: Iterable[Any], seen: list[Any]) -> None:
    for chunk in stream:
        seen += chunk.choices


def test_stream_without_its_terminator(lax_openai: openai.OpenAI, simulated: Simulated, target: Target) -> None:
    """A finish reason without `[DONE]` is complete; without either, in the formats that say both at once, it is not."""
    simulated.fault("missing_terminator", target.provider)
    seen: list[Any] = []

    with lax_openai.chat.completions.create(model=target.named(target.plain), messages=MORNING, stream=True) as stream:
        if target.translated:
            with pytest.raises(openai.APIError):
                take(stream, seen)
        else:
            take(stream, seen)

    assert [choice.finish_reason is not None for choice in seen].count(True) == (0 if target.translated else 1)


@pytest.mark.parametrize("fault", ["cut", "error_in_200"])
def test_stream_that_breaks_before_its_content_is_an_error(
    strict_openai: openai.OpenAI, simulated: Simulated, target: Target, fault: str
) -> None:
    simulated.fault(fault, target.provider, status=503, message="planned", times=None)

    with pytest.raises(openai.APIError):
        strict_openai.chat.completions.create(model=target.named(target.plain), messages=MORNING, stream=True).close()


def test_cut_stream_is_told_in_a_frame_and_without_done(daemon: Home, simulated: Simulated, target: Target) -> None:
    """The SDK takes an early end for an end, so the bytes are looked at."""
    simulated.pace(words=80)
    simulated.fault("cut", target.provider, after_frames=20)

    answer = daemon.chat(target.named(target.plain), stream=True)

    frames = answer.text.removesuffix("\n\n").split("\n\n")
    assert json.loads(frames[-1].removeprefix("data: "))["error"]["message"]
    assert "[DONE]" not in answer.text
    assert '"finish_reason":"' not in answer.text


def test_models_are_listed_and_described(strict_openai: openai.OpenAI, target: Target) -> None:
    listed = strict_openai.models.list()

    owners = {model.id: model.owned_by for model in listed.data}
    assert {target.plain, target.sees, target.thinks} <= set(owners)
    assert strict_openai.models.retrieve(target.plain).id == target.plain
    assert strict_openai.models.retrieve(target.named(target.plain)).id == target.named(target.plain)


def test_model_that_nobody_has_is_not_described(strict_openai: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        strict_openai.models.retrieve("nonsense")
