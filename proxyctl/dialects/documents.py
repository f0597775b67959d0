"""Documents: as OpenAI's dialects write them, and as plain text for dialects that have no place for a file."""

from __future__ import annotations

from proxyctl.core.chat import DocumentPart, ImagePart
from proxyctl.core.errors import DecodeError
from proxyctl.dialects.data_url import media_type, split_data_url, standard_base64, text_of

_TEXT_TYPES = frozenset({"text/plain", "text/markdown", "text/csv", "text/html", "application/json"})


def file_part(given: str, *, title: str | None, cache_ttl: str | None, path: str) -> DocumentPart | ImagePart:
    """The part that a `file_data` of OpenAI's dialects is: a data URL, or bare base64, which is a PDF.

    `path` is where it stands. Raises `DecodeError`.
    """
    if given.startswith("data:"):
        media, data = split_data_url(given, path=path)
    else:
        media, data = "application/pdf", standard_base64(given, path=path)
    if media.startswith("image/"):
        return ImagePart(media_type=media, data=data, cache_ttl=cache_ttl)
    if media in _TEXT_TYPES:
        return DocumentPart(text=text_of(data, path=path), title=title, cache_ttl=cache_ttl)
    return DocumentPart(media_type=media, data=data, title=title, cache_ttl=cache_ttl)


def plain_text(part: DocumentPart) -> str | None:
    """The document's text below its title, `None` when it is no text file."""
    text = part.text
    if text is None and part.data is not None and media_type(part.media_type or "").startswith("text/"):
        try:
            text = text_of(part.data)
        except DecodeError:
            return None
    if text is None:
        return None
    return f"{part.title}\n\n{text}" if part.title else text
