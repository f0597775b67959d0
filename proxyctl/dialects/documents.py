"""Text documents as plain text, for dialects that have no place for a text file."""

from __future__ import annotations

from proxyctl.core.chat import DocumentPart
from proxyctl.core.errors import DecodeError
from proxyctl.dialects.data_url import media_type, text_of


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
