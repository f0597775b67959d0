"""Answers towards OpenAI clients, whole and streamed, judged by the official SDK."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from proxyctl.core.chat import (
    Answer,
    FinishReason,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from proxyctl.core.errors import GarbageError, Problem
from proxyctl.core.events import (
    Delta,
    Event,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    SignatureDelta,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import AnswerContext
from proxyctl.dialects.openai_chat import OPENAI_CHAT
from tests.dialects.wire_cases import checked, decoded, documents, encoded, merged

CONTEXT = AnswerContext(model="asked", created=1_700_000_000, include_usage=True, input_estimate=7)
USAGE = Usage(input=14, cache_read=4, cache_write=2, output=3, reasoning=6)
SIGNED = Signature("c2ln", "gemini-generate")
TOOLS: list[Event] = [
    MessageStart("resp_1", "served"),
    PartStart(index=0, kind="thinking"),
    Delta(0, "Hm."),
    PartEnd(0),
    PartStart(index=1, kind="text"),
    Delta(1, "Loo"),
    Delta(1, "king."),
    PartEnd(1),
    PartStart(index=2, kind="tool_call", id="call_a", name="get"),
    SignatureDelta(2, SIGNED),
    PartStart(index=3, kind="tool_call", id="call_b", name="put"),
    Delta(2, '{"k":'),
    Delta(3, '{"v":2}'),
    Delta(2, "1}"),
    PartEnd(2),
    PartEnd(3),
    UsageUpdate(USAGE),
    MessageEnd(finish="tool"),
]


def stream(events: list[Event], context: AnswerContext = CONTEXT, losses: Losses | None = None) -> bytes:
    told = Losses() if losses is None else losses
    return encoded(OPENAI_CHAT.stream_encoder(context, told), checked(events))


def whole(answer: Answer, context: AnswerContext = CONTEXT) -> dict[str, Any]:
    return json.loads(OPENAI_CHAT.encode_answer(answer, context, Losses()))


def text_stream(*texts: str, finish: FinishReason = "end") -> list[Event]:
    deltas = [Delta(0, text) for text in texts]
    return [MessageStart("1", "m"), PartStart(index=0, kind="text"), *deltas, PartEnd(0), MessageEnd(finish=finish)]


def judged(wire: bytes) -> ChatCompletion:
    """What the SDK's own accumulator makes of a stream."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for document in documents(wire):
        state.handle_chunk(ChatCompletionChunk.model_validate(document, strict=False))
    return state.get_final_completion()


def test_the_sdk_reads_thinking_text_and_parallel_tools() -> None:
    completion = judged(stream(TOOLS))

    message = completion.choices[0].message
    assert message.content == "Looking."
    assert message.tool_calls is not None
    assert [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("call_a", "get", '{"k":1}'),
        ("call_b", "put", '{"v":2}'),
    ]
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.model == "served"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 20
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens == 6
    assert completion.usage.total_tokens == 29


def test_the_grammar_of_chunks() -> None:
    wire = stream(TOOLS)
    chunks = documents(wire)

    assert wire.endswith(b"data: [DONE]\n\n")
    assert {(chunk["id"], chunk["created"], chunk["object"]) for chunk in chunks} == {
        ("chatcmpl-resp_1", 1_700_000_000, "chat.completion.chunk")
    }
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-2]] == [None] * (len(chunks) - 2)
    assert chunks[-2]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}


def test_tool_fragments_name_their_call_once_and_count_from_zero() -> None:
    fragments = [
        chunk["choices"][0]["delta"]["tool_calls"][0]
        for chunk in documents(stream(TOOLS))
        if chunk["choices"] and "tool_calls" in chunk["choices"][0]["delta"]
    ]

    assert fragments[0] == {
        "index": 0,
        "id": "call_a",
        "type": "function",
        "function": {"name": "get", "arguments": ""},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    }
    assert [fragment["index"] for fragment in fragments] == [0, 0, 1, 1, 0]
    assert [fragment for fragment in fragments if "id" in fragment][1]["id"] == "call_b"
    assert fragments[-1] == {"index": 0, "function": {"arguments": "1}"}}


