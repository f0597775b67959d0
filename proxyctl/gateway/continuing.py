"""Follow an answer that pauses: the same request again with the token that it gave, on the same deployment.

Some providers cap what one HTTP answer holds, end it with a token and expect the request again (wire notes 2026-11,
"streaming grammars"). In the translate lane nobody else could do that, so it is done here, and the caller sees one
answer. In the passthrough lane the pause is the provider's own contract with its clients, and passes as it came.
A failure between the pieces is a failure of the attempt; what is asked for too often ends as cut by length.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec.structs import replace

from proxyctl.core.errors import GarbageError, Problem, StatusError
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import Continuing
from proxyctl.gateway.upstream import Upstream, UpstreamAnswer, UpstreamCall

MOST_PIECES = 64
"""HTTP answers of one answer: twice what a million tokens take at the lowest cap that is documented (32,768)."""
_REFUSALS = frozenset({400, 404, 405, 409, 410, 413, 415, 422})
"""What is wrong with a request. This one was just taken: its caller is not to blame, nor is the model missing."""


class Pausing(Protocol):
    """What carries a stream that may pause."""

    def continuation(self) -> str:
        """Asked when a body is over: the token that asks for the rest, `""` when this was the end."""
        ...

    def resume(self) -> None: ...


class Asking:
    """Asks for the rest of one attempt's answer. `check` raises an `UpstreamError` for an answer that is none."""

    def __init__(
        self, call: UpstreamCall, upstream: Upstream, check: Callable[[UpstreamAnswer], Awaitable[None]]
    ) -> None:
        self._call = call
        self._upstream = upstream
        self._check = check
        self._followed: set[str] = set()

    @property
    def has_begun(self) -> bool:
        """Whether any rest was asked for."""
        return bool(self._followed)

    def leads_on(self, token: str) -> bool:
        """Whether to ask for the rest with this token, and then it is followed; one that comes twice leads nowhere."""
        if not token or token in self._followed or len(self._followed) >= MOST_PIECES - 1:
            return False
        self._followed.add(token)
        return True

    async def ask(self, form: Continuing, token: str) -> UpstreamAnswer:
        """The head of the next HTTP answer; the caller closes it. Raises `UpstreamError`."""
        body = form.continued_request(self._call.body, token)
        answer = await self._upstream.send(self._call._replace(body=body))
        try:
            await self._check(answer)
        except BaseException as exc:
            await answer.aclose()
            if isinstance(exc, StatusError) and exc.problem.status in _REFUSALS:
                raise _refused(exc.problem) from exc
            raise
        return answer


def _refused(problem: Problem) -> GarbageError:
    message = f"the rest of the answer was refused: {problem.message}"
    return GarbageError(Problem(kind="upstream", status=502, code="continuation_refused", message=message))


class ContinuedStream:
    """The bodies of one streamed answer, read as one. Whoever made it calls `aclose` in `finally`."""

    def __init__(self, first: UpstreamAnswer, carrier: Pausing, form: Continuing, asking: Asking) -> None:
        self.headers = first.headers
        self._answer = first
        self._carrier = carrier
        self._form = form
        self._asking = asking

    async def read_chunk(self) -> bytes:
        """The bytes that have arrived, `b""` at the end of the last body. Raises `UpstreamError`."""
        while not (chunk := await self._answer.read_chunk()):
            token = self._carrier.continuation()
            if not self._asking.leads_on(token):
                return b""
            self._carrier.resume()  # from here on a failure leaves the answer without an end
            await self._answer.aclose()
            self._answer = await self._asking.ask(self._form, token)
        return chunk

    async def aclose(self) -> None:
        await self._answer.aclose()


async def whole_pieces(
    first: bytes,
    form: Continuing,
    asking: Asking,
    *,
    read: Callable[[UpstreamAnswer], Awaitable[bytes]],
    paid: Callable[[Usage | None], None],
) -> list[bytes]:
    """The bodies of one whole answer, whose first is here. Raises `UpstreamError`.

    `paid` is told what is used up before more is asked for, whether or not that comes.
    """
    pieces = [first]
    while asking.leads_on(token := form.continuation(pieces[-1])):
        usage = form.decode_pieces(pieces).usage
        paid(None if usage is None else replace(usage, source="partial"))
        answer = await asking.ask(form, token)
        try:
            pieces.append(await read(answer))
        finally:
            await answer.aclose()
    return pieces
