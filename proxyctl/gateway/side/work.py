"""What a side endpoint asks of dispatch: chat's own loop and attempt, with other bodies and other answers.

A `Work` is one request made ready for one target. Routing, failover, credentials, errors, records and headers are
`Dispatch`'s and `Attempt`'s; here only the whole answer is read differently, from one call or from several.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Sequence

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import UpstreamError
from proxyctl.core.exchange import Exchange, Lane
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.registry import UPSTREAM
from proxyctl.gateway.attempt import Attempt
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.inbound import Inbound
from proxyctl.gateway.live import Live
from proxyctl.gateway.prepare import NO_NAMES, Prepared
from proxyctl.gateway.reply import Headers, Reply
from proxyctl.gateway.state import GatewayState
from proxyctl.gateway.targets import Target
from proxyctl.gateway.transport import Timeouts
from proxyctl.gateway.upstream import UpstreamAnswer, UpstreamCall
from proxyctl.gateway.whole import WholeAttempt, WholeReply
from proxyctl.routing.deployment import Deployment

JSON_TYPE = b"application/json"
ESTIMATE: Headers = [(b"x-proxyctl-estimate", b"1")]
"""Said with a number of tokens that nobody counted."""


class Told(Struct, frozen=True, kw_only=True):
    """The answer for the caller. `model` is the served one, `""` when the provider did not name it."""

    body: bytes
    content_type: bytes = JSON_TYPE
    usage: Usage | None = None
    model: str = ""
    headers: Headers = []


class Work(ABC):
    """`bodies` are those of the calls to make, one after the other; `path` is below the provider's base URL."""

    lane: Lane
    path: str
    content_type: bytes = JSON_TYPE
    answer_types: tuple[str, ...] = ("application/json",)

    def __init__(self, bodies: Sequence[bytes], losses: Losses) -> None:
        self.bodies = bodies
        self.losses = losses

    @abstractmethod
    def told(self, answers: Sequence[bytes], content_type: str) -> Told:
        """Read the answers of all calls. Raises `DecodeError` when they are none."""

    def paid(self, answers: Sequence[bytes]) -> Usage | None:
        """What these answers used up although a later call has failed, as far as the provider counted it."""
        del answers
        return None


Preparing = Callable[[Target, Deployment, Exchange], Work]
"""Makes one request ready for one target. Raises `UnsupportedError` where that has no such endpoint."""


class SidePrepared(Prepared, frozen=True, kw_only=True):
    """The first call of a work, as an attempt wants it, and the work."""

    work: Work


class SideAttempt(WholeAttempt):
    """One try of a side request. Several calls are one try, which fails as one."""

    __slots__ = ()
    prepared: SidePrepared

    @property
    @override
    def _answer_types(self) -> Container[str]:
        return self.prepared.work.answer_types

    @override
    async def _bodies(self, answer: UpstreamAnswer) -> Sequence[bytes]:
        bodies = [await self._read(answer)]
        try:
            for body in self.prepared.work.bodies[1:]:
                following = await self.upstream.send(self.prepared.call._replace(body=body))
                async with contextlib.aclosing(following):
                    await self._check(following)
                    bodies.append(await self._read(following))
        except BaseException:
            self.result.usage = self.prepared.work.paid(bodies)
            raise
        return bodies

    @override
    def _told(self, bodies: Sequence[bytes], content_type: str) -> WholeReply:
        told = self.prepared.work.told(bodies, content_type)
        self.result.usage = told.usage
        self.result.served_model = told.model
        return WholeReply(told.body, [*told.headers, (b"content-type", told.content_type)])


class SideDispatch(Dispatch):
    """One exchange on a side endpoint. No stand-ins: another model's vectors or scores answer another question."""

    def __init__(
        self,
        state: GatewayState,
        live: Live,
        inbound: Inbound,
        exchange: Exchange,
        reply: Reply,
        preparing: Preparing,
    ) -> None:
        super().__init__(state, live, inbound, exchange, reply)
        self._query = replace(self._query, substitute=False)
        self._preparing = preparing

    @override
    def _kind_of_attempt(self) -> type[Attempt]:
        return SideAttempt

    @override
    def _mend(self, attempt: Attempt, error: UpstreamError) -> bool:
        """Never: what a side request asks for is all in it."""
        return False

    @override
    async def _prepared(self, target: Target, deployment: Deployment) -> SidePrepared:
        return prepared(self._preparing(target, deployment, self._exchange), target, deployment)


def prepared(work: Work, target: Target, deployment: Deployment) -> SidePrepared:
    provider = target.provider
    spoken: DialectName = next(iter(provider.endpoints))
    settings = target.settings
    return SidePrepared(
        work=work,
        lane=work.lane,
        dialect=UPSTREAM[spoken],
        call=UpstreamCall(
            origin=target.origin,
            method=b"POST",
            target=(target.path + work.path.replace("{model}", provider.in_path(deployment.model))).encode(),
            headers=target.call_headers(
                (b"content-type", work.content_type),
                (b"accept", b"application/json"),
                dialect=spoken,
                model=deployment.model,
                credential=deployment.credential,
                client={},
            ),
            body=work.bodies[0],
            timeouts=Timeouts(settings.connect_timeout, settings.total_timeout, settings.idle_timeout),
        ),
        losses=work.losses,
        traits=provider.traits(deployment.model),
        names=NO_NAMES,
        hide_usage=False,
    )
