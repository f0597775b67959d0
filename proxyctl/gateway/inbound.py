"""A client's request, read once and looked into only as far as needed.

The body's bytes stay as they came: the passthrough lane forwards them, the translate lane decodes them at most once
however many deployments are tried.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from proxyctl.core.chat import ChatRequest
from proxyctl.core.errors import BadRequestError, DecodeError, TooLargeError, UnsupportedMediaError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import InboundDialect, decode_fields
from proxyctl.dialects.sound import check_sound
from proxyctl.gateway.proofs import Proofs

ClientHeaders = Mapping[bytes, bytes]
Keep = Callable[[bytes], None]
"""Keeps a complete answer, as it is told to the caller, for a later request to build on."""

LONGEST_MODEL = 500
"""Characters of a model's name: names are remembered, logged and shown."""

_ROUTED_KEYS = tuple((key, f'"{key}"'.encode()) for key in ("model", "stream", "stream_options", "max_tokens"))

_DISGUISED = re.compile(rb"\\u00[567]")
"""An escaped letter or underscore: nobody needs one, and with it a key can stand in a body twice."""


class Address(NamedTuple):
    """What a request's path says in a dialect whose bodies do not: which model, and whether the answer streams."""

    model: str
    stream: bool


class Inbound:
    """One inference request. `fields` is the top level of its JSON; `headers` are lower-case names to values.

    `proofs` are what this caller was told and may not have carried back; `None` where nothing is kept.
    """

    __slots__ = ("_canonical", "address", "body", "dialect", "fields", "headers", "peek", "proofs")

    def __init__(
        self, dialect: InboundDialect, headers: ClientHeaders, body: bytes, address: Address | None = None
    ) -> None:
        """Raises `BadRequestError` when the body is no JSON object of this dialect."""
        self.dialect = dialect
        self.address = address
        self.headers = headers
        self.body = body
        self.fields = read_object(body)
        try:
            self.peek: Peek = dialect.peek(self.fields, size=len(body))
        except DecodeError as exc:
            raise BadRequestError(str(exc), param=exc.path or None) from exc
        if address is not None:
            self.peek = replace(self.peek, model=address.model, stream=address.stream)
        if len(self.peek.model) > LONGEST_MODEL:
            raise BadRequestError(f"the model's name is longer than {LONGEST_MODEL} characters", param="model")
        self._canonical: ChatRequest | None = None
        self.proofs: Proofs | None = None

    @property
    def asked(self) -> Mapping[str, Raw]:
        """The top level as the caller wrote it, for answers that repeat it."""
        return self.fields

    def session(self) -> str:
        """The conversation's name, `""` when it has none."""
        return self.dialect.session(self.fields)

    def told_to(self, maker: str) -> Inbound:
        """The request as it passes to the deployment called `maker` (`Target.maker`)."""
        del maker
        return self

    def keeper(self, session: Callable[[], str], maker: str = "") -> Keep | None:
        """Who keeps the answer, under the name that `session` gives the conversation; `None`: nobody.

        `maker` is the deployment that keeps it as well, if it passes from there.
        """
        del session, maker
        return None

    def canonical(self) -> ChatRequest:
        """The request in the canonical form. Raises `BadRequestError` with the path of what is wrong."""
        if self._canonical is None:
            try:
                decoded = self.dialect.decode_request(self.body)
                check_sound(decoded)
            except DecodeError as exc:
                raise BadRequestError(str(exc), param=exc.path or None) from exc
            except RecursionError as exc:  # its top level could just be read
                raise BadRequestError("the request is nested too deeply to be read") from exc
            if self.address is not None:
                decoded = replace(decoded, model=self.address.model, stream=self.address.stream)
            self._canonical = decoded
        return self._canonical

    def written_plainly(self) -> bool:
        """Whether each key that routing reads stands in the body once and unescaped: the bytes say what we read.

        Where the address says it, the body has no say.
        """
        if self.address is not None:
            return True
        body = self.body
        if b"\\u00" in body and _DISGUISED.search(body):
            return False
        return all(body.count(written) == (key in self.fields) for key, written in _ROUTED_KEYS)


def session_of(inbound: Inbound) -> str:
    """The conversation's name: by the caller's headers, else by its body; `""` when it has none."""
    headers = inbound.headers
    given = headers.get(b"x-proxyctl-session") or headers.get(b"x-session-affinity") or headers.get(b"session-id")
    return given.decode("latin-1") if given else inbound.session()


def client_headers(pairs: Sequence[tuple[bytes, bytes]]) -> ClientHeaders:
    """A request's headers by name; what came several times is one list (RFC 9110, 5.3), a repeated value said once."""
    headers = dict(pairs)
    if len(headers) == len(pairs):  # as good as always
        return headers
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        known = values.setdefault(name, [])
        if value not in known:
            known.append(value)
    return {name: (b"; " if name == b"cookie" else b",").join(known) for name, known in values.items()}


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


def client_name(headers: ClientHeaders) -> str:
    """What a caller calls itself, for the record."""
    return headers.get(b"user-agent", b"").decode("latin-1")[:200]