def test_thinking_is_told_in_both_members_and_only_when_it_may_be_shown() -> None:
    shown = [chunk["choices"][0]["delta"] for chunk in documents(stream(TOOLS)) if chunk["choices"]]
    hidden = stream(TOOLS, AnswerContext(model="m", created=1, show_thinking=False))

    assert {"reasoning_content": "Hm.", "reasoning": "Hm."} in shown
    assert b"Hm." not in hidden


def test_no_usage_is_written_unless_it_was_asked_for() -> None:
    wire = stream(TOOLS, AnswerContext(model="m", created=1))

    assert b"usage" not in wire
    assert wire.endswith(b"data: [DONE]\n\n")


def test_usage_that_nobody_reported_is_estimated() -> None:
    usage = documents(stream(text_stream("12345678")))[-1]["usage"]

    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (7, 2)


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    events = [
        MessageStart("1", "m"),
        PartStart(index=0, kind="tool_call", id="a", name="now"),
        PartEnd(0),
        MessageEnd(finish="tool"),
    ]

    calls = judged(stream(events)).choices[0].message.tool_calls

    assert calls is not None
    assert calls[0].function.arguments == "{}"


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        ("end", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("context_window", "length"),
        ("refusal", "content_filter"),
        ("pause", "stop"),
    ],
)
def test_finish_reasons(finish: FinishReason, word: str) -> None:
    losses = Losses()
    chunks = documents(stream(text_stream("x", finish=finish), losses=losses))
    answer = Answer(id="1", model="m", parts=(TextPart(text="x"),), finish=finish)

    assert chunks[-2]["choices"][0]["finish_reason"] == word
    assert whole(answer)["choices"][0]["finish_reason"] == word
    assert len(losses) == (1 if finish == "pause" else 0)


def test_a_blocked_prompt_is_an_answer_with_a_reason() -> None:
    events: list[Event] = [MessageStart("1", "m"), MessageEnd(finish="refusal", refusal="blocked: SAFETY")]

    chunks = [ChatCompletionChunk.model_validate(document) for document in documents(stream(events))]

    assert chunks[1].choices[0].delta.refusal == "blocked: SAFETY"
    assert chunks[2].choices[0].finish_reason == "content_filter"


def test_a_failed_stream_ends_in_an_error_and_no_terminator() -> None:
    problem = Problem(kind="overloaded", status=503, code="overloaded", message="busy")

    wire = stream([*text_stream("Hi")[:3], StreamFailed(problem)])

    assert b"[DONE]" not in wire
    assert b'"finish_reason":"' not in wire
    assert documents(wire)[-1] == {
        "error": {"message": "busy", "type": "server_error", "param": None, "code": "overloaded"}
    }


@pytest.mark.parametrize("finish", ["error", "malformed_tool"])
def test_a_broken_answer_never_looks_complete(finish: FinishReason) -> None:
    wire = stream(text_stream("Hi", finish=finish))

    assert "error" in documents(wire)[-1]
    assert b"[DONE]" not in wire
    with pytest.raises(GarbageError):
        OPENAI_CHAT.encode_answer(Answer(id="1", model="m", parts=(), finish=finish), CONTEXT, Losses())


def test_a_whole_answer_is_read_by_the_sdk() -> None:
    parts: tuple[Part, ...] = (
        ThinkingPart(text="Hm."),
        TextPart(text="Looking."),
        ToolCallPart(id="call_a", name="get", arguments='{"k":1}', signature=SIGNED),
        ToolCallPart(id="y" * 80, name="now", arguments=""),
    )

    document = whole(Answer(id="chatcmpl-9", model="served", parts=parts, finish="tool", usage=USAGE))

    completion = ChatCompletion.model_validate(document)
    calls = completion.choices[0].message.tool_calls
    assert completion.id == "chatcmpl-9"
    assert completion.choices[0].message.content == "Looking."
    assert calls is not None
    assert [call.function.arguments for call in calls] == ['{"k":1}', "{}"]
    assert len(calls[1].id) <= 64
    message = document["choices"][0]["message"]
    assert message["reasoning_content"] == message["reasoning"] == "Hm."
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert completion.usage is not None
    assert completion.usage.prompt_tokens_details is not None
    assert completion.usage.prompt_tokens_details.cached_tokens == 4


def test_refusals_and_empty_answers() -> None:
    refused = whole(Answer(id="1", model="m", parts=(RefusalPart(text="no"),), finish="refusal"))
    empty = whole(Answer(id="1", model="", parts=(), finish="end"))

    assert refused["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": "no"}
    assert empty["choices"][0]["message"]["content"] == ""
    assert empty["model"] == "asked"
    assert "usage" not in empty


