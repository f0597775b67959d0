"""The sources in a chat message: OpenAI's `annotations`, and the source chunks in content lists.

An annotation's place counts from the beginning of the message's content; it is one in a text part only while that is
the first. Source: wire notes 2026-11, "OpenAI" and "Mistral".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Raw, Struct

from proxyctl.core.chat import Citation
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.openai_chat.chunks import ContentChunk
from proxyctl.dialects.sources import address, read_url_citation, url_citation
from proxyctl.dialects.typed import understood

ANNOTATIONS = "choices[0].message.annotations"
REFERENCES = "choices[0].message.content[]"
_SOURCES = ("reference", "tool_reference")


class _Annotation(Struct):
    url_citation: Raw = Raw()


def read_all(raw: Raw, *, placed: bool) -> list[Citation | None]:
    """One for each annotation, `None` for what names no address."""
    found = understood(raw, list[Raw])
    if found is None:
        return [] if bytes(raw) == b"null" else [None]
    annotations = (understood(each, _Annotation) or _Annotation() for each in found)
    return [read_url_citation(annotation.url_citation, placed=placed) for annotation in annotations]


def references(content: Sequence[ContentChunk]) -> list[Citation | None]:
    """One for each source chunk, `None` for a `reference`: it has numbers of something that the caller alone has."""
    return [_reference(chunk) for chunk in content if chunk.type in _SOURCES]


def written(citations: Iterable[Citation], losses: Losses, *, offset: int) -> list[Fields]:
    """The annotations of a text part that begins at `offset` of the message's content."""
    members = (url_citation(citation, losses, ANNOTATIONS, offset=offset) for citation in citations)
    return [{"type": "url_citation", "url_citation": each} for each in members if each is not None]


def _reference(chunk: ContentChunk) -> Citation | None:
    url = address(understood(chunk.url, str))
    return None if url is None else Citation(url=url, title=understood(chunk.title, str))
