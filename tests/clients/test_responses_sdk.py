"""OpenAI's official SDK on the Responses endpoint, with its own types as the judge, before all providers."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from .simulated import Simulated
from .targets import ARGUMENTS, ONE_CALL, PNG, PNG_BYTES, SCHEMA, TOOL_NAME, TWO_CALLS, Target

TOOLS: Any = [
    {
        "type": "function",
        "name": TOOL_NAME,
        "description": "The weather of a city.",
        "parameters": SCHEMA,
        "strict": False,
    }
]
FORMAT: Any = {"format": {"type": "json_schema", "name": "weather", "schema": SCHEMA, "strict": True}}


def test_plain_answer(strict_openai: openai.OpenAI, target: Target, simulated: Simulated) -> None:
    answer = strict_openai.responses.create(
        model=target.named(target.plain), instructions="Be brief.", input="Good morning"
    )

    assert answer.output_text.endswith("You wrote: Good morning")
    assert (answer.status, answer.model) == ("completed", target.plain)
    [seen] = simulated.seen()
    assert answer.usage is not None
    assert seen.usage is not None
    assert answer.usage.output_tokens == seen.usage["output"]


def test_streaming_helper_assembles_the_same_answer(strict_openai: openai.OpenAI, target: Target) -> None:
    model = target.named(target.plain)
    whole = strict_openai.responses.create(model=model, input="Good morning")

    with strict_openai.responses.stream(model=model, input="Good morning") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()

    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds.count("response.output_text.delta") > 3
    assert kinds[-1] == "response.completed"
    assert final.output_text == whole.output_text
    assert final.usage == whole.usage


@pytest.mark.parametrize("asked", [ONE_CALL, TWO_CALLS], ids=["one", "parallel"])
def test_tool_loop(strict_openai: openai.OpenAI, target: Target, asked: str) -> None:
    create, model = strict_openai.responses.create, target.named(target.plain)
    first = create(model=model, input=asked, tools=TOOLS, store=False)
    calls = [item for item in first.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [(TOOL_NAME, ARGUMENTS)] * (
        2 if asked == TWO_CALLS else 1
    )

    history: Any = [
        {"role": "user", "content": asked},
        *[item.model_dump(exclude_none=True) for item in first.output],
        *[{"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"} for call in calls],
    ]
    second = create(model=model, input=history, tools=TOOLS, store=False)

    assert second.status == "completed"
    assert "21 degrees" in second.output_text


def test_streamed_tool_calls_equal_the_whole_ones(strict_openai: openai.OpenAI, target: Target) -> None:
    model = target.named(target.plain)

    with strict_openai.responses.stream(model=model, input=TWO_CALLS, tools=TOOLS) as stream:
        calls = [item for item in stream.get_final_response().output if item.type == "function_call"]

    assert [(call.name, json.loads(call.arguments)) for call in calls] == [(TOOL_NAME, ARGUMENTS)] * 2
    assert len({call.call_id for call in calls} | {call.id for call in calls}) == 4


def test_image(strict_openai: openai.OpenAI, target: Target) -> None:
    content: Any = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
    ]

    answer = strict_openai.responses.create(
        model=target.named(target.sees), input=[{"role": "user", "content": content}]
    )

    assert str(PNG_BYTES) in answer.output_text


def test_structured_output(strict_openai: openai.OpenAI, target: Target) -> None:
    answer = strict_openai.responses.create(model=target.named(target.structured), input=ONE_CALL, text=FORMAT)

    assert json.loads(answer.output_text) == ARGUMENTS


def test_thinking_is_a_summary(strict_openai: openai.OpenAI, target: Target) -> None:
    answer = strict_openai.responses.create(
        model=target.named(target.thinks), input="Think", reasoning={"effort": "high", "summary": "auto"}
    )

    assert answer.output_text
    assert answer.output[-1].type == "message"


def test_length(strict_openai: openai.OpenAI, target: Target) -> None:
    answer = strict_openai.responses.create(
        model=target.named(target.plain), input="Count to a hundred", max_output_tokens=3
    )

    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_an_earlier_response_that_nobody_kept(strict_openai: openai.OpenAI, target: Target) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        strict_openai.responses.create(
            model=target.named(target.plain), input="And now?", previous_response_id="resp_never"
        )

    assert caught.value.code == "previous_response_not_found"
    assert caught.value.param == "previous_response_id"


def test_a_conversation_by_the_id_of_its_last_answer(strict_openai: openai.OpenAI, target: Target) -> None:
    create, model = strict_openai.responses.create, target.named(target.plain)
    first = create(model=model, input=ONE_CALL, tools=TOOLS)
    [call] = [item for item in first.output if item.type == "function_call"]
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}]

    with strict_openai.responses.stream(
        model=model, input=result, tools=TOOLS, previous_response_id=first.id
    ) as stream:
        second = stream.get_final_response()
    third = create(model=model, input="Good morning", previous_response_id=second.id)

    assert "21 degrees" in second.output_text
    assert second.previous_response_id == first.id
    assert third.output_text.endswith("You wrote: Good morning")
    assert strict_openai.responses.retrieve(third.id).output_text == third.output_text
    strict_openai.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        strict_openai.responses.retrieve(second.id)


def test_a_stream_that_breaks_raises(lax_openai: openai.OpenAI, target: Target, simulated: Simulated) -> None:
    simulated.fault("cut", target.simulated)

    with pytest.raises(openai.APIError):
        list(lax_openai.responses.create(model=target.named(target.plain), input="Good morning", stream=True))
