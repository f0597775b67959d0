"""One caller's proofs: what was gathered from the answers that it was told, put back into the histories that it sends.

Works on canonical requests, so it knows no wire format. A history without kept calls costs a look into a dictionary for
each call. A proof goes back only to who made it: the same dialect and model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from msgspec.structs import replace

from proxyctl.core.chat import ChatRequest, Message, Part, RefusalPart, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.losses import Losses
from proxyctl.gateway.kept_signatures import KeptProof, KeptSignatures, Maker
from proxyctl.gateway.proof_gathering import ProofGatherer

_OTHER_MODEL = "a proof that another model made is not sent to this one"

Session = Callable[[], str]
"""Gives the conversation's name; it may cost a look into the request."""


class Proofs:
    """What one caller has been told. `owner` is whose key it is."""

    def __init__(self, kept: KeptSignatures, owner: str) -> None:
        self._kept = kept
        self._owner = owner

    def __bool__(self) -> bool:
        """Whether anything is kept at all."""
        return len(self._kept) > 0

    def gatherer(self, maker: Maker, session: Session, *, unsigned: bool) -> ProofGatherer:
        """For one answer of this maker. `unsigned`: its thinking must come back although nothing proves it."""

        def put(proven: Iterable[tuple[ToolCallPart, KeptProof]]) -> None:
            name = session()
            for call, proof in proven:
                self._kept.put(call, proof, owner=self._owner, session=name)

        return ProofGatherer(put, maker, unsigned=unsigned)

    def put_back(self, request: ChatRequest, maker: Maker, session: Session, losses: Losses) -> ChatRequest:
        """The request with its calls proven as they were when this maker told them, as far as that is kept.

        What the caller carried itself stays, unless it is known to be another model's: that is a loss.
        """
        if not self:
            return request
        session = cache(session)
        messages = list(request.messages)
        for index, message in enumerate(messages):
            if message.role == "assistant" and (proofs := self._found(message.parts, session)):
                parts = _proven(message.parts, proofs, maker, losses, f"messages[{index}]")
                messages[index] = Message("assistant", parts)
        return replace(request, messages=tuple(messages))

    def is_anothers(self, call: ToolCallPart, maker: Maker, session: Session) -> bool:
        """Whether the call bears a signature that somebody else is known to have made."""
        proofs = self._kept.find(call, owner=self._owner, session=session) if call.signature is not None else ()
        return any(proof.signature == call.signature and proof.maker != maker for proof in proofs)

    def _found(self, parts: Sequence[Part], session: Session) -> dict[int, list[KeptProof]]:
        """What is kept of a turn's calls, by their place in it."""
        found: dict[int, list[KeptProof]] = {}
        for place, part in enumerate(parts):
            if isinstance(part, ToolCallPart):
                proofs = self._kept.find(part, owner=self._owner, session=session)
                if proofs:
                    found[place] = proofs
        return found


def _proven(
    parts: Sequence[Part], found: dict[int, list[KeptProof]], maker: Maker, losses: Losses, path: str
) -> tuple[Part, ...]:
    """A turn's parts with what `maker` proved, and without what another model of its dialect did."""
    written: list[Part] = []
    for place, part in enumerate(parts):
        proofs = found.get(place)
        if proofs is None or not isinstance(part, ToolCallPart):
            written.append(part)
            continue
        own = next((proof for proof in proofs if proof.maker == maker), None)
        call = part
        if own is not None:
            written = _with_thoughts(written, own)
            if part.signature is None and own.signature is not None:
                call = replace(part, signature=own.signature)
        else:
            for proof in proofs:
                if proof.maker.dialect == maker.dialect:
                    written, call = _without(written, call, proof, losses, path)
        written.append(call)
    return tuple(written)


def _with_thoughts(before: list[Part], proof: KeptProof) -> list[Part]:
    """Put the thoughts where they stood, in place of the caller's copy of them; another proof there is left alone."""
    earlier, stretch = _split(before)
    carried = [part for part in stretch if isinstance(part, ThinkingPart)]
    if not proof.thoughts or any(_is_proven(thought) and not _is_of(thought, proof) for thought in carried):
        return before
    others = [part for part in stretch if not isinstance(part, ThinkingPart)]
    return [*earlier, *proof.thoughts[: proof.leading], *others, *proof.thoughts[proof.leading :]]


def _without(
    before: list[Part], call: ToolCallPart, proof: KeptProof, losses: Losses, path: str
) -> tuple[list[Part], ToolCallPart]:
    """What the caller carried back of another model's proof, taken out."""
    earlier, stretch = _split(before)
    kept = [part for part in stretch if not (isinstance(part, ThinkingPart) and _is_of(part, proof))]
    is_foreign = call.signature is not None and call.signature == proof.signature
    if is_foreign or len(kept) != len(stretch):
        losses.add(path, _OTHER_MODEL)
    return [*earlier, *kept], replace(call, signature=None) if is_foreign else call


def _split(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """What is certainly earlier, and the texts and thoughts that stand directly before what comes next."""
    start = len(parts)
    while start and isinstance(parts[start - 1], TextPart | RefusalPart | ThinkingPart):
        start -= 1
    return parts[:start], parts[start:]


def _is_proven(thought: ThinkingPart) -> bool:
    return thought.signature is not None or thought.redacted is not None


def _is_of(thought: ThinkingPart, proof: KeptProof) -> bool:
    """Whether the caller's thought bears one of these proofs."""
    return _is_proven(thought) and any(
        (thought.signature, thought.redacted) == (kept.signature, kept.redacted) for kept in proof.thoughts
    )
