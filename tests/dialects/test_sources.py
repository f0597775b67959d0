"""What is an address and a place, and what OpenAI's two dialects have no form for."""

from __future__ import annotations

import pytest
from msgspec import Raw

from proxyctl.core.chat import Citation, RefusalPart, TextPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.sources import (
    NO_ADDRESS,
    NO_PLACE_IN_TEXT,
    NO_WORDS,
    address,
    is_cited,
    not_sent_back,
    place,
    read_url_citation,
    url_citation,
)

PAGE = Citation(url="https://a.example", title="A", start=2, end=5)


def reasons(losses: Losses) -> list[str]:
    return [loss.reason for loss in losses.entries()]


@pytest.mark.parametrize("text", [None, "", "gs://bucket/a", "file:///etc/passwd", "doc:0", "javascript:alert(1)"])
def test_only_a_web_address_is_one(text: str | None) -> None:
    assert address(text) is None
    assert address("https://a.example") == "https://a.example"


@pytest.mark.parametrize(("start", "end"), [(None, 3), (0, None), (-1, 3), (4, 3)])
def test_half_a_place_is_none(start: int | None, end: int | None) -> None:
    assert place(start, end) == (None, None)
    assert place(3, 3) == (3, 3)


def test_a_citation_is_read_and_written_alike() -> None:
    raw = Raw(b'{"url":"https://a.example","title":"A","start_index":2,"end_index":5,"content":"more"}')

    assert read_url_citation(raw) == PAGE
    assert url_citation(PAGE, Losses(), "here") == {
        "start_index": 2,
        "end_index": 5,
        "title": "A",
        "url": "https://a.example",
    }


def test_a_place_in_another_text_is_none() -> None:
    raw = Raw(b'{"url":"https://a.example","start_index":2,"end_index":5}')

    assert read_url_citation(raw, placed=False) == Citation(url="https://a.example")


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"7", b'{"title":"A"}', b'{"url":7}', b'{"url":"a","start_index":1e400}']
)
def test_what_is_no_citation_of_an_address_is_none(raw: bytes) -> None:
    assert read_url_citation(Raw(raw)) is None


@pytest.mark.parametrize(
    ("citation", "written", "lost"),
    [
        (Citation(title="Notes", start=0, end=1), False, [NO_ADDRESS]),
        (Citation(url="https://a.example", title="A"), False, [NO_PLACE_IN_TEXT]),
        (Citation(url="https://a.example", start=0, end=1, cited_text="Rain."), True, [NO_WORDS]),
        (PAGE, True, []),
    ],
)
def test_what_has_no_form_is_lost_and_not_made_up(citation: Citation, *, written: bool, lost: list[str]) -> None:
    losses = Losses()

    assert (url_citation(citation, losses, "here") is not None) is written
    assert reasons(losses) == lost
    assert all(loss.path == "here" for loss in losses.entries())


def test_a_text_behind_another_is_moved() -> None:
    written = url_citation(PAGE, Losses(), "here", offset=10)

    assert written is not None
    assert (written["start_index"], written["end_index"]) == (12, 15)


def test_a_turn_with_sources_is_counted_once() -> None:
    losses = Losses()
    cited = TextPart(text="It rains.", citations=(PAGE, PAGE))

    not_sent_back([TextPart(text="x"), RefusalPart(text="y")], losses, "messages[0]")
    not_sent_back([cited, cited], losses, "messages[1]")

    assert [loss.path for loss in losses.entries()] == ["messages[1].citations"]
    assert is_cited(cited)
