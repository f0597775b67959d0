"""Gather the proofs of one answer's calls while it is told, event by event or whole.

Works on canonical answers, so it knows no wire format. A proof is a call's own signature, or the signed or encrypted
thinking before it; an answer without any costs a look at its parts. Nothing is kept of an answer that never ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from proxyctl.core.chat import Answer, RefusalPart, Signature, TextPart, ThinkingPart, ToolCallPart
from proxyctl.core.events import Delta, Event, PartEnd, PartStart, SignatureDelta
from proxyctl.gateway.kept_signatures import KeptProof, Maker

LONGEST = 1024 * 1024
"""Characters of one thought, or of one call's arguments, that are held for the sake of a proof."""

Put = Callable[[Iterable[tuple[ToolCallPart, KeptProof]]], None]


class _Open:
    """A call or a thought under way; for a call, what stood before it."""

    __slots__ = ("leading", "length", "pieces", "signature", "start", "thoughts")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.pieces: list[str] = []
        self.length = 0
        self.signature: Signature | None = None
        self.thoughts: tuple[ThinkingPart, ...] = ()
        self.leading = 0


class ProofGatherer:
    """Watches one answer, event by event or whole, and keeps the proofs of its calls once it is complete.

    Of a part it holds the text until its end, and longer only if it is proven: answers are never held whole. While
    `open` is empty, deltas need not be fed: they are of a text, as nearly all are.
    """

    def __init__(self, put: Put, maker: Maker, *, unsigned: bool) -> None:
        """`unsigned`: thinking that nobody proved is kept like a proof, because its maker wants it back."""
        self._put = put
        self._maker = maker
        self._unsigned = unsigned
        self.open: dict[int, _Open] = {}
        self._thoughts: list[ThinkingPart] = []
        self._leading: int | None = None
        self._is_cut = False
        self._proven: list[tuple[ToolCallPart, KeptProof]] = []

    def feed(self, event: Event) -> None:
        """Take an event as the caller is told it."""
        match event:
            case Delta():
                if event.index in self.open:
                    self._grow(event)
            case PartStart():
                self._begin(event)
            case SignatureDelta() if event.index in self.open:
                self.open[event.index].signature = event.signature
            case PartEnd() if event.index in self.open:
                self._close(self.open.pop(event.index))
            case _:
                pass

    def read(self, answer: Answer) -> None:
        """Take a whole answer, and keep its proofs."""
        for part in answer.parts:
            match part:
                case TextPart() | RefusalPart():
                    self._speak()
                case ThinkingPart():
                    self._think(part)
                case ToolCallPart():
                    self._call(part, *self._take())
                case _:
                    pass
        self.keep()

    def keep(self) -> None:
        """The answer is complete."""
        if self._proven:
            self._put(self._proven)

    def _grow(self, delta: Delta) -> None:
        part = self.open[delta.index]
        part.pieces.append(delta.text)
        part.length += len(delta.text)
        if part.length > LONGEST:
            del self.open[delta.index]
            self._is_cut = self._is_cut or part.start.kind == "thinking"

    def _begin(self, start: PartStart) -> None:
        match start.kind:
            case "tool_call":
                opened = self.open[start.index] = _Open(start)
                opened.thoughts, opened.leading = self._take()
            case "thinking":
                self.open[start.index] = _Open(start)
            case "redacted_thinking":
                self._think(ThinkingPart(redacted=start.data))
            case _:
                self._speak()

    def _close(self, part: _Open) -> None:
        text = "".join(part.pieces)
        if part.start.kind == "thinking":
            self._think(ThinkingPart(text=text, signature=part.signature))
            return
        call = ToolCallPart(id=part.start.id, name=part.start.name, arguments=text, signature=part.signature)
        self._call(call, part.thoughts, part.leading)

    def _speak(self) -> None:
        if self._leading is None:
            self._leading = len(self._thoughts)

    def _think(self, thought: ThinkingPart) -> None:
        wanted = self._unsigned and thought.signature is None and bool(thought.text)
        if wanted or thought.redacted is not None or self._is_own(thought.signature):
            self._thoughts.append(thought)

    def _take(self) -> tuple[tuple[ThinkingPart, ...], int]:
        """The thoughts since the last call, and how many of them came before any text. All of them, or none."""
        thoughts = () if self._is_cut else tuple(self._thoughts)
        leading = len(thoughts) if self._leading is None else self._leading
        self._thoughts.clear()
        self._leading = None
        self._is_cut = False
        return thoughts, leading

    def _call(self, call: ToolCallPart, thoughts: tuple[ThinkingPart, ...], leading: int) -> None:
        signature = call.signature if self._is_own(call.signature) else None
        if thoughts or signature is not None:
            proof = KeptProof(maker=self._maker, signature=signature, thoughts=thoughts, leading=leading)
            self._proven.append((replace(call, signature=None), proof))

    def _is_own(self, signature: Signature | None) -> bool:
        return signature is not None and signature.origin == self._maker.dialect
