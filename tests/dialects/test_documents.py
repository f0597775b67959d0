"""Which documents are text, and how they read."""

from __future__ import annotations

import base64

import pytest

from proxyctl.core.chat import DocumentPart
from proxyctl.dialects.documents import plain_text

HELLO = base64.b64encode("Grüße".encode()).decode()


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (DocumentPart(text="plain"), "plain"),
        (DocumentPart(text="", title="Empty"), "Empty\n\n"),
        (DocumentPart(media_type="text/markdown", data=HELLO, title="Notes"), "Notes\n\nGrüße"),
        (DocumentPart(media_type="application/pdf", data=HELLO), None),
        (DocumentPart(data=HELLO), None),
        (DocumentPart(media_type="text/plain", data="gA=="), None),
        (DocumentPart(url="https://example.com/a.txt"), None),
    ],
)
def test_only_text_files_are_text(part: DocumentPart, text: str | None) -> None:
    assert plain_text(part) == text
