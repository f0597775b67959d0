"""OpenAI's official SDK on the Responses endpoint, with its own types as the judge, before all providers.

What every dialect is asked alike (tools, images, thinking, schemas, refusals) is in the matrix.
"""

from __future__ import annotations

from typing import Any

import openai
import pytest

from .simulated import Simulated
from .targets import ONE_CALL, SCHEMA, TOOL_NAME, Target

TOOLS: Any = [
    {
        "type": "function",
        "name": TOOL_NAME,
        "description": "The weather of a city.",
        "parameters": SCHEMA,
        "strict": False,
    }
]


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


def test_length(strict_openai: openai.OpenAI, target: Target) -> None:
    answer = strict_openai.responses.create(
        model=target.named(target.plain), input="Count to a hundred", max_output_tokens=16
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
    with pytest.raises(openai.BadRequestError, match="not"):
        create(model=model, input="Good morning", previous_response_id=second.id)


def test_a_stream_that_breaks_raises(lax_openai: openai.OpenAI, target: Target, simulated: Simulated) -> None:
    simulated.fault("cut", target.provider)

    with pytest.raises(openai.APIError):
        list(lax_openai.responses.create(model=target.named(target.plain), input="Good morning", stream=True))
