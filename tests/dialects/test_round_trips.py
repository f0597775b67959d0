"""A conversation that goes through the canonical form comes out as it went in, in one dialect and across two."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxyctl.core.chat import (
    ChatRequest,
    ImagePart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.history import repaired
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from proxyctl.dialects.registry import INBOUND
from proxyctl.dialects.traits import ModelTraits

TRAITS = ModelTraits(thinking="adaptive")
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)
IMAGES = st.just(ImagePart(media_type="image/png", data="AAAA"))
ARGUMENTS = st.dictionaries(WORDS, st.one_of(WORDS, st.integers(), st.booleans(), st.none()), max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
)


@st.composite
def conversations(draw: st.DrawFn) -> ChatRequest:
    """A sound conversation of a few turns, some with tools, in the form that `repaired` promises."""
    messages: list[Message] = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", tuple(draw(st.lists(st.builds(text, WORDS) | IMAGES, min_size=1, max_size=2)))))
        calls = draw(st.integers(0, 2))
        if calls:
            made = tuple(
                ToolCallPart(id=f"call_{number + index}", name="get", arguments=draw(ARGUMENTS))
                for index in range(calls)
            )
            number += calls
            messages.append(Message("assistant", made))
            messages.append(
                Message(
                    "user",
                    tuple(ToolResultPart(call_id=call.id, name="get", parts=(text(draw(WORDS)),)) for call in made),
                )
            )
        messages.append(Message("assistant", (text(draw(WORDS)),)))
    messages.append(Message("user", (text(draw(WORDS)),)))
    tool = Tool(name="get", description="d", schema={"type": "object", "properties": {"k": {"type": "string"}}})
    return ChatRequest(
        model="m",
        messages=tuple(messages),
        system=tuple(text(word) for word in draw(st.lists(WORDS, max_size=1))),
        tools=(tool,),
        tool_choice=draw(st.sampled_from([None, ToolChoice("auto"), ToolChoice("any"), ToolChoice("tool", "get")])),
        max_output=draw(st.integers(1, 5000)),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        temperature=draw(st.sampled_from([None, 0.0, 0.5])),
        stream=draw(st.booleans()),
    )


def text(value: str) -> TextPart:
    return TextPart(text=value)


def through(name: Any, request: ChatRequest) -> ChatRequest:
    """Encode a request in one dialect and decode it again, as the next gateway would."""
    dialect = INBOUND[name]
    encoder = OPENAI_CHAT if name == "openai-chat" else ANTHROPIC_MESSAGES
    body = encode_json(encoder.encode_request(request, TRAITS, Losses()))
    return dialect.decode_request(body)


def said(request: ChatRequest) -> list[tuple[str, tuple[Part, ...]]]:
    """Who said what, tool results named and in order."""
    return [(message.role, message.parts) for message in repaired(request.messages, Losses())]


def settings(request: ChatRequest) -> tuple[Any, ...]:
    return (
        request.system,
        request.tools,
        request.tool_choice,
        request.max_output,
        request.stop,
        request.temperature,
        request.stream,
    )


@given(conversations())
def test_openai_to_canonical_to_openai_is_the_same(request: ChatRequest) -> None:
    again = through("openai-chat", request)

    assert said(again) == said(request)
    assert settings(again) == settings(request)


@given(conversations())
def test_anthropic_to_canonical_to_anthropic_is_the_same(request: ChatRequest) -> None:
    again = through("anthropic-messages", request)

    assert said(again) == said(request)
    assert settings(again) == settings(request)


@given(conversations())
def test_text_calls_and_results_survive_both_dialects(request: ChatRequest) -> None:
    there_and_back = through("openai-chat", through("anthropic-messages", through("openai-chat", request)))

    assert said(there_and_back) == said(request)


@given(conversations())
def test_the_same_bytes_every_time(request: ChatRequest) -> None:
    for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES):
        first = encode_json(dialect.encode_request(request, TRAITS, Losses()))

        assert encode_json(dialect.encode_request(request, TRAITS, Losses())) == first


@given(conversations())
def test_a_longer_conversation_begins_with_the_same_bytes(request: ChatRequest) -> None:
    """Providers cache by prefix: a new turn must not change what stands before it."""
    more = Message("assistant", (text("yes"),)), Message("user", (text("go on"),))
    longer = ChatRequest(model="m", messages=request.messages + more, tools=request.tools, system=request.system)
    shorter = ChatRequest(model="m", messages=request.messages, tools=request.tools, system=request.system)

    for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES):
        first = encode_json(dialect.encode_request(shorter, TRAITS, Losses())["messages"])
        second = encode_json(dialect.encode_request(longer, TRAITS, Losses())["messages"])
        assert second.startswith(first[:-1])
