"""Images, documents, sound and film as Gemini's parts: bytes inline, or a clear refusal.

Gemini fetches nothing from the open web; only its own file store, `gs://` and video pages may be named by address. What
the gateway could fetch has bytes when it comes here; where fetching is off, a URL is refused and base64 asked for.
"""

from __future__ import annotations

from typing import Any

from proxyctl.core.chat import AudioPart, DocumentPart, ImagePart, VideoPart
from proxyctl.core.errors import UnsupportedError
from proxyctl.dialects.data_url import media_type
from proxyctl.dialects.documents import plain_text
from proxyctl.dialects.traits import ModelTraits

WirePart = dict[str, Any]

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})


def image(part: ImagePart, traits: ModelTraits, path: str) -> WirePart:
    """Raises `UnsupportedError` for what the model cannot see."""
    if not traits.images:
        raise UnsupportedError("This model takes no images.", param=path)
    if part.data is None:
        return _image_at(part, traits, path)
    kind = media_type(part.media_type or "image/png")
    if kind not in _IMAGES:
        raise UnsupportedError(
            f"Gemini takes no {kind} images.", hint="Send PNG, JPEG, WebP, HEIC or HEIF.", param=path
        )
    return _inline(kind, part.data)


def document(part: DocumentPart, traits: ModelTraits, path: str) -> WirePart:
    text = plain_text(part)
    if text is not None:
        return {"text": text}
    if not traits.documents:
        raise UnsupportedError("This model takes no documents.", param=path)
    if part.data is None:
        raise _unfetched("documents", part.url, path)
    kind = media_type(part.media_type or "application/pdf")
    if kind != "application/pdf":
        raise UnsupportedError(f"Gemini takes no {kind} documents.", hint="Send PDF or text.", param=path)
    return _inline(kind, part.data)


def audio(part: AudioPart, traits: ModelTraits, path: str) -> WirePart:
    if not traits.audio:
        raise UnsupportedError("This model takes no audio.", param=path)
    return _inline(media_type(part.media_type), part.data)


def video(part: VideoPart, path: str) -> WirePart:
    if part.data is not None:
        return _inline(media_type(part.media_type), part.data)
    if part.url is None:
        raise UnsupportedError("A video needs data or a URL.", param=path)
    return {"fileData": {"fileUri": part.url, "mimeType": part.media_type}}


def _image_at(part: ImagePart, traits: ModelTraits, path: str) -> WirePart:
    if part.url is None:
        raise UnsupportedError("An image needs data or a URL.", param=path)
    if not (traits.image_urls or part.url.startswith("gs://")):
        raise _unfetched("images", part.url, path)
    return {"fileData": {"fileUri": part.url, "mimeType": media_type(part.media_type or "image/jpeg")}}


def _unfetched(kind: str, url: str | None, path: str) -> UnsupportedError:
    """The refusal of an address: of one that nobody fetches, or of one that the gateway may not fetch."""
    hint = f"Send {kind} as base64 data."
    if url is not None and not url.lower().startswith(("http://", "https://")):
        return UnsupportedError("Only http and https addresses are fetched.", hint=hint, param=path)
    return UnsupportedError(f"Gemini does not fetch {kind} by URL.", hint=hint, param=path)


def _inline(kind: str, data: str) -> WirePart:
    return {"inlineData": {"mimeType": kind, "data": data}}
