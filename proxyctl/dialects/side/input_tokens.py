"""Counters that are sent a request's own body, less what only its answer needs, and answer with `input_tokens`."""

from __future__ import annotations

from abc import abstractmethod

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.facts import Counter
from proxyctl.dialects.typed import decode_typed


class _Counted(Struct):
    input_tokens: int


_counted = msgspec.json.Decoder(_Counted)


class InputTokensCounter(Counter):
    """One counter of this form. The model stands in the body."""

    @abstractmethod
    def takes(self, name: str) -> bool:
        """Whether the counter knows this field of a request."""

    @override
    def encode(self, fields: Fields, model: str) -> Fields:
        del model
        return {name: value for name, value in fields.items() if self.takes(name)}

    @override
    def decode(self, body: bytes) -> int:
        return decode_typed(_counted, body).input_tokens
