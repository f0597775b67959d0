"""`x-proxyctl-strict`: a caller that would rather be refused than served with something left out.

A request that a target could be sent only with losses is not sent there. This knows what the request loses on its way
out; what an answer loses on its way back shows when it is there, and is counted, as without the header.
"""

from __future__ import annotations

from itertools import islice

from proxyctl.core.errors import BadRequestError, WouldLoseError
from proxyctl.core.losses import Losses
from proxyctl.gateway.inbound import ClientHeaders

HEADER = b"x-proxyctl-strict"
MOST_TOLD = 20
"""Losses that a refusal spells out; it gives the number of the others."""
LONGEST_TOLD = 200
"""Characters of one path or reason in a refusal."""

_VALUES = {b"1": True, b"true": True, b"yes": True, b"0": False, b"false": False, b"no": False}


def wants_strict(headers: ClientHeaders) -> bool:
    """Whether losses are to be refused. Raises `BadRequestError` for a value that is neither yes nor no."""
    given = headers.get(HEADER)
    if given is None:
        return False
    wanted = _VALUES.get(given.strip().lower())
    if wanted is None:
        shown = given[:LONGEST_TOLD].decode("latin-1")
        raise BadRequestError(f"the header {HEADER.decode()} is {shown!r}", hint="1, true or yes; or 0, false or no")
    return wanted


def refuse_losses(losses: Losses, target: str) -> None:
    """Raise `WouldLoseError`, with each path and reason, when there are any. `target` is a `provider:model`."""
    if not losses:
        return
    told = "; ".join(f"{_short(one.path)} ({_short(one.reason)})" for one in islice(losses.entries(), MOST_TOLD))
    more = f"; and {len(losses) - MOST_TOLD} more" if len(losses) > MOST_TOLD else ""
    raise WouldLoseError(
        f"strict: nobody can be sent this request whole; {_short(target)} would lose {told}{more}",
        hint=f"leave these out, or send it without {HEADER.decode()}",
        param=losses.entries()[0].path,
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…"
