"""The sources of every documented answer, towards every caller: what each is told, and what is counted as lost.

What a caller must find is written here as the words of the answer that rest on a source, so that a wrong unit, border
or offset shows. The callers' own SDKs read it, in their strict mode.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from msgspec.structs import replace
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from proxyctl.core.chat import Answer, Citation, DialectName, TextPart
from proxyctl.core.events import (
    CitationAdded,
    Delta,
    Event,
    EventChecker,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    UsageUpdate,
)
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.anthropic_messages.citations import CITATIONS as MESSAGES
from proxyctl.dialects.assemble import assemble
from proxyctl.dialects.gemini_generate.grounding import GROUNDING
from proxyctl.dialects.openai_chat.cited import ANNOTATIONS, REFERENCES
from proxyctl.dialects.openai_completions import OPENAI_COMPLETIONS
from proxyctl.dialects.openai_responses.document import CITATIONS as RESPONSES
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.dialects.sources import NO_ADDRESS, NO_PLACE_IN_TEXT, NO_WORDS
from tests.dialects.carried import CONTEXT, FOLDERS, Carried, translated
from tests.dialects.judges import chat_chunks, check_chat_grammar, message_events, seen_stream
from tests.dialects.responses_judge import check_grammar
from tests.dialects.wire_cases import WIRE, checked, documents

Named = tuple[str, str, str]
"""The words of the answer, the source's address, its title."""

YR, MET = ("https://yr.example/oslo", "yr"), ("https://met.example", "met")
YR_FIELDS = {"url": YR[0], "title": YR[1]}
WIND = ("https://wind.example", "Wind")
NAMED: dict[str, list[Named]] = {
    "gemini_generate/citations": [("Été: it rains", *YR), ("Oslo", *YR), ("Oslo", *MET)],
    "anthropic_messages/citations": [("It rains", *YR), (", and Rome is dry", *WIND)],
    "openai_chat/openai-annotations": [("rains", *YR), ("Oslo", *MET)],
    "openai_chat/mistral-references": [],
    "openai_responses/citations": [("It rains", *YR)],
    "openai_responses/web-search": [("It rains.", *YR)],
    "cohere_chat/citations": [],
    "cohere_chat/citations-of-pages": [("rains", *YR), ("Oslo", *YR)],
}
UNPLACED = {"gemini_generate/citations": [("", "https://unused.example", "unused")]}
WITHOUT_ADDRESS = {"anthropic_messages/citations", "cohere_chat/citations", "cohere_chat/citations-of-pages"}
WITH_WORDS = {"anthropic_messages/citations"}
"""Sources that come with words of their own, which only this dialect has a place for."""
UNCARRIED = {
    "gemini_generate/citations": "candidates[0].groundingMetadata.webSearchQueries",
    "openai_chat/mistral-references": REFERENCES,
    "openai_responses/citations": RESPONSES,
}
"""What an answer holds that no other dialect is told, whoever asks."""
PATHS: dict[DialectName, str] = {
    "openai-chat": ANNOTATIONS,
    "openai-responses": RESPONSES,
    "gemini-generate": GROUNDING,
    "anthropic-messages": MESSAGES,
}
CALLERS: tuple[DialectName, ...] = ("openai-chat", "openai-responses", "gemini-generate")


def stream_of(case: str, caller: DialectName) -> Carried:
    one = translated(FOLDERS[case.partition("/")[0]], caller, (WIRE / case / "stream.sse").read_bytes())
    assert one.problem is None
    return one


def whole_of(case: str, caller: DialectName, losses: Losses) -> Any:
    answer = UPSTREAM[FOLDERS[case.partition("/")[0]]].decode_answer((WIRE / case / "answer.json").read_bytes())
    losses.add_uncarried(answer.uncarried)
    return json.loads(INBOUND[caller].encode_answer(answer, CONTEXT, losses))


def named_in_text(text: str, citations: list[Any]) -> list[Named]:
    return [(text[one.start_index : one.end_index], one.url, one.title) for one in citations]


