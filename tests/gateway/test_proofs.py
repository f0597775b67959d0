"""Proofs of one caller: what is gathered from an answer, and where it goes in the histories that come back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxyctl.core.chat import (
    Answer,
    ChatRequest,
    Message,
    Part,
    RefusalPart,
    Signature,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from proxyctl.core.clock import ManualClock
from proxyctl.core.events import Delta, Event, MessageEnd, MessageStart, PartEnd, PartStart, SignatureDelta
from proxyctl.core.losses import Losses
from proxyctl.gateway.kept_signatures import KeptSignatures, Maker
from proxyctl.gateway.proof_gathering import LONGEST
from proxyctl.gateway.proofs import Proofs

CLAUDE = Maker("anthropic-messages", "claude-opus-5-5")
OTHER_CLAUDE = Maker("anthropic-messages", "claude-sonnet-5-5")
GEMINI = Maker("gemini-generate", "gemini-3.8-flash")
DEEPSEEK = Maker("openai-chat", "deepseek-v4")
TEXT = TextPart(text="I will look.")
REDACTED = ThinkingPart(redacted="EmwKAhgB")


def thought(text: str = "Hm.", value: str = "EqQB") -> ThinkingPart:
    return ThinkingPart(text=text, signature=Signature(value, "anthropic-messages"))


def call(number: int, signature: str = "") -> ToolCallPart:
    proof = Signature(signature, "gemini-generate") if signature else None
    return ToolCallPart(id=f"c{number}", name="get", arguments=f'{{"n":{number}}}', signature=proof)


def bare(parts: Sequence[Part]) -> tuple[Part, ...]:
    """What a chat client keeps: one text, then the calls, without any proof."""
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    calls = [replace(part, signature=None) for part in parts if isinstance(part, ToolCallPart)]
    return (*([TextPart(text=text)] if text else []), *calls)


class Conversation:
    """One caller's proofs, and the losses of what it sends."""

    def __init__(self) -> None:
        self.kept = KeptSignatures(ManualClock())
        self._proofs = Proofs(self.kept, "")
        self.losses = Losses()

    def told(self, maker: Maker, *parts: Part, unsigned: bool = False) -> None:
        answer = Answer(id="1", model="m", parts=parts, finish="tool")
        self._proofs.gatherer(maker, lambda: "s", unsigned=unsigned).read(answer)

    def streamed(self, maker: Maker, events: Sequence[Event]) -> None:
        gatherer = self._proofs.gatherer(maker, lambda: "s", unsigned=False)
        for event in events:
            gatherer.feed(event)
        gatherer.keep()

    def sent(self, maker: Maker, *parts: Part) -> tuple[Part, ...]:
        """An assistant's turn, as this maker is sent it."""
        messages = (Message("user", (TextPart(text="Hi"),)), Message("assistant", parts))
        request = ChatRequest(model="m", messages=messages)
        return self._proofs.put_back(request, maker, lambda: "s", self.losses).messages[1].parts

    def lost(self) -> list[str]:
        return [loss.path for loss in self.losses.entries()]


@pytest.fixture
def conversation() -> Conversation:
    return Conversation()


@pytest.mark.parametrize(
    "turn",
    [
        (thought(), call(1)),
        (thought(), TEXT, call(1), call(2)),
        (TEXT, thought(), call(1)),
        (thought("One.", "A"), TEXT, thought("Two.", "B"), call(1)),
        (REDACTED, thought(), TEXT, call(1)),
        (thought("One.", "A"), TEXT, call(1), thought("Two.", "B"), call(2)),
        (thought("One.", "A"), thought("Two.", "B"), call(1), call(2)),
    ],
)
def test_thoughts_return_to_where_they_stood(conversation: Conversation, turn: tuple[Part, ...]) -> None:
    conversation.told(CLAUDE, *turn)

    assert conversation.sent(CLAUDE, *bare(turn)) == turn
    assert conversation.lost() == []


def test_a_callers_own_copy_of_a_thought_gives_way_to_the_proven_one(conversation: Conversation) -> None:
    conversation.told(CLAUDE, thought(), TEXT, call(1))

    for copy in (ThinkingPart(text="Hm."), replace(thought(), text=""), thought()):
        assert conversation.sent(CLAUDE, copy, TEXT, call(1)) == (thought(), TEXT, call(1))


def test_a_proof_that_is_not_known_here_is_left_alone(conversation: Conversation) -> None:
    conversation.told(CLAUDE, thought(), call(1))
    carried = (thought("Else.", "other"), call(1))

    assert conversation.sent(CLAUDE, *carried) == carried


def test_each_signature_returns_to_its_call_and_to_no_other(conversation: Conversation) -> None:
    batch = (call(1, "AA=="), call(2), call(3, "BB=="))
    conversation.told(GEMINI, TEXT, *batch)

    assert conversation.sent(GEMINI, *bare((TEXT, *batch))) == (TEXT, *batch)
    assert conversation.sent(GEMINI, call(1, "carried")) == (call(1, "carried"),)


@pytest.mark.parametrize("maker", [GEMINI, OTHER_CLAUDE, Maker("openai-chat", "claude-opus-5-5")])
def test_a_proof_goes_to_nobody_but_its_maker(conversation: Conversation, maker: Maker) -> None:
    conversation.told(CLAUDE, thought(), TEXT, call(1))

    assert conversation.sent(maker, TEXT, call(1)) == (TEXT, call(1))
    assert conversation.lost() == []


