"""A proof without a place is a loss beside a tool call, before it or behind it, and nowhere else."""

from __future__ import annotations

from proxyctl.core.losses import Loss, Losses
from proxyctl.dialects.untold import UntoldProofs

MISSED = Loss("content", "no place")


def test_plain_answers_lose_nothing() -> None:
    losses = Losses()

    UntoldProofs(losses).miss(MISSED.path, MISSED.reason)

    assert losses.entries() == ()


def test_what_waited_counts_when_a_call_begins() -> None:
    losses = Losses()
    proofs = UntoldProofs(losses)
    proofs.miss(MISSED.path, MISSED.reason)

    proofs.call_begins()

    assert losses.entries() == (MISSED,)


def test_behind_a_call_it_counts_at_once() -> None:
    losses = Losses()
    proofs = UntoldProofs(losses)
    proofs.call_begins()

    proofs.miss(MISSED.path, MISSED.reason)

    assert losses.entries() == (MISSED,)