def in_chat(document: Any) -> list[Named]:
    message = ChatCompletion.model_validate_json(json.dumps(document), strict=True).choices[0].message
    return named_in_text(message.content or "", [one.url_citation for one in message.annotations or ()])


def in_response(document: Any) -> list[Named]:
    found: list[Named] = []
    for item in Response.model_validate_json(json.dumps(document), strict=True).output:
        assert item.type == "message"
        for content in item.content:
            assert content.type == "output_text"
            found += named_in_text(content.text, content.annotations)
    return found


def in_grounding(*frames: Any) -> list[Named]:
    """By bytes of the part that is named, or of the whole answer; the segment repeats them."""
    answers = [GenerateContentResponse.model_validate(frame).candidates[0] for frame in frames]  # type: ignore[index]
    parts = [part.text or "" for answer in answers for part in answer.content.parts]  # type: ignore[union-attr]
    sources = [answer.grounding_metadata for answer in answers if answer.grounding_metadata is not None]
    if not sources:
        return []
    [grounding] = sources
    pages = [(chunk.web.uri, chunk.web.title) for chunk in grounding.grounding_chunks]  # type: ignore[union-attr]
    found: list[Named] = []
    used: set[int] = set()
    for support in grounding.grounding_supports or ():
        segment = support.segment
        assert segment is not None
        text = parts[segment.part_index or 0] if len(frames) == 1 else "".join(parts)
        words = text.encode()[segment.start_index or 0 : segment.end_index].decode()
        assert words == segment.text
        used |= set(support.grounding_chunk_indices or ())
        found += [(words, *pages[index]) for index in support.grounding_chunk_indices or ()]  # type: ignore[misc]
    return found + [("", *page) for index, page in enumerate(pages) if index not in used]  # type: ignore[misc]


