"""Events back to one answer."""

from __future__ import annotations

from proxyctl.core.chat import Answer, Citation, RefusalPart, Signature, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.errors import Problem
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    SignatureDelta,
    StreamFailed,
    UsageUpdate,
)
from proxyctl.core.usage import Usage
from proxyctl.dialects.assemble import assemble

SIGNATURE = Signature("c2ln", "anthropic-messages")


def test_parts_keep_the_order_in_which_they_began_even_when_they_interleave() -> None:
    events = [
        MessageStart("m", "model", Usage(input=3)),
        PartStart(index=0, kind="tool_call", id="a", name="get"),
        PartStart(index=1, kind="tool_call", id="b", name="put"),
        Delta(1, "{}"),
        Delta(0, '{"k":'),
        PartEnd(1),
        Delta(0, "1}"),
        PartEnd(0),
        UsageUpdate(Usage(input=3, output=1)),
        UsageUpdate(Usage(input=3, output=2)),
        MessageEnd(finish="tool"),
    ]

    assert assemble(events) == Answer(
        id="m",
        model="model",
        parts=(ToolCallPart(id="a", name="get", arguments='{"k":1}'), ToolCallPart(id="b", name="put")),
        finish="tool",
        usage=Usage(input=3, output=2),
    )


def test_every_kind_of_part() -> None:
    events = [
        MessageStart("m", "model"),
        PartStart(index=0, kind="thinking"),
        Delta(0, "Hm."),
        SignatureDelta(0, SIGNATURE),
        PartEnd(0),
        PartStart(index=1, kind="redacted_thinking", data="locked"),
        PartEnd(1),
        PartStart(index=2, kind="text"),
        Delta(2, "Well, "),
        Delta(2, "no."),
        PartEnd(2),
        PartStart(index=3, kind="refusal"),
        Delta(3, "I will not."),
        PartEnd(3),
        MessageEnd(finish="stop_sequence", stop_sequence="END", refusal="policy"),
    ]

    answer = assemble(events)

    assert answer.parts == (
        ThinkingPart(text="Hm.", signature=SIGNATURE),
        ThinkingPart(redacted="locked"),
        TextPart(text="Well, no."),
        RefusalPart(text="I will not."),
    )
    assert (answer.finish, answer.stop_sequence, answer.refusal) == ("stop_sequence", "END", "policy")


def test_sources_stand_on_the_text_that_they_came_with() -> None:
    first, second = Citation(url="https://a.example", start=0, end=2), Citation(title="Notes")
    events = [
        MessageStart("m", "model"),
        PartStart(index=0, kind="text"),
        Delta(0, "We"),
        CitationAdded(0, first),
        Delta(0, "ll"),
        CitationAdded(0, second),
        PartEnd(0),
        PartStart(index=1, kind="text"),
        Delta(1, "."),
        PartEnd(1),
        MessageEnd(finish="end", uncarried=("metadata",)),
    ]

    answer = assemble(events)

    assert answer.parts == (TextPart(text="Well", citations=(first, second)), TextPart(text="."))
    assert answer.uncarried == ("metadata",)


def test_usage_of_the_beginning_stands_until_a_later_one() -> None:
    events = [MessageStart("m", "model", Usage(input=3)), MessageEnd(finish="end")]

    assert assemble(events).usage == Usage(input=3)


def test_a_stream_that_failed_is_never_a_complete_answer() -> None:
    problem = Problem(kind="upstream", status=502, code="stream_cut", message="cut")
    events = [MessageStart("m", "model"), PartStart(index=0, kind="text"), Delta(0, "Hel"), StreamFailed(problem)]

    answer = assemble(events)

    assert answer.finish == "error"
    assert answer.parts == (TextPart(text="Hel"),)