def test_a_free_text_call_gets_its_text_back() -> None:
    context = AnswerContext(model="m", created=1, custom_tools=frozenset({"patch"}))
    call = ToolCallPart(id="a", name="patch", arguments='{"input":"*** Begin\\n"}')
    events: list[Event] = [
        MessageStart("1", "m"),
        PartStart(index=0, kind="tool_call", id="a", name="patch"),
        Delta(0, '{"input":"*** Be'),
        Delta(0, 'gin\\n"}'),
        PartEnd(0),
        MessageEnd(finish="tool"),
    ]

    written = whole(Answer(id="1", model="m", parts=(call,), finish="tool"), context)["choices"][0]["message"]
    streamed = documents(stream(events, context))[1]["choices"][0]["delta"]

    custom = {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** Begin\n"}}
    assert written["tool_calls"] == [custom]
    assert streamed["tool_calls"] == [{"index": 0, **custom}]


CALL: list[Event] = [PartStart(index=2, kind="tool_call", id="a", name="get"), Delta(2, "{}"), PartEnd(2)]
"""What makes the next turn need the proofs of this one."""


@pytest.mark.parametrize("calls", [[], CALL], ids=["plain", "calls"])
@pytest.mark.parametrize("calls_first", [False, True])
def test_a_texts_proof_is_a_loss_only_beside_calls(calls: list[Event], calls_first: bool) -> None:
    """The next turn of a plain chat can do without it; what proves calls is kept by the gateway, and no loss."""
    streamed, told = Losses(), Losses()
    thinking: list[Event] = [
        PartStart(index=0, kind="redacted_thinking", data="c2Vj"),
        PartEnd(0),
        PartStart(index=1, kind="thinking"),
        SignatureDelta(1, Signature("s", "anthropic-messages")),
        PartEnd(1),
        PartStart(index=3, kind="text"),
        SignatureDelta(3, Signature("s", "gemini-generate")),
        PartEnd(3),
    ]
    parts = [*calls, *thinking] if calls_first else [*thinking, *calls]
    events = [MessageStart("1", "m"), *parts, MessageEnd(finish="tool" if calls else "end")]

    stream(events, losses=streamed)
    OPENAI_CHAT.encode_answer(assemble(events), AnswerContext(model="m", created=1), told)

    expected = ["content.signature"] if calls else []
    assert [entry.path for entry in streamed.entries()] == expected
    assert [entry.path for entry in told.entries()] == expected


TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Any answer of thinking, text and tools, as a decoder would tell it."""
    events: list[Event] = [MessageStart("1", "m")]
    index = 0
    for kind in draw(st.sampled_from([(), ("thinking",), ("text",), ("thinking", "text")])):
        deltas = [Delta(index, piece) for piece in draw(st.lists(TEXT, min_size=1, max_size=3))]
        events += [PartStart(index=index, kind=kind), *deltas, PartEnd(index)]
        index += 1
    calls = draw(st.integers(0, 3))
    for number in range(calls):
        arguments = json.dumps({draw(TEXT): draw(st.integers())})
        cut = draw(st.integers(0, len(arguments)))
        events += [
            PartStart(index=index, kind="tool_call", id=f"call_{number}", name="get"),
            *(Delta(index, piece) for piece in (arguments[:cut], arguments[cut:]) if piece),
            PartEnd(index),
        ]
        index += 1
    usage = Usage(input=draw(st.integers(0, 99)), output=draw(st.integers(0, 99)))
    return [*events, UsageUpdate(usage), MessageEnd(finish="tool" if calls else "end")]


@given(answers())
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    again = decoded(OPENAI_CHAT, stream(events))

    def known(found: list[Event]) -> list[Event]:
        # Parallel calls end together in the reading, each by itself in the writing.
        return [event for event in merged(found) if not isinstance(event, (MessageStart, PartEnd))]

    assert known(again) == known(events)


@given(answers())
def test_the_sdk_accepts_every_stream(events: list[Event]) -> None:
    completion = judged(stream(events))

    assert completion.choices[0].finish_reason == ("tool_calls" if completion.choices[0].message.tool_calls else "stop")
