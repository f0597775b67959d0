"""Content parts of messages and of tool outputs, to the canonical form."""

from __future__ import annotations

from collections.abc import Sequence

from proxyctl.core.chat import AudioPart, DocumentPart, ImagePart, Part, RefusalPart, TextPart
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.dialects.data_url import split_data_url, standard_base64
from proxyctl.dialects.documents import file_part
from proxyctl.dialects.openai_responses import wire
from proxyctl.dialects.sources import read_url_citation

_TEXTS = ("input_text", "output_text", "text", "summary_text")


def decode_content(content: str | Sequence[wire.Content] | None, path: str) -> list[Part]:
    """Raises `DecodeError` for a part that is not as documented, `UnsupportedError` for a file kept elsewhere."""
    if not content:
        return []
    if isinstance(content, str):
        return [TextPart(text=content)]
    return [_part(part, f"{path}[{index}]") for index, part in enumerate(content)]


def _part(part: wire.Content, path: str) -> Part:
    ttl = None if part.prompt_cache_breakpoint is None else part.prompt_cache_breakpoint.ttl or "5m"
    match part.type:
        case kind if kind in _TEXTS:
            citations = tuple(filter(None, map(read_url_citation, part.annotations or ())))
            return TextPart(text=_required(part.text, f"{path}.text"), cache_ttl=ttl, citations=citations)
        case "refusal":
            return RefusalPart(text=_required(part.refusal, f"{path}.refusal"))
        case "input_image":
            return _image(part, ttl, path)
        case "input_file":
            return _file(part, ttl, path)
        case "input_audio" if part.input_audio is not None:
            data = standard_base64(part.input_audio.data, path=f"{path}.input_audio.data")
            return AudioPart(media_type=f"audio/{part.input_audio.format}", data=data)
        case _:
            raise DecodeError(f"unknown content type {part.type!r}", path=f"{path}.type")


def _image(part: wire.Content, ttl: str | None, path: str) -> ImagePart:
    image = part.image_url
    if image is None:
        raise _kept_elsewhere(part, path, "image_url")
    url = image if isinstance(image, str) else image.url
    if not url.startswith("data:"):
        return ImagePart(url=url, detail=part.detail, cache_ttl=ttl)
    media, data = split_data_url(url, path=f"{path}.image_url")
    return ImagePart(media_type=media, data=data, detail=part.detail, cache_ttl=ttl)


def _file(part: wire.Content, ttl: str | None, path: str) -> Part:
    if part.file_data is None:
        if part.file_url is None:
            raise _kept_elsewhere(part, path, "file_data")
        return DocumentPart(url=part.file_url, title=part.filename, cache_ttl=ttl)
    return file_part(part.file_data, title=part.filename, cache_ttl=ttl, path=f"{path}.file_data")


def _kept_elsewhere(part: wire.Content, path: str, wanted: str) -> Exception:
    if part.file_id is not None:
        message = "a file id is known only to the provider that issued it"
        return UnsupportedError(message, param=f"{path}.file_id")
    return DecodeError(f"an {part.type} needs its {wanted!r}", path=path)


def _required(value: str | None, path: str) -> str:
    if value is None:
        raise DecodeError("a text is required", path=path)
    return value
