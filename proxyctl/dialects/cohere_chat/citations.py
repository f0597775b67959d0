"""Cohere's citations: a stretch of one content item's text, and the documents or tool results that it rests on.

A source is what the caller gave: an id, and members of the caller's own choosing, of which `url` and `title` are
looked for. The citation's own text repeats the answer's. Those of a plan or of thinking are not carried.
Source: wire notes 2026-11, "Cohere v2".
"""

from __future__ import annotations

from msgspec import Raw, Struct

from proxyctl.core.chat import Citation
from proxyctl.dialects.sources import address, place
from proxyctl.dialects.typed import understood

CITATIONS = "message.citations"


class _Source(Struct):
    id: str | None = None
    document: Raw = Raw()
    tool_output: Raw = Raw()


class _Document(Struct):
    url: Raw = Raw()
    title: Raw = Raw()


class WireCitation(Struct):
    """`content_index` is the content item's; without one, it is the text that is under way, or the only one."""

    start: int | None = None
    end: int | None = None
    sources: list[Raw] | None = None
    content_index: int | None = None
    type: str | None = None

    def sources_named(self) -> list[Citation]:
        """One for each source, empty for what nobody else could be told."""
        if self.type not in (None, "TEXT_CONTENT"):
            return []
        found = (understood(raw, _Source) for raw in self.sources or ())
        return [self._of(source) for source in found if source is not None]

    def _of(self, source: _Source) -> Citation:
        document = understood(source.document, _Document) or understood(source.tool_output, _Document) or _Document()
        start, end = place(self.start, self.end)
        return Citation(
            url=address(understood(document.url, str)),
            title=understood(document.title, str),
            start=start,
            end=end,
            source=source.id,
        )


def read_citation(raw: Raw) -> WireCitation:
    """An unreadable one names no source."""
    return understood(raw, WireCitation) or WireCitation()


def read_citations(raw: Raw) -> list[WireCitation]:
    if bytes(raw) in (b"", b"null"):
        return []
    found = understood(raw, list[Raw])
    return [WireCitation()] if found is None else [read_citation(each) for each in found]
