"""The sources of Gemini's answers, read from and written to the metadata beside a candidate's content.

Places are bytes of UTF-8, ours are characters, so the text must be at hand. They come with an answer's last frames, and
nobody says which of several texts they count in: a place is believed only if there is one text, and if it holds the
words that the metadata repeats. Source: wire notes 2026-11, "Google Gemini", and Google's reference of
`GroundingMetadata`, where a source may stand without any place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Raw, Struct

from proxyctl.core.chat import Citation
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import NOTHING, Fields
from proxyctl.dialects.gemini_generate.wire import ABSENT, Candidate
from proxyctl.dialects.sources import NO_ADDRESS, NO_WORDS, address, place
from proxyctl.dialects.typed import understood

Entry = TypeVar("Entry")

LONGEST = 2**18
"""Characters of a text that are kept to count its bytes: no model writes more at once, and no stream is held whole."""
TOO_LONG = "a text this long is not kept, so that the places in it could be counted"

GROUNDING = "candidates[0].groundingMetadata"
CITATIONS = "candidates[0].citationMetadata"
URLS = "candidates[0].urlContextMetadata"


class _Page(Struct):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Chunk(Struct, rename="camel"):
    web: Raw = Raw()
    maps: Raw = Raw()
    retrieved_context: Raw = Raw()

    def page(self) -> _Page:
        pages = (understood(raw, _Page) for raw in (self.web, self.maps, self.retrieved_context))
        return next((page for page in pages if page is not None), _Page())


class _Segment(Struct, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class _Support(Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _CitationSource(Struct, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class _Citations(Struct, rename="camel"):
    """`citations` is another surface's name for the same."""

    citation_sources: list[Raw] | None = None
    citations: list[Raw] | None = None


class Sources:
    """What the frames of one answer have named and has not been told yet; `uncarried` is what never will be."""

    def __init__(self) -> None:
        self.uncarried: dict[str, None] = {}
        self._grounding: dict[str, Raw] = {}
        self._cited: dict[bytes, None] = {}

    def read(self, candidate: Candidate) -> None:
        """Take a frame's metadata: a later frame's member replaces an earlier one's, citations are added up."""
        if candidate.grounding_metadata is not ABSENT:
            self._read_grounding(candidate.grounding_metadata)
        if candidate.citation_metadata is not ABSENT:
            self._read_citations(candidate.citation_metadata)
        if candidate.url_context_metadata is not ABSENT and bytes(candidate.url_context_metadata) not in NOTHING:
            self.uncarried[URLS] = None

    def take(self, text: str | None) -> list[Citation]:
        """The sources of a text that ends; `None` when its words are not the only ones."""
        citations = self._grounded(text)
        citations += [_citation(source, text) for raw in self._cited if (source := _source(raw)) is not None]
        self._cited = {}
        return citations

    def left(self) -> tuple[str, ...]:
        """Where the answer has named what is not carried, now that it is over."""
        if self._grounding:
            self.uncarried[GROUNDING] = None
        if self._cited:
            self.uncarried[CITATIONS] = None
        return tuple(self.uncarried)

    def _read_grounding(self, metadata: Raw) -> None:
        fields = understood(metadata, dict[str, Raw])
        if fields is not None:
            self._grounding |= fields
        elif bytes(metadata) not in NOTHING:
            self.uncarried[GROUNDING] = None

    def _read_citations(self, metadata: Raw) -> None:
        wire = understood(metadata, _Citations)
        if wire is None and bytes(metadata) not in NOTHING:
            self.uncarried[CITATIONS] = None
        wire = wire or _Citations()
        for raw in wire.citation_sources or wire.citations or ():
            if _source(bytes(raw)) is None:
                self.uncarried[CITATIONS] = None
            else:
                self._cited[bytes(raw)] = None

    def _grounded(self, text: str | None) -> list[Citation]:
        fields, self._grounding = self._grounding, {}
        chunks = self._listed(fields.pop("groundingChunks", ABSENT), list[_Chunk])
        supports = self._listed(fields.pop("groundingSupports", ABSENT), list[_Support])
        for name, value in fields.items():  # what was searched for, and the provider's own widget
            if bytes(value) not in NOTHING:
                self.uncarried[f"{GROUNDING}.{name}"] = None
        pages = [chunk.page() for chunk in chunks]
        placed: set[int] = set()
        citations: list[Citation] = []
        for support in supports:
            start, end = _place(support.segment or _Segment(), text)
            for index in support.grounding_chunk_indices or ():
                if 0 <= index < len(pages):
                    placed.add(index)
                    citations.append(_named(pages[index], start, end))
                else:
                    self.uncarried[GROUNDING] = None
        return citations + [_named(page, None, None) for index, page in enumerate(pages) if index not in placed]

    def _listed(self, raw: Raw, kind: type[list[Entry]]) -> list[Entry]:
        found = understood(raw, kind)
        if found is None and bytes(raw) not in {*NOTHING, b""}:
            self.uncarried[GROUNDING] = None
        return found or []


