"""Citations of a text block: read for other dialects, and kept whole for this one.

A block's citations name the sources of all of its text: the provider begins a new block for every stretch that has its
own. Each kind points into something that only this provider has seen (an encrypted index of its search, a document's
number in the conversation), so another provider's source cannot be told in any of them, and ours goes back only as it
came. Source: wire notes 2026-11, "Anthropic Messages" streams.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import Citation, DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.sources import address
from proxyctl.dialects.typed import understood

CITATIONS = "content[].citations"
_ORIGIN: DialectName = "anthropic-messages"


class _Location(Struct):
    type: str = ""
    url: str | None = None
    title: str | None = None
    source: str | None = None
    document_title: str | None = None
    cited_text: str | None = None


def read_all(raw: Raw, length: int) -> list[Citation | None]:
    """The citations of a whole block, whose text has `length` characters."""
    found = understood(raw, list[Raw])
    if found is None:
        return [] if bytes(raw) in (b"", b"null") else [None]
    return [read_citation(each, length) for each in found]


def read_citation(raw: Raw, length: int) -> Citation | None:
    """`None` for what is none: every kind repeats the source's words."""
    location = understood(raw, _Location)
    if location is None or location.cited_text is None:
        return None
    url = location.url or address(location.source)
    return Citation(
        url=url,
        title=location.title or location.document_title,
        start=0,
        end=length,
        cited_text=location.cited_text,
        source=None if url is not None else location.source,
        origin=_ORIGIN,
        raw=msgspec.json.format(bytes(raw), indent=-1),
    )


def told_again(citations: Iterable[Citation], losses: Losses, path: str = CITATIONS) -> list[Raw]:
    """The dialect's own citations as they came; each of another is a loss."""
    own: list[Raw] = []
    for citation in citations:
        if citation.origin == _ORIGIN:
            own.append(Raw(citation.raw))
        else:
            losses.add(path, "a source that this dialect's provider has not seen has no place in it")
    return own