def test_another_models_proof_is_taken_out_of_what_a_caller_carries(conversation: Conversation) -> None:
    conversation.told(CLAUDE, thought(), TEXT, call(1))
    conversation.told(GEMINI, call(2, "AA=="))

    assert conversation.sent(OTHER_CLAUDE, thought(), TEXT, call(1)) == (TEXT, call(1))
    assert conversation.sent(Maker("gemini-generate", "gemini-3.6-flash"), call(2, "AA==")) == (call(2),)
    assert conversation.lost() == ["messages[1]"]


def test_an_answer_without_calls_needs_no_proof(conversation: Conversation) -> None:
    conversation.told(CLAUDE, thought(), TEXT)
    conversation.told(GEMINI, call(1))

    assert len(conversation.kept) == 0


def test_unsigned_thinking_is_kept_for_who_wants_it_back(conversation: Conversation) -> None:
    """Some models refuse a tool loop whose thinking is missing (wire notes 2026-11, conformance case 57)."""
    conversation.told(DEEPSEEK, ThinkingPart(text="Hm."), call(1), unsigned=True)
    conversation.told(CLAUDE, ThinkingPart(text="Hm."), call(2))

    assert conversation.sent(DEEPSEEK, call(1)) == (ThinkingPart(text="Hm."), call(1))
    assert conversation.sent(CLAUDE, call(2)) == (call(2),)


def test_a_signature_of_another_dialect_is_not_the_makers(conversation: Conversation) -> None:
    """A server of OpenAI's dialect may stand before Google: it cannot be told the signature in that dialect."""
    conversation.told(DEEPSEEK, call(1, "AA=="))

    assert len(conversation.kept) == 0


def events_of(parts: Sequence[Part]) -> list[Event]:
    """The stream of an answer: several calls may be open at once, as providers interleave them."""
    begun: list[Event] = []
    ended: list[Event] = []
    for index, part in enumerate(parts):
        match part:
            case ThinkingPart(redacted=str(data)):
                begun += [PartStart(index=index, kind="redacted_thinking", data=data), PartEnd(index)]
            case ThinkingPart():
                begun += [PartStart(index=index, kind="thinking"), *_halves(index, part.text)]
                if part.signature is not None:
                    begun.append(SignatureDelta(index, part.signature))
                begun.append(PartEnd(index))
            case ToolCallPart():
                begun.append(PartStart(index=index, kind="tool_call", id=part.id, name=part.name))
                if part.signature is not None:
                    begun.append(SignatureDelta(index, part.signature))
                ended += [*_halves(index, part.arguments), PartEnd(index)]
            case TextPart() | RefusalPart():
                kind = PartStart(index=index, kind="text" if isinstance(part, TextPart) else "refusal")
                begun += [kind, Delta(index, part.text), PartEnd(index)]
            case _:
                raise AssertionError(part)
    return [MessageStart("1", "m"), *begun, *ended, MessageEnd(finish="tool")]


def _halves(index: int, text: str) -> list[Event]:
    half = len(text) // 2
    return [Delta(index, piece) for piece in (text[:half], text[half:]) if piece]


signatures = st.sampled_from(["", "AA==", "BB=="])
parts = st.lists(
    st.just(TEXT)
    | st.just(RefusalPart(text="No."))
    | st.just(REDACTED)
    | st.builds(thought, st.sampled_from(["", "Hm."]), st.sampled_from(["A", "B"]))
    | st.just(ThinkingPart(text="Nobody signed this."))
    | st.builds(call, st.integers(1, 9), signatures),
    max_size=6,
    unique_by=lambda part: part.id if isinstance(part, ToolCallPart) else object(),
)


@given(parts, st.sampled_from([CLAUDE, GEMINI]))
def test_a_stream_leaves_what_the_whole_answer_leaves(answer: list[Part], maker: Maker) -> None:
    whole, streamed = Conversation(), Conversation()
    whole.told(maker, *answer)
    streamed.streamed(maker, events_of(answer))

    turn = bare(answer)
    assert streamed.sent(maker, *turn) == whole.sent(maker, *turn)
    assert streamed.kept.size == whole.kept.size


@given(parts, st.sampled_from([CLAUDE, GEMINI]))
def test_putting_back_twice_changes_nothing(answer: list[Part], maker: Maker) -> None:
    """The same history gives the same request, whether its caller carries the proofs or not."""
    conversation = Conversation()
    conversation.told(maker, *answer)

    once = conversation.sent(maker, *bare(answer))

    assert conversation.sent(maker, *once) == once
    assert conversation.sent(maker, *bare(answer)) == once
    assert conversation.lost() == []


def test_a_stream_that_never_ends_keeps_nothing(conversation: Conversation) -> None:
    gatherer = Proofs(conversation.kept, "").gatherer(GEMINI, lambda: "s", unsigned=False)
    for event in events_of([call(1, "AA==")])[:-1]:
        gatherer.feed(event)

    assert len(conversation.kept) == 0


def test_what_is_too_long_is_not_held(conversation: Conversation) -> None:
    long = thought("x" * (LONGEST + 2))

    conversation.streamed(CLAUDE, events_of([long, REDACTED, call(1), thought(), call(2)]))

    assert conversation.sent(CLAUDE, call(1), call(2)) == (call(1), thought(), call(2))
