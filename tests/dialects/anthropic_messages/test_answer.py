"""Answers towards Anthropic clients, whole and streamed, judged by the official SDK and by the grammar."""

import json
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from proxyctl.core.chat import (
    Answer,
    FinishReason,
    OpaquePart,
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
from proxyctl.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import AnswerContext
from proxyctl.dialects.envelope import opened, seal
from tests.dialects.wire_cases import checked, decoded, documents, encoded, frames

CONTEXT = AnswerContext(model="asked", created=1, input_estimate=7)
USAGE = Usage(input=14, cache_read=4, cache_write_5m=2, cache_write_1h=1, output=3, reasoning=6)
GEMINI = Signature("c2ln", "gemini-generate")
OWN = Signature("EqQB", "anthropic-messages")
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def stream(events: list[Event], context: AnswerContext = CONTEXT, losses: Losses | None = None) -> bytes:
    told = Losses() if losses is None else losses
    return encoded(ANTHROPIC_MESSAGES.stream_encoder(context, told), checked(events))


def whole(answer: Answer, context: AnswerContext = CONTEXT, losses: Losses | None = None) -> dict[str, Any]:
    told = Losses() if losses is None else losses
    return json.loads(ANTHROPIC_MESSAGES.encode_answer(answer, context, told))


def body(*events: Event, finish: FinishReason = "end") -> list[Event]:
    return [MessageStart("1", "m"), *events, MessageEnd(finish=finish)]


def text(index: int, *pieces: str) -> list[Event]:
    return [PartStart(index=index, kind="text"), *(Delta(index, piece) for piece in pieces), PartEnd(index)]


def thinking(index: int, piece: str, signature: Signature | None = None) -> list[Event]:
    signed = [SignatureDelta(index, signature)] if signature is not None else []
    return [PartStart(index=index, kind="thinking"), *([Delta(index, piece)] if piece else []), *signed, PartEnd(index)]


def call(index: int, arguments: str = "{}", signature: Signature | None = None) -> list[Event]:
    signed = [SignatureDelta(index, signature)] if signature is not None else []
    pieces = [Delta(index, arguments)] if arguments else []
    return [PartStart(index=index, kind="tool_call", id=f"call_{index}", name="get"), *signed, *pieces, PartEnd(index)]


def judged(wire: bytes) -> Message:
    """What the SDK's own accumulator makes of a stream, after each event was validated as its type."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for document in documents(wire):
        event = EVENT.validate_python(document)
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    return snapshot


def assert_grammar(wire: bytes) -> None:
    """The grammar of the stream, which the SDK does not check whole."""
    found = documents(wire)
    names = [frame.partition(b"\n")[0] for frame in frames(wire)]
    assert names == [b"event: " + document["type"].encode() for document in found]
    assert found[0]["type"] == "message_start"
    assert [document["type"] for document in found[-2:]] == ["message_delta", "message_stop"]
    open_block, following = None, 0
    for document in found[1:-2]:
        match document["type"]:
            case "content_block_start":
                assert open_block is None
                assert document["index"] == following
                open_block = following
                following += 1
            case "content_block_delta":
                assert document["index"] == open_block
            case "content_block_stop":
                assert document["index"] == open_block
                open_block = None
            case other:
                pytest.fail(f"{other} among the blocks")
    assert open_block is None
    assert found[-2]["usage"]["output_tokens"] is not None
    assert b"[DONE]" not in wire


def types(message: Message) -> list[str]:
    return [block.type for block in message.content]


def test_the_sdk_reads_text_and_tools() -> None:
    wire = stream(
        [
            MessageStart("msg_9", "served", Usage(input=20, source="partial")),
            *text(0, "Loo", "king."),
            *call(1, '{"k":1}'),
            UsageUpdate(USAGE),
            MessageEnd(finish="tool"),
        ]
    )

    message = judged(wire)

    assert_grammar(wire)
    assert (message.id, message.model, message.stop_reason) == ("msg_9", "served", "tool_use")
    assert types(message) == ["text", "tool_use"]
    assert message.content[0].text == "Looking."
    assert (message.content[1].id, message.content[1].name, message.content[1].input) == ("call_1", "get", {"k": 1})
    assert (message.usage.input_tokens, message.usage.output_tokens) == (14, 9)
    assert (message.usage.cache_read_input_tokens, message.usage.cache_creation_input_tokens) == (4, 3)
    assert documents(wire)[0]["message"]["usage"]["input_tokens"] == 20


def test_the_size_of_the_input_is_estimated_where_nobody_reported_it() -> None:
    found = documents(stream(body(*text(0, "12345678"))))

    assert found[0]["message"]["usage"]["input_tokens"] == 7
    assert (found[-2]["usage"]["input_tokens"], found[-2]["usage"]["output_tokens"]) == (7, 2)


def test_calls_that_interleave_become_blocks_one_after_the_other() -> None:
    wire = stream(
        body(
            PartStart(index=0, kind="tool_call", id="a", name="get"),
            Delta(0, '{"a":'),
            PartStart(index=1, kind="tool_call", id="b", name="put"),
            Delta(1, '{"b":'),
            PartStart(index=2, kind="tool_call", id="c", name="now"),
            Delta(0, "1}"),
            PartEnd(2),
            Delta(1, "2}"),
            PartEnd(0),
            PartEnd(1),
            finish="tool",
        )
    )

    assert_grammar(wire)
    assert [(block.id, block.input) for block in judged(wire).content] == [("a", {"a": 1}), ("b", {"b": 2}), ("c", {})]


def test_the_first_call_does_not_wait_for_the_others() -> None:
    encoder = ANTHROPIC_MESSAGES.stream_encoder(CONTEXT, Losses())
    encoder.feed(MessageStart("1", "m"))
    encoder.feed(PartStart(index=0, kind="tool_call", id="a", name="get"))
    encoder.feed(PartStart(index=1, kind="tool_call", id="b", name="put"))

    assert b"input_json_delta" in encoder.feed(Delta(0, '{"a":'))
    assert encoder.feed(Delta(1, "{}")) == b""


def test_own_thinking_keeps_its_signature_and_unsigned_thinking_gets_a_mark() -> None:
    own, unsigned = (
        judged(stream(body(*thinking(0, "Hm.", OWN), *text(1, "A")))),
        judged(stream(body(*thinking(0, "Hm.")))),
    )

    assert (own.content[0].thinking, own.content[0].signature) == ("Hm.", "EqQB")
    assert (unsigned.content[0].thinking, unsigned.content[0].signature) == ("Hm.", seal(None))


def test_a_signature_is_written_once_right_before_the_end_of_its_block() -> None:
    kinds = [
        document.get("delta", document).get("type") for document in documents(stream(body(*thinking(0, "Hm.", OWN))))
    ]

    assert kinds[1:5] == ["content_block_start", "thinking_delta", "signature_delta", "content_block_stop"]


def test_a_foreign_signature_on_a_call_goes_into_the_thinking_before_it() -> None:
    wire = stream(body(*thinking(0, "Hm."), *call(1, signature=GEMINI), *call(2), finish="tool"))

    message = judged(wire)

    assert_grammar(wire)
    assert types(message) == ["thinking", "tool_use", "tool_use"]
    assert message.content[0].thinking == "Hm."
    assert opened(message.content[0].signature) == GEMINI


def test_without_thinking_before_it_a_signature_gets_a_block_of_its_own() -> None:
    wire = stream(body(*text(0, "A"), *call(1, signature=GEMINI), *call(2, signature=GEMINI), finish="tool"))

    message = judged(wire)

    assert_grammar(wire)
    assert types(message) == ["text", "thinking", "tool_use", "thinking", "tool_use"]
    assert opened(message.content[1].signature) == GEMINI


def test_a_signature_that_comes_too_late_is_told() -> None:
    losses = Losses()
    late = [
        PartStart(index=0, kind="tool_call", id="a", name="get"),
        Delta(0, "{}"),
        SignatureDelta(0, GEMINI),
        PartEnd(0),
    ]

    stream(body(*late), losses=losses)

    assert len(losses) == 1


def test_hidden_thinking_leaves_its_signature_alone() -> None:
    hidden = AnswerContext(model="m", created=1, show_thinking=False)

    assert types(judged(stream(body(*thinking(0, "Hm."), *text(1, "A")), hidden))) == ["text"]
    signed = judged(stream(body(*thinking(0, "Hm.", OWN), *text(1, "A")), hidden))
    assert (signed.content[0].thinking, signed.content[0].signature) == ("", "EqQB")


def test_text_without_any_text_makes_no_block() -> None:
    assert judged(stream(body(*text(0), *text(1, "", "A")))).content[0].text == "A"


def test_an_answer_of_nothing_still_ends_as_the_grammar_wants() -> None:
    wire = stream(body())

    assert_grammar(wire)
    assert judged(wire).content == []


def test_redacted_thinking_and_refusals() -> None:
    wire = stream(
        body(
            PartStart(index=0, kind="redacted_thinking", data="c2Vj"),
            PartEnd(0),
            PartStart(index=1, kind="refusal"),
            Delta(1, "I cannot."),
            PartEnd(1),
            finish="refusal",
        )
    )

    assert_grammar(wire)
    message = judged(wire)
    assert message.content[0].data == "c2Vj"
    assert message.content[1].text == "I cannot."


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("end", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("tool", "tool_use"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
        ("context_window", "model_context_window_exceeded"),
    ],
)
def test_stop_reasons(finish: FinishReason, reason: str) -> None:
    streamed = judged(stream(body(*text(0, "x"), finish=finish)))
    written = Message.model_validate(whole(Answer(id="1", model="m", parts=(TextPart(text="x"),), finish=finish)))

    assert streamed.stop_reason == written.stop_reason == reason


def test_a_refusal_tells_why() -> None:
    end = MessageEnd(finish="refusal", refusal="Not this.")

    streamed = judged(stream([MessageStart("1", "m"), end]))
    written = whole(Answer(id="1", model="m", parts=(), finish="refusal", refusal="Not this."))

    assert streamed.stop_details is not None
    assert streamed.stop_details.explanation == "Not this."
    assert written["stop_details"] == {"type": "refusal", "category": None, "explanation": "Not this."}


def test_a_stop_sequence_is_named() -> None:
    found = documents(stream([MessageStart("1", "m"), MessageEnd(finish="stop_sequence", stop_sequence="3")]))

    assert found[-2]["delta"]["stop_sequence"] == "3"


def test_a_failed_stream_ends_in_an_error_event() -> None:
    problem = Problem(kind="overloaded", status=503, code="overloaded", message="busy")

    wire = stream([*body(*text(0, "Hi"))[:3], StreamFailed(problem)])

    assert b"message_stop" not in wire
    assert wire.endswith(
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'
    )


@pytest.mark.parametrize("finish", ["error", "malformed_tool"])
def test_a_broken_answer_never_looks_complete(finish: FinishReason) -> None:
    wire = stream(body(*text(0, "Hi"), finish=finish))

    assert b"message_stop" not in wire
    assert documents(wire)[-1]["type"] == "error"
    with pytest.raises(GarbageError):
        ANTHROPIC_MESSAGES.encode_answer(Answer(id="1", model="m", parts=(), finish=finish), CONTEXT, Losses())


def test_a_whole_answer_is_read_by_the_sdk() -> None:
    parts: tuple[Part, ...] = (
        ThinkingPart(text="Hm."),
        ToolCallPart(id="a", name="get", arguments='{"n":12345678901234567890}', signature=GEMINI),
        TextPart(text=""),
        RefusalPart(text="no"),
        ToolCallPart(id="b", name="now", arguments="", signature=GEMINI),
        ThinkingPart(redacted="c2Vj"),
        OpaquePart(dialect="anthropic-messages", label="x", raw=b'{"type":"text","text":"raw"}'),
    )

    document = whole(Answer(id="1", model="", parts=parts, finish="tool", usage=USAGE))

    message = Message.model_validate(document)
    assert (message.id, message.model) == ("msg_1", "asked")
    assert types(message) == ["thinking", "tool_use", "text", "thinking", "tool_use", "redacted_thinking", "text"]
    assert opened(message.content[0].signature) == GEMINI
    assert document["content"][1]["input"] == {"n": 12345678901234567890}
    assert document["content"][4]["input"] == {}
    assert message.usage.cache_creation is not None
    assert message.usage.cache_creation.ephemeral_1h_input_tokens == 1
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 6


def test_what_the_dialect_has_no_place_for_is_told() -> None:
    losses = Losses()
    foreign = OpaquePart(dialect="gemini-generate", label="executableCode", raw=b"{}")

    document = whole(Answer(id="1", model="m", parts=(TextPart(text="A"), foreign), finish="end"), losses=losses)

    assert document["content"] == [{"type": "text", "text": "A"}]
    assert len(losses) == 1


@pytest.mark.parametrize("order", ["text first", "call first", "no call"])
def test_a_proof_of_text_is_a_loss_only_beside_calls(order: str) -> None:
    """The next turn of a plain chat can do without it."""
    streamed, told = Losses(), Losses()
    text: list[Event] = [
        PartStart(index=0, kind="text"),
        Delta(0, "A"),
        SignatureDelta(0, GEMINI),
        PartEnd(0),
    ]
    call: list[Event] = [PartStart(index=1, kind="tool_call", id="a", name="get"), Delta(1, "{}"), PartEnd(1)]
    parts = {"text first": [*text, *call], "call first": [*call, *text], "no call": text}[order]
    events: list[Event] = [MessageStart("1", "m"), *parts, MessageEnd(finish="end" if order == "no call" else "tool")]

    encoder = ANTHROPIC_MESSAGES.stream_encoder(AnswerContext(model="m", created=1), streamed)
    for event in events:
        encoder.feed(event)
    ANTHROPIC_MESSAGES.encode_answer(assemble(events), AnswerContext(model="m", created=1), told)

    assert len(streamed) == len(told) == (0 if order == "no call" else 1)


def test_a_whole_answer_without_usage_gets_an_estimate() -> None:
    usage = whole(Answer(id="1", model="m", parts=(TextPart(text="12345678"),), finish="end"))["usage"]

    assert usage == {"input_tokens": 7, "output_tokens": 2}


TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Any answer, its parallel calls interleaved at random."""
    events: list[Event] = [MessageStart("1", "m")]
    index = 0
    for kind in draw(st.lists(st.sampled_from(["thinking", "text"]), max_size=3)):
        if kind == "text":
            events += text(index, *draw(st.lists(TEXT, max_size=3)))
        else:
            events += thinking(index, draw(TEXT), draw(st.sampled_from([None, OWN])))
        index += 1
    calls = [call(index + number, json.dumps({"v": draw(TEXT)})) for number in range(draw(st.integers(0, 3)))]
    events += [one[0] for one in calls]
    waiting = [one[1:] for one in calls]
    while any(waiting):
        chosen = draw(st.sampled_from([one for one in waiting if one]))
        events.append(chosen.pop(0))
    usage = Usage(input=draw(st.integers(0, 99)), output=draw(st.integers(0, 99)))
    return [*events, UsageUpdate(usage), MessageEnd(finish="tool" if calls else "end")]


@given(answers())
def test_what_is_written_is_read_back_the_same(events: list[Event]) -> None:
    wire = stream(events)

    assert_grammar(wire)
    judged(wire)
    before, after = assemble(events), assemble(decoded(ANTHROPIC_MESSAGES, wire))
    assert known(after.parts) == known(before.parts)
    assert (after.finish, after.usage) == (before.finish, before.usage)


@given(answers())
def test_a_streamed_answer_equals_the_whole_one(events: list[Event]) -> None:
    streamed = judged(stream(events))
    written = Message.model_validate(whole(assemble(events)))

    assert [block.model_dump() for block in streamed.content] == [block.model_dump() for block in written.content]


def known(parts: tuple[Part, ...]) -> list[Part]:
    """Without empty texts and without the marks that unsigned thinking carries."""
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, ThinkingPart) and part.signature is not None and part.signature.value == seal(None):
            kept.append(ThinkingPart(text=part.text))
        elif not (isinstance(part, TextPart) and not part.text):
            kept.append(part)
    return kept
