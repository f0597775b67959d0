"""Any stream of events becomes a stream that OpenAI's own types and our grammar accept, and says what it said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState

from proxyctl.core.chat import Signature
from proxyctl.core.errors import Problem
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
from proxyctl.dialects.base import AnswerContext, decode_fields
from proxyctl.dialects.openai_responses import OPENAI_RESPONSES
from tests.dialects.openai_responses.requests import GET, PATCH, body
from tests.dialects.responses_judge import EVENT, check_grammar, check_response, events_of
from tests.dialects.wire_cases import checked, encoded

CONTEXT = AnswerContext(model="asked", created=1_763_900_000, input_estimate=11)
START = MessageStart("abc", "served")
GOOGLE = Signature("Q2c9PQ==", "gemini-generate")
CLAUDE = Signature("EqQBCkYI", "anthropic-messages")
OWN = Signature("gAAAAB==", "openai-responses")


def stream(*events: Event, context: AnswerContext = CONTEXT, losses: Losses | None = None) -> bytes:
    """The bytes of a stream of these events; one that has no end is given one."""
    ended = isinstance(events[-1], (MessageEnd, StreamFailed))
    told = checked([START, *events, *([] if ended else [MessageEnd(finish="end")])])
    return encoded(OPENAI_RESPONSES.stream_encoder(context, Losses() if losses is None else losses), told)


def items(*events: Event, context: AnswerContext = CONTEXT) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = check_grammar(stream(*events, context=context))["output"]
    return output


def part(index: int, kind: str, *pieces: str, signature: Signature | None = None, **more: str) -> list[Event]:
    signed = [] if signature is None else [SignatureDelta(index, signature)]
    start = PartStart(index=index, kind=kind, **more)  # type: ignore[arg-type]
    return [start, *signed, *(Delta(index, piece) for piece in pieces), PartEnd(index)]


def call(index: int, *pieces: str, name: str = "get", signature: Signature | None = None) -> list[Event]:
    return part(index, "tool_call", *pieces, id=f"call_{index}", name=name, signature=signature)


def test_a_text_in_all_its_events() -> None:
    events = events_of(stream(*part(0, "text", "He", "y"), UsageUpdate(Usage(input=3, output=2))))

    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[-1]["response"]["usage"]["total_tokens"] == 5
    assert {event["response"]["id"] for event in events if "response" in event} == {"resp_abc"}


def test_neighbouring_texts_are_parts_of_one_message() -> None:
    [message] = items(*part(0, "text", "a"), *part(1, "refusal", "b"), *part(2, "text", "c"))

    assert [content["type"] for content in message["content"]] == ["output_text", "refusal", "output_text"]


def test_a_text_without_a_word_makes_no_item() -> None:
    assert items(*part(0, "text"), *part(1, "thinking")) == []


def test_parts_that_interleave_are_told_one_after_the_other() -> None:
    first, second = items(
        PartStart(index=0, kind="tool_call", id="a", name="get"),
        PartStart(index=1, kind="tool_call", id="b", name="put"),
        Delta(0, '{"k"'),
        Delta(1, "{}"),
        Delta(0, ":1}"),
        PartEnd(1),
        PartEnd(0),
    )

    assert (first["call_id"], first["arguments"]) == ("a", '{"k":1}')
    assert (second["call_id"], second["arguments"]) == ("b", "{}")


@pytest.mark.parametrize("pieces", [(), ("",), (" ",)])
def test_a_call_without_arguments_has_an_empty_object(pieces: tuple[str, ...]) -> None:
    [one] = items(*call(0, *pieces))

    assert json.loads(one["arguments"]) == {}


def test_thinking_is_a_summary_with_its_makers_proof() -> None:
    own, foreign = items(*part(0, "thinking", "Hm", ".", signature=OWN), *part(1, "thinking", "So.", signature=CLAUDE))

    assert own["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert own["encrypted_content"] == OWN.value
    assert foreign["encrypted_content"].startswith("gws1.")


def test_thinking_that_is_not_shown_leaves_its_proof() -> None:
    hidden = AnswerContext(model="asked", created=1, show_thinking=False)

    [one] = items(*part(0, "thinking", "Hm.", signature=OWN), *part(1, "thinking", "So."), context=hidden)

    assert (one["summary"], one["encrypted_content"]) == ([], OWN.value)


def test_a_calls_proof_stands_before_it_in_the_thinking_or_in_an_item_of_its_own() -> None:
    """Wire notes 2026-11, case 49: two calls at once."""
    output = items(*part(0, "thinking", "Hm."), *call(1, "{}", signature=GOOGLE), *call(2, "{}", signature=GOOGLE))

    assert [item["type"] for item in output] == ["reasoning", "function_call", "reasoning", "function_call"]
    assert [len(item["summary"]) for item in output if item["type"] == "reasoning"] == [1, 0]
    assert output[0]["encrypted_content"] == output[2]["encrypted_content"]


def test_a_signed_text_loses_its_proof_and_says_so_beside_a_call() -> None:
    plain, called = Losses(), Losses()

    stream(*part(0, "text", "Hi", signature=GOOGLE), losses=plain)
    stream(*part(0, "text", "Hi", signature=GOOGLE), *call(1, "{}"), losses=called)

    assert plain.entries() == ()
    assert [loss.path for loss in called.entries()] == ["output"]


def test_a_free_text_call_gets_its_text_back() -> None:
    context = AnswerContext(model="m", created=1, custom_tools=frozenset({"apply_patch"}))

    [one] = items(*call(0, '{"inp', 'ut":"+a"}', name="apply_patch"), context=context)

    assert (one["type"], one["input"], one["name"]) == ("custom_tool_call", "+a", "apply_patch")


def test_a_tool_out_of_a_namespace_gets_its_two_names_back() -> None:
    space = {"type": "namespace", "name": "mcp__box__", "description": "d", "tools": [GET]}
    context = AnswerContext(model="m", created=1, asked=decode_fields(body(tools=[space, GET])))

    inside, outside = items(*call(0, "{}", name="mcp__box__get"), *call(1, "{}"), context=context)

    assert (inside["name"], inside["namespace"]) == ("get", "mcp__box__")
    assert outside["name"] == "get"
    assert "namespace" not in outside


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("end", "completed", None),
        ("tool", "completed", None),
        ("stop_sequence", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("context_window", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
    ],
)
def test_how_it_ended(finish: Any, status: str, reason: str | None) -> None:
    response = check_grammar(stream(*part(0, "text", "Hi"), MessageEnd(finish=finish)))

    assert response["status"] == response["output"][0]["status"] == status
    assert (response["incomplete_details"] or {}).get("reason") == reason


def test_a_pause_is_told_as_completed_and_counted() -> None:
    losses = Losses()

    response = check_grammar(stream(*part(0, "text", "Hi"), MessageEnd(finish="pause"), losses=losses))

    assert response["status"] == "completed"
    assert len(losses) == 1


def test_why_it_was_refused_is_said_once() -> None:
    only_named = items(MessageEnd(finish="refusal", refusal="Unsafe."))
    told_already = items(*part(0, "refusal", "Unsafe."), MessageEnd(finish="refusal", refusal="Unsafe."))

    for [message] in (only_named, told_already):
        assert message["content"] == [{"type": "refusal", "refusal": "Unsafe."}]


def test_without_reported_usage_there_is_an_estimate() -> None:
    usage = check_grammar(stream(*part(0, "text", "x" * 9)))["usage"]

    assert (usage["input_tokens"], usage["output_tokens"]) == (11, 3)


@pytest.mark.parametrize("finish", ["error", "malformed_tool"])
def test_an_answer_that_failed_ends_in_a_failed_response(finish: Any) -> None:
    last = events_of(stream(*part(0, "text", "Hi"), MessageEnd(finish=finish)))[-1]

    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["code"] == "server_error"


def test_a_stream_that_breaks_ends_in_a_failed_response() -> None:
    problem = Problem(kind="rate_limit", status=429, code="x", message="slow down")

    last = events_of(stream(*part(0, "text", "Hi")[:-1], StreamFailed(problem)))[-1]

    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}


def test_a_stream_that_never_began_ends_in_an_error_event() -> None:
    problem = Problem(kind="upstream", status=502, code="x", message="m")

    encoder = OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses())
    [event] = events_of(encoder.feed(StreamFailed(problem)))

    assert event["type"] == "error"


def test_a_response_repeats_what_was_asked() -> None:
    """In one line, however the caller wrote it."""
    asked = {
        "model": "m",
        "input": "Hi",
        "instructions": "Be\nbrief.",
        "metadata": {"a": "b"},
        "tools": [{"type": "function", "name": "get"}, PATCH, {"type": "web_search"}],
        "tool_choice": "required",
        "text": {"verbosity": "low"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "parallel_tool_calls": None,
        "temperature": 0.25,
        "previous_response_id": "resp_0",
    }
    context = AnswerContext(model="m", created=1, asked=decode_fields(json.dumps(asked, indent=2).encode()))

    response = check_grammar(stream(*part(0, "text", "Hi"), context=context))

    check_response(response)
    for name in ("instructions", "metadata", "tool_choice", "reasoning", "temperature", "previous_response_id"):
        assert response[name] == asked[name]
    assert response["tools"][0] == {"type": "function", "name": "get", "parameters": None, "strict": None}
    assert response["text"] == {"verbosity": "low", "format": {"type": "text"}}
    assert response["parallel_tool_calls"] is True


@pytest.mark.parametrize(("given", "shown"), [("resp_1", "resp_1"), ("msg:1/é", "resp_msg1")])
def test_a_response_shows_the_providers_id(given: str, shown: str) -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses())

    event = events_of(encoder.feed(MessageStart(given, "")))[0]

    assert (event["response"]["id"], event["response"]["model"]) == (shown, "asked")


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
objects = st.dictionaries(words, words | st.integers(), max_size=2).map(json.dumps)


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """A sound stream of up to five parts, cut anywhere, several open at once."""
    open_parts: dict[int, list[Event]] = {}
    told: list[Event] = [START]
    for index in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["text", "thinking", "tool_call", "refusal", "redacted_thinking"]))
        text = "" if kind == "redacted_thinking" else draw(objects if kind == "tool_call" else words)
        at = draw(st.integers(0, len(text)))
        named = {"id": f"call_{index}", "name": "get"} if kind == "tool_call" else {}
        data = {"data": "cmVk"} if kind == "redacted_thinking" else {}
        signature = draw(st.sampled_from([None, GOOGLE, CLAUDE, OWN])) if kind in ("thinking", "tool_call") else None
        open_parts[index] = part(index, kind, text[:at], text[at:], signature=signature, **named, **data)
    while open_parts:
        index = draw(st.sampled_from(sorted(open_parts)))
        told.append(open_parts[index].pop(0))
        if not open_parts[index]:
            del open_parts[index]
    return [*told, MessageEnd(finish=draw(st.sampled_from(["end", "length", "tool", "refusal"])))]


@given(stories())
@settings(deadline=None)
def test_any_stream_keeps_the_grammar_and_equals_its_whole_answer(story: list[Event]) -> None:
    checked(story)

    streamed = check_grammar(encoded(OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses()), story))
    whole = json.loads(OPENAI_RESPONSES.encode_answer(assemble(story), CONTEXT, Losses()))

    check_response(streamed)
    assert streamed == whole


@given(stories())
@settings(deadline=None)
def test_pieces_are_what_feeding_gives(story: list[Event]) -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses())

    told = [
        b"".join(encoder.pieces(event)) if isinstance(event, PartEnd | MessageEnd) else encoder.feed(event)
        for event in story
    ]

    assert b"".join(told) == encoded(OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses()), story)


def test_each_event_that_repeats_the_text_is_a_piece_of_its_own() -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses())
    for event in (START, PartStart(index=0, kind="text"), Delta(0, "hello")):
        encoder.feed(event)

    pieces = [*encoder.pieces(PartEnd(0)), *encoder.pieces(MessageEnd(finish="end"))]

    assert [(piece.count(b"event: "), piece.count(b'"hello"')) for piece in pieces] == [(1, 1)] * 4


@given(stories())
@settings(deadline=None)
def test_the_official_clients_own_reader_follows_any_stream(story: list[Event]) -> None:
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    events = events_of(encoded(OPENAI_RESPONSES.stream_encoder(CONTEXT, Losses()), story))

    told = [one.type for event in events for one in state.handle_event(EVENT.validate_python(event))]

    assert told == [event["type"] for event in events]
