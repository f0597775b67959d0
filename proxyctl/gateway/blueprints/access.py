"""Who may use the management API: anybody on this machine reads, whoever has the token or a key changes things.

Where the gateway has keys of its own, reading needs one too. `/healthz` is open always, because it says nothing that
opening a connection would not. Foreign web pages and host names are turned away before this (`guard`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from quart import request

from proxyctl.core.errors import ForbiddenError, UnauthenticatedError
from proxyctl.gateway.blueprints.state_protocol import AdminState

OPEN_PATH = "/healthz"

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def access_check(state: AdminState) -> Callable[[], Awaitable[None]]:
    """A check to run before each request. It raises `UnauthenticatedError` or `ForbiddenError`."""

    async def check() -> None:
        if request.path == OPEN_PATH:
            return
        write = request.method not in _READING
        headers = {name.lower(): value for name, value in request.scope["headers"]}
        if state.guard.may_manage(headers, write=write):
            return
        if state.settings.server.keys:
            raise UnauthenticatedError(
                "the management API needs a key of this gateway",
                hint="send `authorization: Bearer …` with one of server.keys or the management token",
            )
        raise ForbiddenError(
            "changing things needs the management token",
            hint="send `authorization: Bearer …` with the token from the daemon's state file; `proxyctl` does",
            code="management_token_required",
        )

    return check
