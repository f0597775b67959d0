"""Read what routing needs of a `generateContent` request, whose address has the model and says whether it streams."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.gemini_generate import asked
from proxyctl.dialects.gemini_generate.signatures import holds_foreign
from proxyctl.dialects.gemini_generate.spelling import CONFIG, camel, either
from proxyctl.dialects.openings import hashed_opening
from proxyctl.dialects.typed import decode_typed


class _Head(Struct):
    role: str | None = None
    parts: Raw = Raw()


_head_decoder = msgspec.json.Decoder(_Head)
_IMAGE = re.compile(rb'"mime_?[tT]ype"\s*:\s*"image/')
_DOCUMENT = re.compile(rb'"mime_?[tT]ype"\s*:\s*"application/pdf')
_FUNCTIONS = (b'"functionDeclarations"', b'"function_declarations"')
_NOTHING = (b"", b"null")


def peek(fields: Mapping[str, Raw], *, size: int) -> Peek:
    """Raises `DecodeError` when the contents are missing, or something is of the wrong type."""
    contents = either(fields, "contents").strip()
    if contents in (b"null", b"[]", b"{}", b'""') or contents[:1] not in b'[{"':
        raise DecodeError("at least one content is required", path="contents")
    tools = either(fields, "tools")
    config = _config(fields)
    return Peek(
        model="",
        include_usage=True,
        has_tools=any(word in tools for word in _FUNCTIONS),
        has_images=b"image/" in contents and _IMAGE.search(contents) is not None,
        has_documents=b"application/pdf" in contents and _DOCUMENT.search(contents) is not None,
        wants_thinking=_wants_thinking(config.thinking_config),
        wants_json_schema=any(
            bytes(schema) not in _NOTHING for schema in (config.response_schema, config.response_json_schema)
        ),
        max_output=config.max_output_tokens,
        size=size,
        foreign_signatures=holds_foreign(contents),
    )


def session(fields: Mapping[str, Raw]) -> str:
    """The conversation's key: a hash of the system instruction and everything up to the first user content."""
    try:
        contents = asked.items(Raw(either(fields, "contents")))
        heads = [_head_decoder.decode(text) for text in contents if text.startswith(b"{")]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    system = either(fields, "systemInstruction")
    return hashed_opening([("system", system), *((head.role or "user", bytes(head.parts)) for head in heads)])


def _config(fields: Mapping[str, Raw]) -> asked.GenerationConfig:
    text = either(fields, "generationConfig")
    if text == b"null":
        return asked.GenerationConfig()
    try:
        text = camel(text, CONFIG)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise DecodeError(f"not valid JSON: {exc}", path="generationConfig") from exc
    return decode_typed(asked.config_decoder, text, under="generationConfig")


def _wants_thinking(config: asked.ThinkingConfig | None) -> bool:
    if config is None or config.thinking_budget == 0:
        return False
    return bool(config.include_thoughts or config.thinking_budget or config.thinking_level)
