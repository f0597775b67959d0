"""A client's request, read once and looked into only as far as needed.

The body's bytes stay as they came: the passthrough lane forwards them, the translate lane decodes them at most once
however many deployments are tried.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from proxyctl.core.chat import ChatRequest
from proxyctl.core.errors import BadRequestError, DecodeError, TooLargeError, UnsupportedMediaError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import InboundDialect, decode_fields

ClientHeaders = Mapping[bytes, bytes]

LONGEST_MODEL = 500
"""Characters of a model's name: names are remembered, logged and shown."""

_ROUTED_KEYS = tuple((key, f'"{key}"'.encode()) for key in ("model", "stream", "stream_options", "max_tokens"))

_DISGUISED = re.compile(rb"\\u00[567]")
"""An escaped letter or underscore: nobody needs one, and with it a key can stand in a body twice."""


class Inbound:
    """One inference request. `fields` is the top level of its JSON; `headers` are lower-case names to values."""

    __slots__ = ("_canonical", "body", "dialect", "fields", "headers", "peek")

    def __init__(self, dialect: InboundDialect, headers: ClientHeaders, body: bytes) -> None:
        """Raises `BadRequestError` when the body is no JSON object of this dialect."""
        self.dialect = dialect
        self.headers = headers
        self.body = body
        self.fields = read_object(body)
        try:
            self.peek: Peek = dialect.peek(self.fields, size=len(body))
        except DecodeError as exc:
            raise BadRequestError(str(exc), param=exc.path or None) from exc
        if len(self.peek.model) > LONGEST_MODEL:
            raise BadRequestError(f"the model's name is longer than {LONGEST_MODEL} characters", param="model")
        self._canonical: ChatRequest | None = None

    def canonical(self) -> ChatRequest:
        """The request in the canonical form. Raises `BadRequestError` with the path of what is wrong."""
        if self._canonical is None:
            try:
                self._canonical = self.dialect.decode_request(self.body)
            except DecodeError as exc:
                raise BadRequestError(str(exc), param=exc.path or None) from exc
        return self._canonical

    def written_plainly(self) -> bool:
        """Whether each key that routing reads stands in the body once and unescaped: the bytes say what we read."""
        body = self.body
        if b"\\u00" in body and _DISGUISED.search(body):
            return False
        return all(body.count(written) == (key in self.fields) for key, written in _ROUTED_KEYS)


def read_object(body: bytes) -> dict[str, Raw]:
    """The top level of a JSON object. Raises `BadRequestError` for anything else, and for bytes that are not UTF-8."""
    if not body.strip():
        raise BadRequestError("the request body is empty", code="empty_body")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as exc:
            raise BadRequestError(f"the request body is not UTF-8: {exc.reason} at byte {exc.start}") from exc
    try:
        return decode_fields(body)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise BadRequestError(f"the request body is not a JSON object: {exc}", code="invalid_json") from exc


def check_media(headers: ClientHeaders) -> None:
    """Raise `UnsupportedMediaError` unless the body is JSON, as far as the client says what it is."""
    content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type and content_type != b"application/json" and not content_type.endswith(b"+json"):
        shown = content_type.decode("latin-1")
        raise UnsupportedMediaError(f"the content type is {shown!r}", hint="send application/json")


def decompress(body: bytes, headers: ClientHeaders, limit: int) -> bytes:
    """Undo `content-encoding` gzip or deflate; at most `limit` bytes come out.

    Raises `UnsupportedMediaError` for other encodings, `BadRequestError` for broken data, `TooLargeError` beyond the
    limit: a small body may hold a large one.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in (b"", b"identity"):
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        shown = encoding.decode("latin-1")
        raise UnsupportedMediaError(f"the content encoding {shown!r} is not read here", hint="send it plain or gzip")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as exc:
        raise BadRequestError(f"the {encoding.decode()} body is broken: {exc}") from exc
    if len(plain) > limit:
        raise TooLargeError(f"the unpacked body is larger than {limit} bytes")
    if not unpacker.eof:
        raise BadRequestError(f"the {encoding.decode()} body ends too early")
    if unpacker.unused_data:
        raise BadRequestError(f"something follows the {encoding.decode()} body")  # a second member, which nobody read
    return plain


def raw_or_none(fields: Mapping[str, Any], name: str) -> bytes | None:
    """A field's JSON text, `None` when it is absent or null."""
    value = fields.get(name)
    if value is None:
        return None
    text = bytes(value) if isinstance(value, Raw) else msgspec.json.encode(value)
    return None if text == b"null" else text
