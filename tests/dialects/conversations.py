"""Conversations as clients really send them, out of order and incomplete, for property tests of every encoder."""

from __future__ import annotations

import base64
from typing import Any, get_args

from hypothesis import strategies as st

from proxyctl.core.chat import (
    ChatRequest,
    Effort,
    ImagePart,
    JsonFormat,
    Message,
    Reasoning,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)

PIXEL = base64.b64encode(b"\x89PNG pixel").decode()
NAMES = ("get", "put it", "über-tool", "9lives", "a" * 140)
SCHEMAS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"type": "object", "properties": {}},
    {"type": "object", "properties": {"k": {"type": ["string", "null"]}}, "required": ["k"]},
    {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"n": {"exclusiveMinimum": 0}}},
)

texts = st.sampled_from(["", " ", "Hello", "Grüße \u2028 \U0001f600"])
ids = st.sampled_from(["c1", "c2", "toolu_01ABC", "call with spaces", ""])
arguments = st.sampled_from(["", "{}", '{"n": 12345678901234567890}', "[1]", "{broken"])
signatures = st.sampled_from([None, Signature("c2ln", "anthropic-messages"), Signature("!", "gemini-generate")])

text_parts = st.builds(TextPart, text=texts)
images = st.just(ImagePart(media_type="image/png", data=PIXEL))
calls = st.builds(ToolCallPart, id=ids, name=st.sampled_from(NAMES), arguments=arguments, signature=signatures)
results = st.builds(
    ToolResultPart,
    call_id=ids,
    parts=st.lists(text_parts | images, max_size=2).map(tuple),
    is_error=st.booleans(),
)
thinking = st.builds(ThinkingPart, text=texts, signature=signatures)
refusals = st.builds(RefusalPart, text=texts)


def _messages(role: str, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    return st.lists(parts, max_size=4).map(lambda chosen: Message(role, tuple(chosen)))  # type: ignore[arg-type]


messages = st.lists(
    _messages("user", text_parts | images | results)
    | _messages("assistant", text_parts | calls | thinking | refusals)
    | _messages("system", text_parts),
    max_size=6,
)
tools = st.lists(
    st.builds(Tool, name=st.sampled_from(NAMES), schema=st.sampled_from(SCHEMAS), strict=st.booleans()),
    max_size=3,
    unique_by=lambda tool: tool.name,
)
formats = st.none() | st.builds(JsonFormat, schema=st.sampled_from(SCHEMAS))
efforts = st.none() | st.sampled_from(get_args(Effort))
reasonings = st.none() | st.builds(
    Reasoning, effort=efforts, budget=st.none() | st.integers(-1, 100_000), visible=st.none() | st.booleans()
)


@st.composite
def requests(draw: st.DrawFn, model: str) -> ChatRequest:
    """A request to `model` whose own values are valid; its history need not be."""
    offered = tuple(draw(tools))
    names = [tool.name for tool in offered]
    choices = [None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("any")]
    choices += [ToolChoice("tool", name) for name in names] + [ToolChoice("auto", allowed=tuple(names))] * bool(names)
    return ChatRequest(
        model=model,
        messages=(*draw(messages), Message("user", (TextPart(text="And now?"),))),
        system=tuple(draw(st.lists(text_parts, max_size=2))),
        tools=offered,
        tool_choice=draw(st.sampled_from(choices)),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        max_output=draw(st.none() | st.integers(1, 200_000)),
        stop=tuple(draw(st.lists(st.just("END"), max_size=5))),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 1000)),
        frequency_penalty=draw(st.none() | st.floats(-2, 2)),
        presence_penalty=draw(st.none() | st.floats(-2, 2)),
        seed=draw(st.none() | st.integers(0, 1000)),
        format=draw(formats),
        reasoning=draw(reasonings),
        stream=draw(st.booleans()),
    )
