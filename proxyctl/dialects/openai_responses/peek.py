"""Read what routing needs of a responses request, without reading the items.

Images, files and envelopes are looked for as bytes: text cannot hold a bare `"input_image"`, because quotes inside it
are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.envelope import PREFIX
from proxyctl.dialects.openai_responses import wire
from proxyctl.dialects.openai_responses.tools import offers_tools
from proxyctl.dialects.openings import hashed_opening, openai_name, optional, raw, read_model


class _Head(Struct):
    role: str | None = None
    type: str | None = None
    content: Raw = Raw()


class _Kind(Struct):
    type: str | None = None


class _Text(Struct):
    format: _Kind | None = None


_flag = msgspec.json.Decoder(bool | None)
_number = msgspec.json.Decoder(int | None)
_string = msgspec.json.Decoder(str | None)
_reasoning = msgspec.json.Decoder(wire.ReasoningOptions | None)
_text = msgspec.json.Decoder(_Text | None)
_heads = msgspec.json.Decoder(str | list[_Head])

_EMPTY = (b"", b"null", b"[]")
_STANDS_FOR_INPUT = ("previous_response_id", "conversation", "prompt", "instructions")
_SEALED = re.compile(rb'"encrypted_content"\s*:\s*"' + re.escape(PREFIX).encode())


def peek(fields: Mapping[str, Raw], *, size: int) -> Peek:
    """Raises `DecodeError` when the model or the input are missing, or of the wrong type."""
    model = read_model(fields)
    given = _read_input(fields)
    reasoning = optional(_reasoning, fields, "reasoning")
    text = optional(_text, fields, "text")
    wanted = text.format if text is not None else None
    return Peek(
        model=model,
        stream=bool(optional(_flag, fields, "stream")),
        include_usage=True,
        has_tools=raw(fields, "tools") not in _EMPTY or offers_tools(given),
        has_images=b'"input_image"' in given,
        has_documents=b'"input_file"' in given,
        wants_thinking=reasoning is not None and reasoning.effort != "none",
        effort=(reasoning.effort or "") if reasoning is not None else "",
        wants_json_schema=wanted is not None and wanted.type == "json_schema",
        max_output=optional(_number, fields, "max_output_tokens"),
        size=size,
        foreign_signatures=PREFIX.encode() in given and _SEALED.search(given) is not None,
        previous_response=optional(_string, fields, "previous_response_id") or "",
    )


def session(fields: Mapping[str, Raw]) -> str:
    """The conversation's key: what the caller names it by, else a hash of the system text and the first user turn."""
    if named := openai_name(fields):
        return named
    try:
        heads = _heads.decode(raw(fields, "input"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    system = ("system", raw(fields, "instructions"))
    if isinstance(heads, str):
        return hashed_opening([system, ("user", raw(fields, "input"))])
    return hashed_opening([system, *((head.role or head.type or "", bytes(head.content)) for head in heads)])


def _read_input(fields: Mapping[str, Raw]) -> bytes:
    given = raw(fields, "input").strip()
    if given.startswith((b"[", b'"')):
        return given
    if given == b"null" and any(raw(fields, name) != b"null" for name in _STANDS_FOR_INPUT):
        return b""
    raise DecodeError("a text or a list of items is required", path="input")
