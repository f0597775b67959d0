"""What goes out comes back: answers echoed as the next request's items, and conversations through both directions."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxyctl.core.chat import Answer, Message, Part, Signature, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import AnswerContext, decode_fields, encode_json
from proxyctl.dialects.history import repaired
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from proxyctl.dialects.traits import PERMISSIVE
from tests.dialects import wire_requests
from tests.dialects.openai_responses.requests import GET, PATCH, body
from tests.dialects.wire_requests import Talk, talks, written

SPACE = {"type": "namespace", "name": "mcp__box__", "description": "d", "tools": [GET, PATCH]}
TOOLS = [GET, PATCH, SPACE]
CONTEXT = AnswerContext(
    model="m",
    created=1,
    custom_tools=frozenset({"apply_patch", "mcp__box__apply_patch"}),
    asked=decode_fields(body(tools=TOOLS)),
)

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
proofs = st.builds(Signature, words, st.sampled_from(["anthropic-messages", "openai-responses", "cohere-chat"]))
thinking = st.builds(lambda text, proof: ThinkingPart(text=text, signature=proof), words, st.none() | proofs)
redacted = st.builds(lambda data: ThinkingPart(redacted=data), words)
objects = st.dictionaries(words, words | st.integers() | st.booleans(), max_size=2)
call_proofs = st.none() | st.builds(lambda value: Signature(value, "gemini-generate"), words)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """An answer as agents get it: thinking, a text, calls of functions and free-text tools, with all their proofs."""
    parts: list[Part] = draw(st.lists(thinking | redacted, max_size=2))
    if draw(st.booleans()):
        parts.append(TextPart(text=draw(words)))
    for number in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(["get", "apply_patch", "mcp__box__get", "mcp__box__apply_patch"]))
        given = {"input": draw(words)} if name.endswith("apply_patch") else draw(objects)
        arguments = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        call = ToolCallPart(id=f"call_{number}", name=name, arguments=arguments, signature=draw(call_proofs))
        parts.append(call)
    return Answer(id="x", model="m", parts=tuple(parts), finish="end")


@given(answers())
@settings(deadline=None)
def test_an_answer_echoed_as_items_is_the_same_turn_again(answer: Answer) -> None:
    """Every proof on the very part it came with, for stateless clients (wire notes 2026-11, case 49)."""
    output: list[Any] = json.loads(OPENAI_RESPONSES.encode_answer(answer, CONTEXT, Losses()))["output"]

    request = OPENAI_RESPONSES.decode_request(body([{"role": "user", "content": "Hi"}, *output], tools=TOOLS))

    said = [message.parts for message in request.messages[1:]]
    assert said == ([answer.parts] if answer.parts else [])
    assert request.extras == ()


@given(talks(failures=False))
@settings(deadline=None, max_examples=60)
def test_a_conversation_comes_back_as_it_went_in(talk: Talk) -> None:
    request = OPENAI_RESPONSES.decode_request(written("openai-responses", talk))
    again = OPENAI_RESPONSES.decode_request(encode_json(OPENAI_RESPONSES.encode_request(request, PERMISSIVE, Losses())))

    assert again.messages == tuple(_named_nowhere(message) for message in repaired(request.messages, Losses()))
    assert [tool.name for tool in again.tools] == wire_requests.declared(talk)


def _named_nowhere(message: Message) -> Message:
    """Without what only `repaired` adds: results that name their function."""
    parts = tuple(_without_name(part) for part in message.parts)
    return Message(message.role, parts)


def _without_name(part: Any) -> Any:
    if isinstance(part, ToolCallPart):
        return ToolCallPart(id=part.id, name=part.name, arguments=part.arguments.strip() or "{}")
    return type(part)(**{name: getattr(part, name) for name in part.__struct_fields__ if name != "name"})
