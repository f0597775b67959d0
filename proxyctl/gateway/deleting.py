"""Deletes a kept response: at the provider that keeps it too, then here.

Callers delete for privacy. They are told that a response is deleted when nobody has it any more, and never before; what
its maker did not delete stays here as well, so that deleting can be tried again. Source: wire notes 2026-11, "OpenAI".
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import GatewayError, Problem, UpstreamError
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.dialects.typed import fits
from proxyctl.gateway.kept_responses import retrieve
from proxyctl.gateway.live import Live
from proxyctl.gateway.problems import refusal, seen_from_here
from proxyctl.gateway.state import GatewayState
from proxyctl.gateway.targets import Target
from proxyctl.gateway.transport import Timeouts
from proxyctl.gateway.upstream import UpstreamCall

PATIENCE = 30.0
"""Seconds for a provider's answer."""
_RESPONSES: DialectName = "openai-responses"
_ACCEPT = (b"accept", b"application/json")
_NOT_DELETED = "not_deleted"


class _Deleted(Struct):
    deleted: bool


_deleted = msgspec.json.Decoder(_Deleted)


class StillKeptError(GatewayError):
    """The provider that keeps a response did not delete it, for `problem`. It is no failure of an exchange."""

    recorded = False

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self._problem = problem

    @override
    def problem(self) -> Problem:
        return self._problem


async def delete_response(state: GatewayState, live: Live, response_id: str, owner: str) -> bytes:
    """Delete it wherever it is kept; returns what the caller is told.

    Raises `NotFoundError` when it is not kept here, `StillKeptError` when its maker still has it, or may have.
    """
    maker = retrieve(state.kept, response_id, owner).maker
    if maker:
        await _delete_at(maker, response_id, state, live)
    state.kept.delete(response_id, owner)
    return encode_json({"id": response_id, "object": "response", "deleted": True})


async def _delete_at(maker: str, response_id: str, state: GatewayState, live: Live) -> None:
    target, credential = _found(maker, response_id, live)
    try:
        problem = await _asked(state, target, credential, response_id)
    except UpstreamError as exc:
        problem = exc.problem
    if problem is None:
        return
    problem = replace(problem, message=live.redact(problem.message))
    raise StillKeptError(seen_from_here(problem, label=target.name, credential=target.label(credential)))


def _found(maker: str, response_id: str, live: Live) -> tuple[Target, int]:
    """Who the maker is now, and by which credential it knows us. Whether it takes part in routing does not matter."""
    for target in live.targets.values():
        for credential in range(max(1, len(target.credentials))):
            if target.maker(credential) == maker:
                return target, credential
    raise StillKeptError(
        Problem(
            kind="upstream",
            status=502,
            code=_NOT_DELETED,
            message=f"the provider that keeps {response_id!r} is not configured any more, or not with the same key",
            hint="configure it again, or delete the response there",
            retryable=False,
        )
    )


async def _asked(state: GatewayState, target: Target, credential: int, response_id: str) -> Problem | None:
    """Ask the provider; `None` when it has the response no more. Raises `UpstreamError` when it gives no answer."""
    path = f"{target.path}{target.provider.target(_RESPONSES, '', stream=False)}/{quote(response_id, safe='')}"
    call = UpstreamCall(
        origin=target.origin,
        method=b"DELETE",
        target=path.encode(),
        headers=target.call_headers(_ACCEPT, dialect=_RESPONSES, model="", credential=credential, client={}),
        body=b"",
        timeouts=Timeouts(target.settings.connect_timeout, PATIENCE, PATIENCE),
    )
    status, headers, body = await state.upstream.whole(call, seconds=PATIENCE)
    if status == 404:
        return None
    if status != 200:
        now = state.clock.now()
        return refusal(target, UPSTREAM[_RESPONSES], status=status, headers=headers, body=body, now=now)
    if fits(_deleted, body) and _deleted.decode(body).deleted:
        return None
    message = "it did not say that it deleted the response"
    return Problem(kind="upstream", status=502, code=_NOT_DELETED, message=message)
