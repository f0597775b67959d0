"""Carry a fixture through a lane, as an attempt does, and say what the caller got and what was learnt.

The carriers are the gateway's own; only the socket is missing. A broken stream's story stands in `failure.json`: the
parts that had come, the class of the problem, and whether anything had come that a person would see.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from proxyctl.core.chat import DialectName, Part
from proxyctl.core.clock import ManualClock
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import AttemptResult
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import AnswerContext
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.dialects.traits import PERMISSIVE
from proxyctl.gateway.passthrough import PassthroughCarrier
from proxyctl.gateway.relay import CUT, Carrier
from proxyctl.gateway.translate import TranslateCarrier
from tests.dialects.wire_cases import cases, frames, pieces

FOLDERS: dict[str, DialectName] = {
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "anthropic_messages": "anthropic-messages",
    "gemini_generate": "gemini-generate",
    "cohere_chat": "cohere-chat",
}
CONTEXT = AnswerContext(model="asked", created=1_763_900_000, include_usage=True, input_estimate=11)
REQUEST = b'{"model":"asked","messages":[{"role":"user","content":"What is the weather in Oslo and in Rome?"}]}'


Cut = int | list[bytes] | None
"""How a stream comes: frame by frame, cut at random by a seed, or in these pieces."""


class FailureStory(Struct, frozen=True):
    """What a broken stream held."""

    parts: tuple[Part, ...]
    kind: str
    started: bool


@dataclass(frozen=True)
class Carried:
    """One stream at its end. `sent` are the caller's bytes, without the error frame that the attempt would add."""

    sent: bytes
    result: AttemptResult
    started: bool
    complete: bool
    problem: Problem | None
    told: bool
    losses: Losses


def all_cases(file: str, *folders: str) -> list[pytest.ParameterSet]:
    """Every case that has this file, in these dialects' folders or in all."""
    found = []
    for name in folders or FOLDERS:
        for case in cases(name, file):
            folder = case.values[0]
            assert isinstance(folder, Path)
            found.append(pytest.param(folder, id=f"{name}-{folder.name}"))
    return found


def dialect_of(folder: Path) -> DialectName:
    return FOLDERS[folder.parent.name]


def failure_story(folder: Path) -> FailureStory:
    return msgspec.json.decode((folder / "failure.json").read_bytes(), type=FailureStory)


def passed(dialect: DialectName, wire: bytes, cut: Cut = None, *, hide_usage: bool = False) -> Carried:
    """Let a stream pass to a caller who speaks the same dialect."""
    clock = ManualClock()
    carrier = PassthroughCarrier(INBOUND[dialect], clock, hide_usage=hide_usage)
    return carried(carrier, wire, clock, Losses(), cut)


def translated(
    upstream: DialectName,
    inbound: DialectName,
    wire: bytes,
    cut: Cut = None,
    *,
    context: AnswerContext = CONTEXT,
) -> Carried:
    """Translate a stream from one dialect to a caller of another, or of the same."""
    clock, losses = ManualClock(), Losses()
    carrier = TranslateCarrier(
        UPSTREAM[upstream],
        INBOUND[inbound],
        clock,
        context=context,
        names=ToolNames.of((), PERMISSIVE),
        losses=losses,
    )
    return carried(carrier, wire, clock, losses, cut)


def carried(carrier: Carrier, wire: bytes, clock: ManualClock, losses: Losses, cut: Cut = None) -> Carried:
    """Feed the stream in pieces that come a second apart."""
    sent: list[bytes] = []
    for piece in cut if isinstance(cut, list) else frames(wire) if cut is None else pieces(wire, cut):
        clock.advance(1)
        sent += carrier.feed(piece)
        if carrier.problem is not None:
            break
    clock.advance(1)
    if carrier.problem is None:
        sent += carrier.end()
    return Carried(
        sent=b"".join(sent),
        result=carrier.result(REQUEST),
        started=carrier.started,
        complete=carrier.complete,
        problem=carrier.problem or (None if carrier.complete else CUT),
        told=carrier.told,
        losses=losses,
    )