class GroundingWriter:
    """Collects an answer's sources for the caller: each address once, and the stretches of text that rest on it."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._chunks: dict[tuple[str, str], int] = {}
        self._supports: dict[tuple[int, int, int], tuple[str, dict[int, None]]] = {}

    def add(self, citations: Iterable[Citation], text: str | None, *, offset: int | None = 0, part: int = 0) -> None:
        """The sources of a text that begins `offset` bytes into the answer, or stands in its own part.

        `None` for a text that was too long to be kept, and for the offset of what comes behind it.
        """
        for citation in citations:
            if citation.url is None:
                self._losses.add(GROUNDING, NO_ADDRESS)
                continue
            if citation.cited_text:
                self._losses.add(GROUNDING, NO_WORDS)
            chunk = self._chunks.setdefault((citation.url, citation.title or ""), len(self._chunks))
            if citation.start is None or citation.end is None:
                continue
            if text is None or offset is None:
                self._losses.add(GROUNDING, TOO_LONG)
            else:
                start, end = (offset + size_of(text[:at]) for at in (citation.start, citation.end))
                said = text[citation.start : citation.end]
                self._supports.setdefault((part, start, end), (said, {}))[1][chunk] = None

    def document(self) -> Fields:
        """The candidate's member, nothing when no source was named."""
        if not self._chunks:
            return {}
        chunks = [{"web": {"uri": uri, **({"title": title} if title else {})}} for uri, title in self._chunks]
        supports = [
            {"segment": _segment(*where, said), "groundingChunkIndices": list(indices)}
            for where, (said, indices) in self._supports.items()
        ]
        return {
            "groundingMetadata": {"groundingChunks": chunks, **({"groundingSupports": supports} if supports else {})}
        }


def size_of(text: str) -> int:
    """In bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _segment(part: int, start: int, end: int, said: str) -> Fields:
    """As Google's JSON has it: where something begins is left out when it is 0."""
    begins = {"partIndex": part, "startIndex": start}
    return {name: number for name, number in begins.items() if number} | {"endIndex": end, "text": said}


def _named(page: _Page, start: int | None, end: int | None) -> Citation:
    url = address(page.uri)
    return Citation(
        url=url,
        title=page.title,
        start=start,
        end=end,
        cited_text=page.text,
        source=page.uri if url is None else None,
    )


def _source(raw: bytes) -> _CitationSource | None:
    return understood(Raw(raw), _CitationSource)


def _citation(source: _CitationSource, text: str | None) -> Citation:
    start, end = _place(_Segment(source.start_index, source.end_index), text)
    return _named(_Page(source.uri, source.title), start, end)


def _place(segment: _Segment, text: str | None) -> tuple[int | None, int | None]:
    """In characters, `None` for both unless it is a place in this text, on the borders of characters."""
    start, end = place(segment.start_index or 0, segment.end_index)
    if text is None or start is None or end is None or end > size_of(text):
        return None, None
    if not text.isascii():
        data = text.encode("utf-8", "surrogatepass")
        try:
            start, end = (len(data[:at].decode("utf-8", "surrogatepass")) for at in (start, end))
        except UnicodeDecodeError:
            return None, None
    agrees = segment.text is None or text[start:end] == segment.text
    return (start, end) if agrees else (None, None)
