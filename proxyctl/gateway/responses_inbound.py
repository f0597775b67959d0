"""A request in the responses dialect, with what it only names put into it before anybody routes it.

The earlier conversation comes from the gateway's own store and stands in `input` from here on, so that both lanes,
token estimates and routing see a request like any other. What the store does not know stays as it was written: whoever
serves the request refuses it, or knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.dialects.base import InboundDialect, encode_json
from proxyctl.dialects.raw_lists import raw_list_decoder
from proxyctl.gateway.inbound import ClientHeaders, Inbound, Keep
from proxyctl.gateway.kept_responses import KeptResponse, KeptResponses, portable

_REFERENCE = b'"item_reference"'


class _Reference(Struct):
    type: str | None = None
    id: str | None = None


_reference = msgspec.json.Decoder(_Reference)


class ResponsesInbound(Inbound):
    """A request whose answer is kept, and which may build on one that was.

    `fields` and `body` hold the whole conversation; `asked` is what the caller wrote.
    """

    __slots__ = ("_asked", "_earlier", "_items", "_kept", "_owner", "_written")

    def __init__(
        self, kept: KeptResponses, owner: str, dialect: InboundDialect, headers: ClientHeaders, body: bytes
    ) -> None:
        """Raises `BadRequestError` when the body is no JSON object of this dialect."""
        super().__init__(dialect, headers, body)
        self._kept = kept
        self._owner = owner
        self._asked: Mapping[str, Raw] = self.fields
        self._written = body
        self._earlier: KeptResponse | None = None
        self._items: tuple[bytes, ...] | None = None
        previous = self.peek.previous_response
        if not previous and _REFERENCE not in body:
            return
        self._earlier = kept.get(previous, owner) if previous else None
        if previous and self._earlier is None:
            return  # not ours: whoever serves it says so
        own = _items_of(self.fields)
        resolved = [self._resolved(item) for item in own]
        if self._earlier is None and resolved == own:
            return
        self._items = (*(self._earlier.items if self._earlier is not None else ()), *resolved)
        fields: dict[str, object] = {**self.fields, "input": [Raw(item) for item in self._items]}
        fields.pop("previous_response_id", None)
        super().__init__(dialect, headers, encode_json(fields))

    @property
    @override
    def asked(self) -> Mapping[str, Raw]:
        return self._asked

    @override
    def session(self) -> str:
        """A follow-up belongs to the conversation that it goes on with, whatever it repeats of it."""
        earlier = self._earlier.session if self._earlier is not None else ""
        return earlier or super().session()

    @override
    def told_to(self, maker: str) -> Inbound:
        """Who made the earlier answer and keeps it is sent the caller's own words, everybody else all that was said."""
        if self._earlier is None:
            return self
        if self._earlier.maker and self._earlier.maker == maker:
            return Inbound(self.dialect, self.headers, self._written)
        own = (self._items or ())[len(self._earlier.items) :]
        earlier = (portable(item) for item in self._earlier.items)
        items = (*(item for item in earlier if item is not None), *own)
        fields: dict[str, object] = {**self.fields, "input": [Raw(item) for item in items]}
        return Inbound(self.dialect, self.headers, encode_json(fields))

    @override
    def keeper(self, session: Callable[[], str], maker: str = "") -> Keep | None:
        """Keep the answer, unless the caller wants nothing stored."""
        if bytes(self._asked.get("store", b"")) == b"false":
            return None

        def keep(document: bytes) -> None:
            items = _items_of(self._asked) if self._items is None else self._items
            self._kept.put(document, self._owner, items, session=session(), maker=maker)

        return keep

    def _resolved(self, item: bytes) -> bytes:
        """What a reference stands for; one that nobody here can resolve stays one."""
        if _REFERENCE not in item:
            return item
        try:
            head = _reference.decode(item)
        except (msgspec.DecodeError, RecursionError):
            return item
        if head.type != "item_reference" or head.id is None:
            return item
        return self._kept.item(head.id, self._owner) or item


def _items_of(fields: Mapping[str, Raw]) -> list[bytes]:
    """The JSON of each item of a request's own input, which the dialect has peeked at; a bare text is a message."""
    given = bytes(fields.get("input", b"null")).strip()
    if given.startswith(b"["):
        return [bytes(item) for item in raw_list_decoder.decode(given)]
    if given in (b"null", b'""'):
        return []
    return [b'{"type":"message","role":"user","content":%b}' % given]
