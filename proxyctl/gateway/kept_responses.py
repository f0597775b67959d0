"""Responses that a later request may name instead of repeating them: `previous_response_id` and `item_reference`.

Most providers remember nothing, so the gateway does, for all of them: a request that names a kept response is given
the whole conversation before anybody routes it, and goes on wherever that can be served. The provider that made an
answer and keeps it itself is sent the request as it was written (`maker`). In memory, bounded in number, bytes and age,
and gone with the daemon; an id that is not kept here stays in the request, where the dialect refuses it. What one
gateway key has had answered exists for no other. Source: wire notes 2026-11, "OpenAI" (`store` is true unless it is
said to be false; instructions are not carried over).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.clock import Clock
from proxyctl.core.errors import NotFoundError
from proxyctl.dialects.base import encode_json

DAY: Final = 86_400.0
MOST_RESPONSES: Final = 2_000
MOST_BYTES: Final = 64 * 1024 * 1024


class _Output(Struct):
    id: str
    output: list[Raw]
    store: bool | None = None


class _Item(Struct):
    id: str | None = None
    type: str | None = None
    encrypted_content: str | None = None


class _Items(Struct):
    output: list[_Item]


_output = msgspec.json.Decoder(_Output)
_items_with_ids = msgspec.json.Decoder(_Items)
_item = msgspec.json.Decoder(_Item)
_members = msgspec.json.Decoder(dict[str, Raw])

_OPTIONAL_IDS = frozenset({"message", "function_call", "custom_tool_call"})


class KeptResponse(Struct, frozen=True, kw_only=True):
    """One answered request. `document` is the response object's JSON, `input` the JSON of each item before it.

    `session` is the conversation's name for routing; `maker` the deployment that keeps it too, `""` when nobody does;
    `until` is in Unix seconds.
    """

    document: bytes
    input: tuple[bytes, ...]
    session: str
    maker: str
    until: float
    size: int

    @property
    def output(self) -> list[bytes]:
        """The JSON of each item that was answered."""
        return [bytes(item) for item in _output.decode(self.document).output]

    @property
    def items(self) -> tuple[bytes, ...]:
        """The whole conversation, as input of the next request."""
        return (*self.input, *self.output)


class KeptResponses:
    """The store. `owner` is whose gateway key it was, `""` in a gateway without keys; the oldest are dropped first.

    Items that follow-ups share are counted once for each response that holds them: the bound is never exceeded.
    """

    def __init__(
        self, clock: Clock, *, seconds: float = DAY, most: int = MOST_RESPONSES, most_bytes: int = MOST_BYTES
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], KeptResponse] = OrderedDict()
        self._makers: dict[tuple[str, str], str] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, response_id: str, owner: str) -> KeptResponse | None:
        self._drop_old()
        return self._kept.get((owner, response_id))

    def item(self, item_id: str, owner: str) -> bytes | None:
        """The JSON of an item that a kept response answered with."""
        self._drop_old()
        maker = self._makers.get((owner, item_id))
        if maker is None:
            return None
        return next((item for item in self._kept[owner, maker].output if id_of(item) == item_id), None)

    def put(
        self, document: bytes, owner: str, input_items: Iterable[bytes], *, session: str = "", maker: str = ""
    ) -> None:
        """Keep a complete answer, a response object's JSON, unless it alone is more than may be kept.

        What a provider made in a form that cannot be read again is not kept.
        """
        try:
            answer = _output.decode(document)
            _items_with_ids.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        response_id = answer.id
        items = tuple(input_items)
        size = len(document) + sum(map(len, items))
        self.delete(response_id, owner)
        if size > self._most_bytes:
            return
        until = self._clock.now() + self._seconds
        maker = "" if answer.store is False else maker
        kept = KeptResponse(document=document, input=items, session=session, maker=maker, until=until, size=size)
        self._kept[owner, response_id] = kept
        self.size += size
        for item_id in filter(None, map(id_of, kept.output)):
            self._makers[owner, item_id] = response_id
        self._drop_old()

    def delete(self, response_id: str, owner: str) -> bool:
        """Forget a response; says whether there was one."""
        kept = self._kept.pop((owner, response_id), None)
        if kept is None:
            return False
        self.size -= kept.size
        for item_id in filter(None, map(id_of, kept.output)):
            if self._makers.get((owner, item_id)) == response_id:
                del self._makers[owner, item_id]
        return True

    def _drop_old(self) -> None:
        """They stand in the order in which they end."""
        now = self._clock.now()
        while self._kept:
            (owner, response_id), oldest = next(iter(self._kept.items()))
            if oldest.until > now and len(self._kept) <= self._most and self.size <= self._most_bytes:
                return
            self.delete(response_id, owner)


def kept_at(path: str) -> str:
    """The response that a path such as `/v1/responses/resp_1` names, `""` when it is none of these paths."""
    name = path.removeprefix("/v1").removeprefix("/responses/")
    return name if name.startswith("resp_") and "/" not in name else ""


def retrieve(kept: KeptResponses, response_id: str, owner: str) -> KeptResponse:
    """The response of that name. Raises `NotFoundError` when it is not kept."""
    found = kept.get(response_id, owner)
    if found is None:
        raise NotFoundError(
            f"the response {response_id!r} is not kept here",
            hint="the provider that made it may still keep it",
            param="id",
            code="response_not_found",
        )
    return found


def id_of(item: bytes) -> str | None:
    """An item's id, if it has one."""
    return _item.decode(item).id


def portable(item: bytes) -> bytes | None:
    """An answered item as somebody takes it who did not make it; `None` for thinking that only its maker can look up.

    Ids go with it: a provider that knows one wants the thinking that stood before it.
    """
    try:
        head = _item.decode(item)
    except (msgspec.DecodeError, RecursionError):
        return item  # whoever serves it says what is wrong with it
    if head.type == "reasoning":
        return item if head.encrypted_content else None
    if head.type not in _OPTIONAL_IDS:
        return item
    members = _members.decode(item)
    members.pop("id", None)
    return encode_json(members)
