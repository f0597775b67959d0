"""Streams and whole answers for Gemini's clients, judged by the SDK's own types, which forbid unknown members."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from google.genai import types
from msgspec.structs import replace

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
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.base import AnswerContext, encode_json
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from tests.dialects.wire_cases import decoded, documents, encoded

CONTEXT = AnswerContext(model="asked", created=1, input_estimate=11)
OURS = Signature("AQ==", "gemini-generate")
THEIRS = Signature("ErUB+/==", "anthropic-messages")
USAGE = Usage(input=5, cache_read=3, tool_input=2, output=7, reasoning=4)
EVENTS: list[Event] = [
    MessageStart("r1", "served"),
    PartStart(index=0, kind="thinking"),
    Delta(0, "I think"),
    SignatureDelta(0, THEIRS),
    PartEnd(0),
    PartStart(index=1, kind="text"),
    Delta(1, "Hel"),
    Delta(1, "lo"),
    PartStart(index=2, kind="tool_call", id="c1", name="f"),
    Delta(2, '{"n":12345678'),
    SignatureDelta(2, OURS),
    PartEnd(1),
    Delta(2, "901234567890}"),
    PartEnd(2),
    PartStart(index=3, kind="tool_call", id="c2", name="g"),
    PartEnd(3),
    UsageUpdate(USAGE),
    MessageEnd(finish="tool"),
]


def streamed(events: Iterable[Event], context: AnswerContext = CONTEXT) -> bytes:
    wire = encoded(GEMINI_GENERATE.stream_encoder(context, Losses()), events)
    for document in documents(wire):
        types.GenerateContentResponse.model_validate(document)
    return wire


def whole(context: AnswerContext = CONTEXT, losses: Losses | None = None, **fields: Any) -> Any:
    answer = Answer(**{"id": "r1", "model": "served", "parts": (), "finish": "end", "usage": USAGE, **fields})
    document = json.loads(GEMINI_GENERATE.encode_answer(answer, context, Losses() if losses is None else losses))
    types.GenerateContentResponse.model_validate(document)
    return document


def parts_of(document: Any) -> Any:
    return document["candidates"][0]["content"]["parts"]


def test_a_stream_says_new_parts_only_and_its_end_last() -> None:
    sent = documents(streamed(EVENTS))

    parts = [part for document in sent for part in parts_of(document)]
    assert [part.get("text") for part in parts] == ["I think", "", "Hel", "lo", None, None, ""]
    assert parts[0] == {"text": "I think", "thought": True}
    assert parts[1]["thought"] is True
    assert parts[4] == {
        "functionCall": {"id": "c1", "name": "f", "args": {"n": 12345678901234567890}},
        "thoughtSignature": "AQ==",
    }
    assert parts[5] == {"functionCall": {"id": "c2", "name": "g", "args": {}}}
    assert [document["candidates"][0].get("finishReason") for document in sent] == [None] * 6 + ["STOP"]
    assert {(document["modelVersion"], document["responseId"]) for document in sent} == {("served", "r1")}


def test_a_stream_comes_back_as_it_went() -> None:
    """Our own reader, another's proof aside: that one is for the client to keep."""
    answer = assemble(decoded(GEMINI_GENERATE, streamed(EVENTS)))

    assert answer.finish == "tool"
    assert answer.usage == USAGE
    text, calls = answer.parts[1], answer.parts[2:]
    assert text == TextPart(text="Hello")
    assert calls == (
        ToolCallPart(id="c1", name="f", arguments='{"n":12345678901234567890}', signature=OURS),
        ToolCallPart(id="c2", name="g"),
    )


def test_what_a_stream_said_can_be_said_back() -> None:
    """The client's next request, with the pieces as they came, gives each proof back to its part."""
    contents: Any = [document["candidates"][0]["content"] for document in documents(streamed(EVENTS))]

    [message] = GEMINI_GENERATE.decode_request(encode_json({"contents": contents})).messages

    assert message.role == "assistant"
    assert message.parts == (
        ThinkingPart(text="I think", signature=THEIRS),
        TextPart(text="Hello"),
        ToolCallPart(id="c1", name="f", arguments='{"n":12345678901234567890}', signature=OURS),
        ToolCallPart(id="c2", name="g"),
    )


def test_whole_and_streamed_are_the_same_answer() -> None:
    answer = assemble(EVENTS)
    document = whole(parts=answer.parts, finish=answer.finish)

    [message] = GEMINI_GENERATE.decode_request(
        encode_json({"contents": [document["candidates"][0]["content"]]})
    ).messages

    assert message.parts == answer.parts
    assert document["usageMetadata"] == documents(streamed(EVENTS))[-1]["usageMetadata"]


