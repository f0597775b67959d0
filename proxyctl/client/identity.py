"""Make sure that who answers at an address is the daemon that is meant, before it is told anything or believed.

A port is no identity: the daemon of another home, of another user or a later one may listen where ours did. What is
asked here carries no token, because it is not known yet who would get it.
"""

from __future__ import annotations

import msgspec

from proxyctl.admin.schema import DaemonStatus, Liveness
from proxyctl.client.connection import Endpoint, call
from proxyctl.client.errors import ClientError, ForeignError, StrangerError


def confirm(endpoint: Endpoint, *, instance: str | None, config_path: str) -> None:
    """Return when our daemon answers: the start `instance`, or, when no start is known, one with our config file.

    Raises `ForeignError` for another's daemon, else what `call` raises and `StrangerError`.
    """
    bare = Endpoint(endpoint.address, "", endpoint.answer_seconds)
    found = _liveness(bare)
    if instance is not None and found.instance == instance:
        return
    owner = _owner(bare)
    if instance is None and owner is not None and owner.config_path == config_path:
        return  # ours, whose state file is gone
    raise ForeignError(endpoint.address, "" if owner is None else owner.config_path)


def _liveness(endpoint: Endpoint) -> Liveness:
    answer = call(endpoint, "GET", "/healthz")
    try:
        found = msgspec.json.decode(answer.body, type=Liveness)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StrangerError(endpoint.address, f"HTTP {answer.status}, {answer.media}") from None
    return found


def _owner(endpoint: Endpoint) -> DaemonStatus | None:
    """What the daemon says of itself, `None` when it does not tell those without its key."""
    try:
        answer = call(endpoint, "GET", "/daemon/status")
        return msgspec.json.decode(answer.body, type=DaemonStatus)
    except (ClientError, msgspec.DecodeError, UnicodeDecodeError):
        return None
