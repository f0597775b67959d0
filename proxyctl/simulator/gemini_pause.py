"""Answers that are longer than one HTTP answer may be: Gemini pauses them and gives a token (wire notes 2026-11).

The caller posts the same request again with the token; which token was given for which request, the provider knows.
"""

from typing import NamedTuple

import msgspec

from proxyctl.simulator.script import Script
from proxyctl.simulator.tokens import count_tokens

CONTINUATION = "CONTINUATION"


class Pause(NamedTuple):
    """What a token stands for: the request, as a fingerprint, and the piece of its answer that comes next."""

    asked: str
    begin: int


def piece_of(script: Script, begin: int, *, pauses: bool) -> Script:
    """One HTTP answer of a long one: half of what is left, or all of it. Thoughts come first, calls last."""
    left = script.pieces[begin:]
    pieces = left[: len(left) // 2] if pauses else left
    thinking = 0 if begin else script.tally.thinking
    return msgspec.structs.replace(
        script,
        thoughts=() if begin else script.thoughts,
        pieces=pieces,
        calls=() if pauses else script.calls,
        tally=msgspec.structs.replace(script.tally, output=thinking + count_tokens("".join(pieces)), thinking=thinking),
        reason=CONTINUATION if pauses else script.reason,
    )
