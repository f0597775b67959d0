"""Sources in what a caller sends back: kept for the dialect that takes them, counted where they are lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxyctl.core.chat import Citation, DialectName, TextPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.dialects.sources import NO_ADDRESS, NO_WORDS, NOT_SENT_BACK
from proxyctl.dialects.traits import PERMISSIVE

URL = {"url": "https://yr.example/oslo", "title": "yr", "start_index": 3, "end_index": 8}
FILE = {"type": "file_citation", "file_id": "file-1", "filename": "a.txt", "index": 1}
WEB = {
    "type": "web_search_result_location",
    "url": "https://yr.example/oslo",
    "title": "yr",
    "cited_text": "Rain.",
    "encrypted_index": "Eo8B",
}
ASK = {"role": "user", "content": "Weather?"}
MORE = {"role": "user", "content": "And Rome?"}


def history(caller: DialectName, citations: list[Any]) -> Fields:
    match caller:
        case "openai-chat":
            said: Fields = {"role": "assistant", "content": "It rains.", "annotations": citations}
            return {"model": "m", "messages": [ASK, said, MORE]}
        case "openai-responses":
            text = {"type": "output_text", "text": "It rains.", "annotations": citations}
            return {"model": "m", "input": [ASK, {"role": "assistant", "content": [text]}, MORE]}
        case _:
            block = {"type": "text", "text": "It rains.", "citations": citations}
            return {"model": "m", "max_tokens": 99, "messages": [ASK, {"role": "assistant", "content": [block]}, MORE]}


def sent(caller: DialectName, citations: list[Any], target: DialectName) -> tuple[Any, list[tuple[str, str]]]:
    """The assistant's turn as the target gets it, and what was lost of the request on the way."""
    request = INBOUND[caller].decode_request(msgspec.json.encode(history(caller, citations)))
    losses = Losses()
    body = msgspec.json.decode(msgspec.json.encode(UPSTREAM[target].encode_request(request, PERMISSIVE, losses)))
    turns = body.get("messages") or body.get("input") or body.get("contents")
    lost = [(path, "dropped") for path in request.extras] + [(loss.path, loss.reason) for loss in losses.entries()]
    return next(turn for turn in turns if turn["role"] in ("assistant", "model")), lost


def test_sources_of_nothing_make_no_item() -> None:
    asked = history("openai-responses", [{**RESPONSES, "start_index": 0, "end_index": 0}])
    asked["input"][1]["content"][0]["text"] = ""
    request = INBOUND["openai-responses"].decode_request(msgspec.json.encode(asked))

    assert UPSTREAM["openai-responses"].encode_request(request, PERMISSIVE, Losses())["input"] == [ASK, MORE]


CHAT = {"type": "url_citation", "url_citation": URL}
RESPONSES = {"type": "url_citation", **URL}
PLAIN = {"role": "assistant", "content": "It rains."}


@pytest.mark.parametrize(("caller", "citation"), [("openai-chat", CHAT), ("openai-responses", RESPONSES)])
def test_a_responses_target_is_told_of_pages(caller: DialectName, citation: Fields) -> None:
    turn, lost = sent(caller, [citation], "openai-responses")

    text = {"type": "output_text", "text": "It rains.", "annotations": [RESPONSES]}
    assert (turn, lost) == ({"role": "assistant", "content": [text]}, [])


def test_a_messages_target_gets_its_own_citations_back() -> None:
    turn, lost = sent("anthropic-messages", [WEB], "anthropic-messages")

    assert turn["content"] == [{"type": "text", "text": "It rains.", "citations": [WEB]}]
    assert lost == []


def test_what_only_a_messages_provider_has_seen_is_lost_elsewhere() -> None:
    turn, lost = sent("anthropic-messages", [{**WEB, "url": None}], "openai-responses")
    spoken, unspoken = sent("anthropic-messages", [WEB], "openai-responses")

    assert turn["content"][0]["annotations"] == []
    assert [reason for _, reason in lost] == [NO_ADDRESS]
    assert [(one["start_index"], one["end_index"]) for one in spoken["content"][0]["annotations"]] == [(0, 9)]
    assert [reason for _, reason in unspoken] == [NO_WORDS]


@pytest.mark.parametrize("target", ["openai-chat", "cohere-chat"])
@pytest.mark.parametrize(
    ("caller", "citation"), [("openai-chat", CHAT), ("openai-responses", RESPONSES), ("anthropic-messages", WEB)]
)
def test_a_target_that_takes_none_back_gets_the_text_alone(
    caller: DialectName, citation: Fields, target: DialectName
) -> None:
    turn, lost = sent(caller, [citation], target)

    assert turn == PLAIN
    assert lost == [("messages[1].citations", NOT_SENT_BACK)]


def test_a_gemini_target_is_not_told_and_nobody_misses_it() -> None:
    """The wire notes' table says drop: its contents have no sources at all."""
    turn, lost = sent("openai-chat", [CHAT], "gemini-generate")

    assert (turn, lost) == ({"role": "model", "parts": [{"text": "It rains."}]}, [])


def test_another_providers_page_is_no_citation_of_a_messages_target() -> None:
    turn, lost = sent("openai-chat", [CHAT], "anthropic-messages")

    assert turn["content"] == [{"type": "text", "text": "It rains."}]
    assert [path for path, _ in lost] == ["messages[1].citations"]


@pytest.mark.parametrize(
    ("caller", "citation", "path"),
    [
        ("openai-chat", FILE, "messages[1].annotations"),
        ("openai-chat", 7, "messages[1].annotations"),
        ("openai-responses", FILE, "input[1].content[0].annotations"),
        ("anthropic-messages", {"type": "char_location"}, "messages[1].content[0].citations"),
    ],
)
@pytest.mark.parametrize("target", ["openai-chat", "openai-responses", "anthropic-messages", "gemini-generate"])
def test_what_nobody_can_read_is_dropped_and_counted(
    caller: DialectName, citation: Any, path: str, target: DialectName
) -> None:
    _, lost = sent(caller, [citation], target)

    assert (path, "dropped") in lost


@pytest.mark.parametrize("caller", ["openai-chat", "openai-responses", "anthropic-messages"])
@pytest.mark.parametrize("target", ["openai-chat", "openai-responses", "anthropic-messages", "cohere-chat"])
def test_an_empty_list_is_nothing(caller: DialectName, target: DialectName) -> None:
    """Agents send back what they were given, empty lists included."""
    turn, lost = sent(caller, [], target)

    assert "annotations" not in msgspec.json.encode(turn).decode()
    assert "citations" not in turn
    assert lost == []


def test_a_chat_message_of_several_parts_does_not_say_which_of_them_is_meant() -> None:
    parts = [{"type": "text", "text": "It "}, {"type": "text", "text": "rains."}]
    body = history("openai-chat", [CHAT])
    body["messages"][1]["content"] = parts

    request = INBOUND["openai-chat"].decode_request(msgspec.json.encode(body))

    assert request.extras == ("messages[1].annotations",)
    assert request.messages[1].parts == (TextPart(text="It "), TextPart(text="rains."))


def test_a_chat_messages_sources_stand_on_its_text() -> None:
    request = INBOUND["openai-chat"].decode_request(msgspec.json.encode(history("openai-chat", [CHAT])))

    citation = Citation(url="https://yr.example/oslo", title="yr", start=3, end=8)
    assert request.messages[1].parts == (TextPart(text="It rains.", citations=(citation,)),)
