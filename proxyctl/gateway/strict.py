"""Strict: a caller that would rather be refused than served with something left out, or an alias that says so for it.

The header `x-proxyctl-strict` decides for one request, either way; without it, an alias with `strict = true` does. A
request that a target could be sent only with losses is not sent there. This knows what the request loses on its way
out; what an answer loses on its way back shows when it is there, and is counted, as without the header.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from proxyctl.core.errors import BadRequestError, WouldLoseError
from proxyctl.core.losses import Losses
from proxyctl.gateway.inbound import ClientHeaders

HEADER = b"x-proxyctl-strict"
MOST_TOLD = 20
"""Losses that a refusal spells out; it gives the number of the others."""
LONGEST_TOLD = 200
"""Characters of one path or reason in a refusal."""

_VALUES = {b"1": True, b"true": True, b"yes": True, b"0": False, b"false": False, b"no": False}


class Wish(NamedTuple):
    """Who wants losses refused: the caller's header, or the alias of this name."""

    alias: str = ""

    def told(self) -> str:
        return f"strict, as the alias {_short(self.alias)!r} asks" if self.alias else "strict"

    def hint(self) -> str:
        if not self.alias:
            return f"leave these out, or send it without {HEADER.decode()}"
        return f"leave these out, or send it with {HEADER.decode()}: 0; the alias's `strict` is in the config"


def strict_wish(headers: ClientHeaders, alias: str) -> Wish | None:
    """Who wants losses refused, `None` when nobody does; `alias` is the one that does, `""` for none.

    Raises `BadRequestError` for a header that says neither yes nor no.
    """
    given = headers.get(HEADER)
    if given is None:
        return Wish(alias) if alias else None
    wanted = _VALUES.get(given.strip().lower())
    if wanted is None:
        shown = given[:LONGEST_TOLD].decode("latin-1")
        raise BadRequestError(f"the header {HEADER.decode()} is {shown!r}", hint="1, true or yes; or 0, false or no")
    return Wish() if wanted else None


def refuse_losses(losses: Losses, target: str, wish: Wish) -> None:
    """Raise `WouldLoseError`, with each path and reason, when there are any. `target` is a `provider:model`."""
    if not losses:
        return
    told = "; ".join(f"{_short(one.path)} ({_short(one.reason)})" for one in islice(losses.entries(), MOST_TOLD))
    more = f"; and {len(losses) - MOST_TOLD} more" if len(losses) > MOST_TOLD else ""
    raise WouldLoseError(
        f"{wish.told()}: nobody can be sent this request whole; {_short(target)} would lose {told}{more}",
        hint=wish.hint(),
        param=losses.entries()[0].path,
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…"
