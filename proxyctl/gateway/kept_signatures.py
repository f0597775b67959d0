"""The proofs of tool calls that were told to callers, to be put back when the calls come back without them.

Chat callers have no place for another dialect's thinking and drop Gemini's signatures, and the provider that made them
wants them back in the next step of the tool loop. In memory only, bounded in number and bytes, forgotten some hours
after their last use, gone with the daemon, and never logged. What one gateway key was told exists for no other.

A call is known by its id as it was told, its name and its arguments, so that a used-again id finds nothing. Thinking
goes back only in its own session: it is bound to all that came before it (wire notes 2026-11, "Anthropic"), and agents
that compact a history begin it with other words. A call's signature is bound to its call alone; there the session
decides only where two of them know the very same one. Two answers with the same call and different proofs leave none: a
proof on the wrong part is worse than no proof.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from proxyctl.core.chat import DialectName, Signature, ThinkingPart, ToolCallPart, normal_arguments
from proxyctl.core.clock import Clock
from proxyctl.dialects.names import fitted_id
from proxyctl.routing.affinity import session_name

HOURS_KEPT: Final = 12 * 3_600.0
MOST_CALLS: Final = 20_000
MOST_BYTES: Final = 64 * 1024 * 1024
_OVERHEAD = 600
"""Bytes that an entry takes beside its texts."""

_sorted_encoder = msgspec.json.Encoder(order="sorted")


class Maker(NamedTuple):
    """Who made a proof: nobody else takes it. `dialect` is its wire format, `model` the name that was asked."""

    dialect: DialectName
    model: str


class KeptProof(Struct, frozen=True, kw_only=True):
    """What proves one call: its own signature, and the thinking that stood between it and the call before it.

    The first `leading` thoughts came before the text of that stretch, the others directly before the call.
    """

    maker: Maker
    signature: Signature | None = None
    thoughts: tuple[ThinkingPart, ...] = ()
    leading: int = 0

    @property
    def size(self) -> int:
        """In bytes, or nearly."""
        texts = [len(self.signature.value) if self.signature is not None else 0]
        for thought in self.thoughts:
            value = thought.signature.value if thought.signature is not None else ""
            texts += [len(thought.text), len(thought.redacted or ""), len(value)]
        return _OVERHEAD + sum(texts)


class _Key(NamedTuple):
    owner: str
    call_id: str
    digest: bytes
    session: str
    maker: Maker


class _Kept(Struct):
    """`written` is a hash of the call as it came last: clients write it in one way, which is quickly recognised."""

    proof: KeptProof
    until: float
    written: int


class KeptSignatures:
    """The store. `owner` is whose gateway key it was, `""` in a gateway without keys; the longest unused go first."""

    def __init__(
        self, clock: Clock, *, seconds: float = HOURS_KEPT, most: int = MOST_CALLS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._calls: dict[tuple[str, str], list[_Key]] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, call: ToolCallPart, proof: KeptProof, *, owner: str, session: str) -> None:
        """Keep the proof of a call that a caller was told, unless it alone is more than may be kept."""
        key = _Key(owner, fitted_id(call.id), _digest(call), session_name(session), proof.maker)
        known = self._kept.get(key)
        if known is not None:
            proof = proof if known.proof == proof else KeptProof(maker=proof.maker)
            self._delete(key)
        if proof.size <= self._most_bytes:
            self._kept[key] = _Kept(proof, self._clock.now() + self._seconds, _written(call))
            self._calls.setdefault((owner, key.call_id), []).append(key)
            self.size += proof.size
        self._drop_old()

    def find(self, call: ToolCallPart, *, owner: str, session: Callable[[], str]) -> list[KeptProof]:
        """The proofs of this very call, one for each that made one. `session` is asked only where it decides.

        In another session than its own a proof has no thoughts.
        """
        keys = self._calls.get((owner, fitted_id(call.id)))
        if keys is None:
            return []
        written = _written(call)
        found = [key for key in keys if self._kept[key].written == written]
        if len(found) < len(keys):
            digest = _digest(call)
            found = [key for key in keys if key.digest == digest]
        self._drop_old()
        return _of_session({key: self._used(key, written).proof for key in found if key in self._kept}, session)

    def _used(self, key: _Key, written: int) -> _Kept:
        """A conversation that goes on keeps what it needs."""
        kept = self._kept[key]
        kept.until = self._clock.now() + self._seconds
        kept.written = written
        self._kept.move_to_end(key)
        return kept

    def _delete(self, key: _Key) -> None:
        self.size -= self._kept.pop(key).proof.size
        others = self._calls[key.owner, key.call_id]
        others.remove(key)
        if not others:
            del self._calls[key.owner, key.call_id]

    def _drop_old(self) -> None:
        """They stand in the order in which they end."""
        now = self._clock.now()
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            if oldest.until > now and len(self._kept) <= self._most and self.size <= self._most_bytes:
                return
            self._delete(key)


def _of_session(proofs: Mapping[_Key, KeptProof], session: Callable[[], str]) -> list[KeptProof]:
    sessions = {key.session for key in proofs}
    if len(sessions) <= 1 and not any(proof.thoughts for proof in proofs.values()):
        return list(proofs.values())
    own = session_name(session())
    if own in sessions:
        return [proof for key, proof in proofs.items() if key.session == own]
    return [replace(proof, thoughts=(), leading=0) for proof in proofs.values()] if len(sessions) == 1 else []


def _written(call: ToolCallPart) -> int:
    return hash((call.name, call.arguments))


def _digest(call: ToolCallPart) -> bytes:
    """A hash of a call's name and arguments, the same however its client wrote the arguments' JSON again."""
    arguments = call.arguments.encode("utf-8", "surrogatepass")
    with suppress(msgspec.DecodeError, UnicodeError, RecursionError):  # then compared as they are written
        value = msgspec.json.decode(normal_arguments(call.arguments))
        arguments = _sorted_encoder.encode(_comparable(value))
    name = call.name.encode("utf-8", "surrogatepass")
    return blake2b(name + b"\x00" + arguments, digest_size=16).digest()


def _comparable(value: Any) -> Any:
    """A JSON value with its numbers as JavaScript has them: `1.0` is `1`, and long integers are rounded."""
    match value:
        case bool():
            return value
        case int():
            return float(value) if abs(value) < 10**300 else str(value)
        case dict():
            return {name: _comparable(inner) for name, inner in value.items()}
        case list():
            return [_comparable(inner) for inner in value]
        case _:
            return value
