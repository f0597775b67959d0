"""Images, documents, sound and film towards Gemini: WIRE case 14 and the table of content parts."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from proxyctl.core.chat import AudioPart, ChatRequest, DocumentPart, ImagePart, Message, Part, VideoPart
from proxyctl.core.errors import UnsupportedError
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits
from proxyctl.providers.gemini import GeminiProvider

from .conftest import Encode

GEMINI = GeminiProvider(name="gemini").traits("gemini-3.8-flash")
DATA = base64.b64encode(b"some bytes").decode()


def sent(encode: Encode, part: Part, traits: ModelTraits = GEMINI) -> dict[str, Any]:
    body, losses = encode(ChatRequest(model="m", messages=(Message("user", (part,)),)), traits)
    assert losses == []
    found: dict[str, Any] = body["contents"][0]["parts"][0]
    return found


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ("image/png", "image/png"),
        ("image/jpg", "image/jpeg"),
        ("IMAGE/JPEG", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/heic", "image/heic"),
    ],
)
def test_case_14_image_bytes_travel_inline_under_their_usual_type(encode: Encode, named: str, kind: str) -> None:
    assert sent(encode, ImagePart(media_type=named, data=DATA)) == {"inlineData": {"mimeType": kind, "data": DATA}}


@pytest.mark.parametrize(
    ("part", "explanation"),
    [
        (ImagePart(media_type="image/gif", data=DATA), "no image/gif"),
        (ImagePart(url="https://example.com/cat.png"), "by URL"),
        (ImagePart(url="http://127.0.0.1/secret.png"), "by URL"),
        (ImagePart(url="file:///etc/passwd"), "^Only http and https addresses are fetched.$"),
        (ImagePart(url="ftp://example.com/cat.png"), "^Only http and https"),
        (ImagePart(url="cat.png"), "^Only http and https"),
        (DocumentPart(url="file:///a.pdf"), "^Only http and https"),
        (ImagePart(), "data or a URL"),
        (DocumentPart(url="https://example.com/a.pdf"), "by URL"),
        (DocumentPart(media_type="application/msword", data=DATA), "no application/msword"),
        (DocumentPart(media_type="text/plain", data="/w=="), "no text/plain"),
        (VideoPart(media_type="video/mp4"), "data or a URL"),
    ],
)
def test_what_gemini_cannot_take_is_refused_with_a_400_that_names_the_place(
    encode: Encode, part: Part, explanation: str
) -> None:
    with pytest.raises(UnsupportedError, match=explanation) as caught:
        sent(encode, part)

    assert caught.value.problem().status == 400
    assert caught.value.param == "messages[0].parts[0]"


def test_an_image_url_says_to_send_base64(encode: Encode) -> None:
    with pytest.raises(UnsupportedError) as caught:
        sent(encode, ImagePart(url="https://example.com/cat.png"))

    assert caught.value.hint == "Send images as base64 data."


def test_googles_own_storage_may_be_named(encode: Encode) -> None:
    part = ImagePart(url="gs://bucket/cat.png", media_type="image/png")

    assert sent(encode, part) == {"fileData": {"fileUri": "gs://bucket/cat.png", "mimeType": "image/png"}}


@pytest.mark.parametrize(
    ("traits", "part"),
    [
        (ModelTraits(images=False), ImagePart(media_type="image/png", data=DATA)),
        (ModelTraits(documents=False), DocumentPart(media_type="application/pdf", data=DATA)),
        (ModelTraits(audio=False), AudioPart(media_type="audio/wav", data=DATA)),
    ],
)
def test_a_models_own_limits_are_refusals(encode: Encode, traits: ModelTraits, part: Part) -> None:
    with pytest.raises(UnsupportedError, match="This model takes no"):
        sent(encode, part, traits)


def test_a_pdf_travels_inline(encode: Encode) -> None:
    part = DocumentPart(media_type="application/pdf", data=DATA, title="a.pdf")

    assert sent(encode, part) == {"inlineData": {"mimeType": "application/pdf", "data": DATA}}


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (DocumentPart(text="plain"), "plain"),
        (DocumentPart(text="plain", title="Notes"), "Notes\n\nplain"),
        (DocumentPart(media_type="text/plain", data=DATA), "some bytes"),
        (DocumentPart(media_type="text/csv; charset=utf-8", data=DATA, title="t"), "t\n\nsome bytes"),
    ],
)
def test_text_documents_are_text(encode: Encode, part: DocumentPart, text: str) -> None:
    assert sent(encode, part, ModelTraits(documents=False)) == {"text": text}


def test_sound_and_film_travel_inline_or_by_address(encode: Encode) -> None:
    address = "https://www.youtube.com/watch?v=x"

    assert sent(encode, AudioPart(media_type="audio/mpeg", data=DATA), PERMISSIVE) == {
        "inlineData": {"mimeType": "audio/mp3", "data": DATA}
    }
    assert sent(encode, VideoPart(media_type="video/mp4", data=DATA)) == {
        "inlineData": {"mimeType": "video/mp4", "data": DATA}
    }
    assert sent(encode, VideoPart(media_type="video/mp4", url=address)) == {
        "fileData": {"fileUri": address, "mimeType": "video/mp4"}
    }