def streamed_in_chat(sent: bytes) -> list[Named]:
    check_chat_grammar(sent)
    seen_stream("openai-chat", sent)
    deltas = [choice["delta"] for chunk in chat_chunks(sent) for choice in chunk["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    lists = [delta["annotations"] for delta in deltas if "annotations" in delta]
    assert len(lists) <= 1  # the SDK cannot add one to another
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": lists[0] if lists else None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return in_chat({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def told(caller: DialectName, case: str) -> tuple[list[Named], list[Named], set[tuple[str, str]]]:
    """What the caller finds streamed and whole, and what was lost on both ways, which must be the same."""
    one, losses = stream_of(case, caller), Losses()
    document = whole_of(case, caller, losses)
    assert set(losses.entries()) == set(one.losses.entries())
    lost = {(loss.path, loss.reason) for loss in losses.entries()}
    read: Callable[[Any], list[Named]] = {"openai-chat": in_chat, "openai-responses": in_response}.get(
        caller, in_grounding
    )
    return found_in_stream(caller, one.sent), read(document), lost


def found_in_stream(caller: DialectName, sent: bytes) -> list[Named]:
    match caller:
        case "openai-chat":
            return streamed_in_chat(sent)
        case "openai-responses":
            return in_response(check_grammar(sent))
        case _:
            return in_grounding(*documents(sent))


def losses_of(caller: DialectName, case: str) -> set[tuple[str, str]]:
    path = PATHS[caller]
    expected: set[tuple[str, str]] = set()
    if case in UNCARRIED:
        expected.add((UNCARRIED[case], "translation does not carry it"))
    if case in WITHOUT_ADDRESS:
        expected.add((path, NO_ADDRESS))
    if case in WITH_WORDS:
        expected.add((path, NO_WORDS))
    if case in UNPLACED and caller != "gemini-generate":
        expected.add((path, NO_PLACE_IN_TEXT))
    return expected


@pytest.mark.parametrize("case", NAMED)
@pytest.mark.parametrize("caller", CALLERS)
def test_a_source_is_told_with_the_words_that_rest_on_it(caller: DialectName, case: str) -> None:
    streamed, whole, lost = told(caller, case)

    assert sorted(streamed) == sorted(whole)
    assert sorted(whole) == sorted(NAMED[case] + (UNPLACED.get(case, []) if caller == "gemini-generate" else []))
    assert lost == losses_of(caller, case)


def test_the_dialects_own_citations_go_back_as_they_came() -> None:
    """A block's sources stay with it, encrypted index included."""
    case = "anthropic_messages/citations"
    came = json.loads((WIRE / case / "answer.json").read_bytes())["content"]
    losses = Losses()

    whole = whole_of(case, "anthropic-messages", losses)
    events = message_events(stream_of(case, "anthropic-messages").sent)

    Message.model_validate_json(json.dumps(whole), strict=True)
    assert whole["content"] == came
    assert len(losses) == 0
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    streamed = [delta["citation"] for delta in deltas if delta["type"] == "citations_delta"]
    assert streamed == [citation for block in came for citation in block.get("citations", ())]
    seen_stream("anthropic-messages", stream_of(case, "anthropic-messages").sent)


@pytest.mark.parametrize("case", [case for case, named in NAMED.items() if named and "anthropic" not in case])
def test_sources_that_a_messages_client_could_not_be_told_honestly_are_a_loss(case: str) -> None:
    """Each of its kinds points into what only its own provider has seen: an encrypted index, a document's number."""
    losses = Losses()

    whole = whole_of(case, "anthropic-messages", losses)
    one = stream_of(case, "anthropic-messages")

    assert all("citations" not in block for block in whole["content"])
    assert b"citations_delta" not in one.sent
    for kept in (losses, one.losses):
        assert MESSAGES in [loss.path for loss in kept.entries()]


WEB = {
    "type": "web_search_result_location",
    "url": "https://a.example",
    "title": "A",
    "cited_text": "Rain.",
    "encrypted_index": "Eo8B",
}
CITATION = Citation(url="https://a.example", title="A", start=0, end=2)


@pytest.mark.parametrize(
    "events",
    [
        [PartStart(index=0, kind="thinking"), CitationAdded(0, CITATION)],
        [PartStart(index=0, kind="text"), PartEnd(0), CitationAdded(0, CITATION)],
        [CitationAdded(0, CITATION)],
    ],
    ids=["thinking", "ended", "unknown"],
)
def test_a_source_stands_in_an_open_text_alone(events: list[Event]) -> None:
    checker = EventChecker()
    checker.feed(MessageStart("m", "model"))
    for event in events[:-1]:
        checker.feed(event)

    with pytest.raises(AssertionError):
        checker.feed(events[-1])


@pytest.mark.parametrize("caller", ["openai-responses", "anthropic-messages"])
def test_a_source_of_a_text_that_waits_comes_with_it(caller: DialectName) -> None:
    """Where one part alone may be open, a text behind a call that is under way waits with all that is its own."""
    own = replace(CITATION, origin="anthropic-messages", raw=json.dumps(WEB).encode(), cited_text="")
    encoder = INBOUND[caller].stream_encoder(CONTEXT, Losses())
    events: list[Event] = [
        MessageStart("m", "model"),
        PartStart(index=0, kind="tool_call", id="a", name="get"),
        Delta(0, "{"),
        PartStart(index=1, kind="text"),
        Delta(1, "It rains."),
        CitationAdded(1, own),
        PartEnd(1),
    ]

    rest: list[Event] = [Delta(0, "}"), PartEnd(0), MessageEnd(finish="tool")]
    early = b"".join(map(encoder.feed, events))
    sent = early + b"".join(map(encoder.feed, rest))

    assert b"a.example" not in early
    seen_stream(caller, sent + encoder.end())
    assert sent.index(b"It rains.") < sent.index(b"https://a.example")


@pytest.mark.parametrize("caller", CALLERS)
def test_texts_that_end_together_keep_their_places(caller: DialectName) -> None:
    """A message item with two texts closes both at its end."""
    encoder = INBOUND[caller].stream_encoder(CONTEXT, Losses())
    events: list[Event] = [
        MessageStart("m", "model"),
        PartStart(index=0, kind="text"),
        Delta(0, "Öl. "),
        PartStart(index=1, kind="text"),
        Delta(1, "It rains."),
        CitationAdded(1, CITATION),
        PartEnd(0),
        PartEnd(1),
        UsageUpdate(Usage(input=1, output=1)),
        MessageEnd(finish="end"),
    ]

    sent = b"".join(map(encoder.feed, events)) + encoder.end()

    assert found_in_stream(caller, sent) == [("It", "https://a.example", "A")]


@pytest.mark.parametrize("way", ["streamed", "whole"])
def test_a_legacy_completion_has_no_place_for_sources(way: str) -> None:
    losses = Losses()
    dialect = OPENAI_COMPLETIONS
    part = TextPart(text="It rains.", citations=(CITATION,))
    if way == "whole":
        dialect.encode_answer(Answer(id="m", model="model", parts=(part,), finish="end"), CONTEXT, losses)
    else:
        encoder = dialect.stream_encoder(CONTEXT, losses)
        for event in (
            MessageStart("m", "model"),
            PartStart(index=0, kind="text"),
            Delta(0, "It rains."),
            CitationAdded(0, CITATION),
            PartEnd(0),
            MessageEnd(finish="end"),
        ):
            encoder.feed(event)

    assert [loss.path for loss in losses.entries()] == ["choices[].text"]


def chat_events(*deltas: dict[str, Any]) -> list[Event]:
    decoder = UPSTREAM["openai-chat"].stream_decoder()
    choices = [{"index": 0, "delta": delta} for delta in deltas] + [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    frames = [json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() for choice in choices]
    return checked([event for frame in frames for event in decoder.feed(frame)] + list(decoder.end()))


ANNOTATED = {"annotations": [{"type": "url_citation", "url_citation": {**YR_FIELDS, "start_index": 0, "end_index": 2}}]}


def test_behind_a_second_text_an_annotations_place_is_not_one_in_it() -> None:
    answer = assemble(chat_events({"content": "It "}, {"reasoning": "Hm."}, {"content": "rains."}, ANNOTATED))

    assert answer.parts[2] == TextPart(text="rains.", citations=(Citation(url=YR[0], title=YR[1]),))


@pytest.mark.parametrize(
    "deltas",
    [
        [ANNOTATED],
        [{"reasoning": "Hm."}, ANNOTATED],
        [{"content": "It"}, {"annotations": "x"}],
        [{"content": "It"}, {"annotations": [{"type": "file_citation"}]}],
        [{"content": [{"type": "text", "text": "It"}, {"type": "reference", "reference_ids": [1]}]}],
        [{"content": [{"type": "text", "text": "It"}, {"type": "tool_reference", "title": "t", "url": None}]}],
    ],
)
def test_what_no_text_can_carry_is_counted(deltas: list[dict[str, Any]]) -> None:
    answer = assemble(chat_events(*deltas))

    assert answer.uncarried in ((ANNOTATIONS,), (REFERENCES,))
    assert not any(isinstance(part, TextPart) and part.citations for part in answer.parts)


def test_a_source_chunk_with_an_address_is_a_source_without_a_place() -> None:
    source = {"type": "tool_reference", "tool": "web_search", "title": "yr", "url": YR[0]}

    answer = assemble(chat_events({"content": "It rains."}, {"content": [source]}))

    assert answer.parts == (TextPart(text="It rains.", citations=(Citation(url=YR[0], title="yr"),)),)
    assert answer.uncarried == ()


@pytest.mark.parametrize("nothing", [None, []])
def test_empty_annotations_are_nothing(nothing: Any) -> None:
    answer = assemble(chat_events({"content": "It rains.", "annotations": nothing}))

    assert (answer.parts, answer.uncarried) == ((TextPart(text="It rains."),), ())
