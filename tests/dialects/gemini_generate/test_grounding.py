"""Sources in Gemini's metadata: bytes that are characters, and places that are believed only when they hold."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxyctl.core.chat import Citation
from proxyctl.core.events import CitationAdded, Delta, Event, MessageEnd, MessageStart, PartEnd, PartStart
from proxyctl.core.losses import Losses
from proxyctl.dialects.gemini_generate import GEMINI_GENERATE
from proxyctl.dialects.gemini_generate.grounding import GROUNDING, TOO_LONG, GroundingWriter, Sources, size_of
from proxyctl.dialects.gemini_generate.wire import Response
from proxyctl.dialects.sources import NO_ADDRESS, NO_WORDS
from tests.dialects.carried import CONTEXT
from tests.dialects.wire_cases import checked, documents

PAGE = {"web": {"uri": "https://a.example", "title": "A"}}
CALL = {"functionCall": {"name": "get", "args": {}}}


def frame(*parts: dict[str, Any], **beside: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, **beside}
    return json.dumps({"candidates": [candidate], "modelVersion": "m", "responseId": "r"}).encode()


def decode(*frames: bytes) -> list[Event]:
    decoder = GEMINI_GENERATE.stream_decoder()
    return checked([event for data in frames for event in decoder.feed(data)] + list(decoder.end()))


def citations(events: list[Event]) -> list[tuple[int, Citation]]:
    return [(event.index, event.citation) for event in events if isinstance(event, CitationAdded)]


def uncarried(events: list[Event]) -> tuple[str, ...]:
    assert isinstance(events[-1], MessageEnd)
    return events[-1].uncarried


def support(start: int, end: int, *chunks: int, text: str | None = None) -> dict[str, Any]:
    segment: dict[str, Any] = {"startIndex": start, "endIndex": end}
    return {"segment": segment | ({"text": text} if text is not None else {}), "groundingChunkIndices": list(chunks)}


def grounded(*supports: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"groundingChunks": [PAGE], "groundingSupports": list(supports), **members}


@pytest.mark.parametrize(
    ("supported", "place"),
    [
        (support(0, 5, 0), (0, 3)),
        (support(0, 4, 0), (None, None)),
        (support(0, 5, 0, text="Été"), (0, 3)),
        (support(6, 9, 0, text="nur"), (4, 7)),
        (support(1, 5, 0), (None, None)),
        (support(0, 5, 0, text="Eté"), (None, None)),
        (support(0, 99, 0), (None, None)),
        (support(5, 0, 0), (None, None)),
        (support(-1, 5, 0), (None, None)),
    ],
)
def test_a_place_is_one_on_the_borders_of_characters(
    supported: dict[str, Any], place: tuple[int | None, int | None]
) -> None:
    events = decode(frame({"text": "Été nur"}, finishReason="STOP", groundingMetadata=grounded(supported)))

    assert citations(events) == [(0, Citation(url="https://a.example", title="A", start=place[0], end=place[1]))]


def test_sources_come_before_the_texts_end_even_when_a_signature_closes_it() -> None:
    last = frame({"text": "", "thoughtSignature": "c2ln"}, finishReason="STOP", groundingMetadata=grounded())

    events = decode(frame({"text": "It rains."}), last)

    assert [type(event) for event in events[-3:]] == [CitationAdded, PartEnd, MessageEnd]


def test_what_comes_when_no_text_is_open_any_more_is_not_carried() -> None:
    events = decode(frame({"text": "It rains."}), frame(CALL), frame(finishReason="STOP", groundingMetadata=grounded()))

    assert citations(events) == []
    assert uncarried(events) == (GROUNDING,)


def test_behind_a_second_text_nobody_knows_in_which_of_them_a_place_counts() -> None:
    thought = {"text": "Hm.", "thought": True}
    last = frame({"text": "Dry."}, finishReason="STOP", groundingMetadata=grounded(support(0, 4, 0)))

    events = decode(frame({"text": "Wet."}, thought), last)

    assert citations(events) == [(2, Citation(url="https://a.example", title="A"))]


def test_members_of_several_frames_are_one_metadata() -> None:
    first = frame({"text": "It "}, groundingMetadata={"webSearchQueries": ["rain"], "groundingChunks": []})
    last = frame({"text": "rains."}, finishReason="STOP", groundingMetadata=grounded(support(3, 8, 0)))

    events = decode(first, last)

    assert citations(events) == [(0, Citation(url="https://a.example", title="A", start=3, end=8))]
    assert uncarried(events) == (f"{GROUNDING}.webSearchQueries",)


@pytest.mark.parametrize("name", ["citationSources", "citations"])
def test_a_recited_text_names_its_sources(name: str) -> None:
    source = {"startIndex": 3, "endIndex": 8, "uri": "https://b.example", "license": "mit"}
    cited = {"citationMetadata": {name: [source]}}

    events = decode(frame({"text": "It rains."}, **cited), frame({"text": ""}, finishReason="STOP", **cited))

    assert citations(events) == [(0, Citation(url="https://b.example", start=3, end=8))]


@pytest.mark.parametrize(
    ("beside", "path"),
    [
        ({"groundingMetadata": 7}, GROUNDING),
        ({"groundingMetadata": {"groundingChunks": "x"}}, GROUNDING),
        ({"groundingMetadata": grounded(support(0, 2, 5))}, GROUNDING),
        ({"citationMetadata": [1]}, "candidates[0].citationMetadata"),
        ({"citationMetadata": {"citationSources": [1]}}, "candidates[0].citationMetadata"),
        ({"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "u"}]}}, "candidates[0].urlContextMetadata"),
    ],
)
def test_what_cannot_be_read_is_counted_and_breaks_nothing(beside: dict[str, Any], path: str) -> None:
    events = decode(frame({"text": "It rains."}, finishReason="STOP", **beside))

    assert uncarried(events) == (path,)


@pytest.mark.parametrize("nothing", [None, {}, {"groundingChunks": [], "groundingSupports": []}])
def test_empty_metadata_is_nothing(nothing: Any) -> None:
    events = decode(frame({"text": "It rains."}, finishReason="STOP", groundingMetadata=nothing))

    assert citations(events) == []
    assert uncarried(events) == ()


def test_a_source_of_files_is_named_without_an_address() -> None:
    chunk = {"retrievedContext": {"uri": "gs://bucket/a.txt", "title": "a.txt", "text": "Rain."}}
    metadata = {"groundingChunks": [chunk]}

    events = decode(frame({"text": "It rains."}, finishReason="STOP", groundingMetadata=metadata))

    assert citations(events) == [(0, Citation(title="a.txt", cited_text="Rain.", source="gs://bucket/a.txt"))]


@given(st.text(min_size=1), st.data())
def test_what_is_written_reads_the_same(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    citation = Citation(url="https://a.example", title="A", start=start, end=data.draw(st.integers(start, len(text))))
    writer = GroundingWriter(Losses())

    writer.add([citation], text)
    body = json.dumps({"candidates": [writer.document()]})
    [candidate] = msgspec.json.decode(body, type=Response).candidates or []
    sources = Sources()
    sources.read(candidate)

    assert sources.take(text) == [citation]
    assert sources.left() == ()


def test_an_address_is_written_once_and_places_are_moved_behind_what_was_said_before() -> None:
    losses = Losses()
    writer = GroundingWriter(losses)
    pages = [Citation(url="https://a.example", start=0, end=2), Citation(url="https://b.example", start=0, end=2)]

    writer.add(pages, "Öl.")
    writer.add([Citation(url="https://a.example", start=0, end=2)], "Öl.", offset=size_of("Öl."))

    assert writer.document() == {
        "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a.example"}}, {"web": {"uri": "https://b.example"}}],
            "groundingSupports": [
                {"segment": {"endIndex": 3, "text": "Öl"}, "groundingChunkIndices": [0, 1]},
                {"segment": {"startIndex": 4, "endIndex": 7, "text": "Öl"}, "groundingChunkIndices": [0]},
            ],
        }
    }
    assert len(losses) == 0


def test_what_a_web_source_has_no_place_for_is_lost() -> None:
    losses = Losses()
    writer = GroundingWriter(losses)

    writer.add([Citation(title="Notes"), Citation(url="https://a.example", cited_text="Rain.")], "It rains.")

    assert [loss.reason for loss in losses.entries()] == [NO_ADDRESS, NO_WORDS]
    assert writer.document() == {"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example"}}]}}


def test_a_text_that_is_too_long_to_be_kept_has_sources_without_places() -> None:
    """And so has what comes behind it, because nobody knows where that begins."""
    losses = Losses()
    encoder = GEMINI_GENERATE.stream_encoder(CONTEXT, losses)
    cited = CitationAdded(0, Citation(url="https://a.example", start=0, end=2))
    events: list[Event] = [MessageStart("r", "m"), PartStart(index=0, kind="text")]
    events += [Delta(0, "x" * 1024)] * 257
    events += [
        cited,
        PartEnd(0),
        PartStart(index=1, kind="text"),
        Delta(1, "Dry."),
        replace(cited, index=1),
        PartEnd(1),
    ]

    sent = b"".join(encoder.feed(event) for event in [*events, MessageEnd(finish="end")])

    last = documents(sent)[-1]["candidates"][0]
    assert last["groundingMetadata"] == {"groundingChunks": [{"web": {"uri": "https://a.example"}}]}
    assert [loss.reason for loss in losses.entries()] == [TOO_LONG]


def test_a_long_answers_sources_are_read_without_places() -> None:
    last = frame({"text": "Dry."}, finishReason="STOP", groundingMetadata=grounded(support(0, 3, 0)))

    events = decode(*[frame({"text": "x" * 1024})] * 257, last)

    assert citations(events) == [(0, Citation(url="https://a.example", title="A"))]
