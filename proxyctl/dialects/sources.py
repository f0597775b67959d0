"""An answer's sources as OpenAI's two dialects name them, and what is said where one cannot be named.

Both have a `url_citation`: an address, a title and a place in the text, counted in characters, and all of them must be
there. So a page of the caller's own document, or a source of which nobody says where it belongs, has no form in them:
that is a loss, and no place or address is made up for it. Source: wire notes 2026-11, "content parts".
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw, Struct

from proxyctl.core.chat import Citation, TextPart
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.typed import understood

NO_ADDRESS = "a source without an address has no place in this dialect"
NO_PLACE_IN_TEXT = "a source must say where in the text it belongs in this dialect"
NO_WORDS = "the words of a source have no place in this dialect"
NOT_SENT_BACK = "the sources of an earlier answer are not sent to the target"


class _URLCitation(Struct):
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


def address(text: str | None) -> str | None:
    """The text if it is a web address: sources are also named by what only their provider knows."""
    return text if text is not None and text.startswith(("https://", "http://")) else None


def place(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """Where in the text, `None` for both unless they are a stretch of it."""
    return (start, end) if start is not None and end is not None and 0 <= start <= end else (None, None)


def read_url_citation(raw: Raw, *, placed: bool = True) -> Citation | None:
    """`None` for what is no citation of an address. Without `placed`, its place is not one in the part's own text."""
    wire = understood(raw, _URLCitation)
    if wire is None or not wire.url:
        return None
    start, end = place(wire.start_index, wire.end_index) if placed else (None, None)
    return Citation(url=wire.url, title=wire.title or None, start=start, end=end)


def url_citation(citation: Citation, losses: Losses, path: str, *, offset: int = 0) -> Fields | None:
    """The members of a `url_citation`; `offset` is where the part's text begins. `None` for what has no such form."""
    if citation.url is None:
        losses.add(path, NO_ADDRESS)
        return None
    if citation.start is None or citation.end is None:
        losses.add(path, NO_PLACE_IN_TEXT)
        return None
    if citation.cited_text:
        losses.add(path, NO_WORDS)
    return {
        "start_index": offset + citation.start,
        "end_index": offset + citation.end,
        "title": citation.title or "",
        "url": citation.url,
    }


def is_cited(part: object) -> bool:
    return isinstance(part, TextPart) and bool(part.citations)


def not_sent_back(parts: Iterable[object], losses: Losses, path: str) -> None:
    """Count the sources in a turn of the history, for a target that takes none back."""
    if any(map(is_cited, parts)):
        losses.add(f"{path}.citations", NOT_SENT_BACK)
