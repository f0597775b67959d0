"""Bytes say what they are."""

from __future__ import annotations

import pytest

from proxyctl.gateway.media.kinds import kind_of


@pytest.mark.parametrize(
    ("data", "told", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "text/html", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/png", "image/jpeg"),
        (b"GIF89a..", "", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic\x00", "", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00", "", "image/heif"),
        (b"\x00\x00\x00\x18ftypisom\x00", "image/png", ""),
        (b"%PDF-1.7\n", "application/octet-stream", "application/pdf"),
        ("grün".encode(), "text/plain", "text/plain"),
        (b"no\0text", "text/plain", ""),
        (b"\xff\xfe", "text/plain", ""),
        (b"<svg/>", "image/svg+xml", ""),
        (b"{}", "application/json", ""),
        (b"", "image/png", ""),
    ],
)
def test_kinds(data: bytes, told: str, kind: str) -> None:
    assert kind_of(data, told) == kind
