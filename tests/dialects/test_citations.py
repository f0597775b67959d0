"""The sources of every documented answer, towards every caller: what each is told, and what is counted as lost.

What a caller must find is written here as the words of the answer that rest on a source, so that a wrong unit, border
or offset shows. The callers' own SDKs read it, in their strict mode.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages.citations import CITATIONS as MESSAGES
from proxyctl.dialects.gemini_generate.grounding import GROUNDING
from proxyctl.dialects.openai_chat.cited import ANNOTATIONS, REFERENCES
from proxyctl.dialects.openai_responses.document import CITATIONS as RESPONSES
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.dialects.sources import NO_ADDRESS, NO_PLACE_IN_TEXT, NO_WORDS
from tests.dialects.carried import CONTEXT, FOLDERS, Carried, translated
from tests.dialects.judges import chat_chunks, check_chat_grammar, message_events, seen_stream
from tests.dialects.responses_judge import check_grammar
from tests.dialects.wire_cases import WIRE, documents

Named = tuple[str, str, str]
"""The words of the answer, the source's address, its title."""

YR, MET = ("https://yr.example/oslo", "yr"), ("https://met.example", "met")
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
    match caller:
        case "openai-chat":
            return streamed_in_chat(one.sent), in_chat(document), lost
        case "openai-responses":
            return in_response(check_grammar(one.sent)), in_response(document), lost
        case _:
            return in_grounding(*documents(one.sent)), in_grounding(document), lost


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