def test_hidden_thoughts_keep_their_proof() -> None:
    hidden = replace(CONTEXT, show_thinking=False)
    thought = ThinkingPart(text="I think", signature=THEIRS)

    [first, *_] = documents(streamed(EVENTS, hidden))
    [part] = parts_of(whole(hidden, parts=(thought,)))

    assert parts_of(first) == [part]
    assert (part["text"], part["thought"]) == ("", True)
    [message] = GEMINI_GENERATE.decode_request(encode_json({"contents": [{"role": "model", "parts": [part]}]})).messages
    assert message.parts == (ThinkingPart(signature=THEIRS),)


def test_encrypted_thinking_survives_in_both_forms() -> None:
    events: list[Event] = [
        MessageStart("r", "m"),
        PartStart(index=0, kind="redacted_thinking", data="EmwK"),
        PartEnd(0),
        MessageEnd(finish="end"),
    ]
    redacted = ThinkingPart(redacted="EmwK")

    for parts in (parts_of(documents(streamed(events))[0]), parts_of(whole(parts=(redacted,)))):
        [message] = GEMINI_GENERATE.decode_request(
            encode_json({"contents": [{"role": "model", "parts": parts}]})
        ).messages
        assert message.parts == (redacted,)


def test_lines_end_only_where_frames_do() -> None:
    """Google's SDK splits lines as Unicode does (client notes 2026-11)."""
    text = "a\u2028b\u2029c\u0085d\u000be"
    wire = streamed([MessageStart("r", "m"), PartStart(index=0, kind="text"), Delta(0, text), PartEnd(0)])

    assert len(wire.decode().splitlines()) == 2
    assert parts_of(documents(wire)[0]) == [{"text": text}]


def test_counts_as_gemini_makes_them() -> None:
    assert whole()["usageMetadata"] == {
        "promptTokenCount": 8,
        "cachedContentTokenCount": 3,
        "toolUsePromptTokenCount": 2,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 4,
        "totalTokenCount": 21,
    }


def test_a_provider_without_counts_is_estimated() -> None:
    parts = (TextPart(text="x" * 9),)
    events: list[Event] = [MessageStart("r", ""), PartStart(index=0, kind="text"), Delta(0, "x" * 9), PartEnd(0)]

    for document in (whole(parts=parts, usage=None), documents(streamed([*events, MessageEnd(finish="end")]))[-1]):
        assert document["usageMetadata"] == {"promptTokenCount": 11, "candidatesTokenCount": 3, "totalTokenCount": 14}


def test_a_model_that_nobody_named_is_the_one_asked() -> None:
    assert whole(model="")["modelVersion"] == "asked"


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        ("end", "STOP"),
        ("tool", "STOP"),
        ("stop_sequence", "STOP"),
        ("pause", "STOP"),
        ("length", "MAX_TOKENS"),
        ("context_window", "MAX_TOKENS"),
        ("refusal", "SAFETY"),
    ],
)
def test_finish_reasons(finish: FinishReason, word: str) -> None:
    stream = documents(streamed([MessageStart("r", "m"), MessageEnd(finish=finish, refusal="because")]))[-1]

    for document in (whole(finish=finish, refusal="because"), stream):
        [candidate] = document["candidates"]
        assert candidate["finishReason"] == word
        assert candidate.get("finishMessage") == ("because" if word == "SAFETY" else None)
        assert candidate["content"]["parts"] == [{"text": ""}]


@pytest.mark.parametrize("finish", ["error", "malformed_tool"])
def test_a_failed_answer_is_no_answer(finish: FinishReason) -> None:
    with pytest.raises(GarbageError):
        whole(finish=finish)
    [document] = documents(encoded(GEMINI_GENERATE.stream_encoder(CONTEXT, Losses()), [MessageEnd(finish=finish)]))
    assert set(document) == {"error"}


def test_a_stream_that_failed_ends_in_an_error_frame() -> None:
    problem = Problem(kind="overloaded", status=503, code="busy", message="too busy")

    wire = encoded(GEMINI_GENERATE.stream_encoder(CONTEXT, Losses()), [MessageStart("r", "m"), StreamFailed(problem)])

    [document] = documents(wire)
    assert document["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("part", "written", "lost"),
    [
        (RefusalPart(text="No."), [{"text": "No."}], 0),
        (TextPart(text="", signature=OURS), [{"text": "", "thoughtSignature": "AQ=="}], 0),
        (
            OpaquePart(dialect="gemini-generate", label="x", raw=b'{"executableCode":{"code":"1"}}'),
            [{"executableCode": {"code": "1"}}],
            0,
        ),
        (OpaquePart(dialect="anthropic-messages", label="x", raw=b"{}"), [{"text": ""}], 1),
        (ThinkingPart(), [{"text": ""}], 0),
    ],
)
def test_other_parts(part: Part, written: Any, lost: int) -> None:
    losses = Losses()

    assert parts_of(whole(losses=losses, parts=(part,))) == written
    assert len(losses) == lost
