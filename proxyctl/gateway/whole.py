"""An attempt whose answer comes whole: read to its end, looked at, and handed on in one piece.

The caller sees nothing before all of it is here, so whatever is wrong with it can still be tried elsewhere.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from typing_extensions import override

from proxyctl.core.errors import DecodeError, StatusError
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import Continuing
from proxyctl.gateway.attempt import JSON_TYPES, Attempt
from proxyctl.gateway.continuing import whole_pieces
from proxyctl.gateway.relay import garbage_error
from proxyctl.gateway.reply import JSON, Headers
from proxyctl.gateway.upstream import UpstreamAnswer
from proxyctl.metering.tap import translated_answer, whole_answer


class WholeReply(NamedTuple):
    """What the caller is sent: the body, and the headers that speak of it."""

    body: bytes
    headers: Headers


class WholeAttempt(Attempt):
    """One try of a request that wants its answer whole."""

    __slots__ = ()

    @override
    async def _carry(self, answer: UpstreamAnswer) -> None:
        try:
            bodies = await self._bodies(answer)
            self._upstream_done()
            told = self._told(bodies, answer.content_type)
        except (DecodeError, UnicodeError, RecursionError) as exc:  # half a surrogate, or a hundred levels
            raise garbage_error(f"an answer that cannot be read: {exc}") from exc
        headers = self._commit(answer.headers)
        self.outcome = "ok"
        await self.reply.whole(200, [*headers, *told.headers], told.body)

    @property
    def _answer_types(self) -> Container[str]:
        return JSON_TYPES

    async def _bodies(self, answer: UpstreamAnswer) -> Sequence[bytes]:
        """The bodies that make the answer: its own, and where it pauses those that continue it."""
        body = await self._read(answer)
        form = self.prepared.dialect
        if self.prepared.lane == "passthrough" or not isinstance(form, Continuing):
            return [body]
        return await whole_pieces(body, form, self._asking(), read=self._read, paid=self._paid)

    async def _read(self, answer: UpstreamAnswer) -> bytes:
        spent = self.exchange.clock.monotonic() - self.begun
        body = await answer.read(seconds=self.target.settings.total_timeout - spent)
        if answer.content_type not in self._answer_types:
            raise self._wrong_type(answer, body)
        return body

    def _paid(self, usage: Usage | None) -> None:
        self.result.usage = usage

    def _told(self, bodies: Sequence[bytes], content_type: str) -> WholeReply:
        """Read the answer, and say it to the caller. Raises `DecodeError` when it is none."""
        del content_type
        passed = self.prepared.lane == "passthrough"
        return WholeReply(self._passed(bodies[0]) if passed else self._translated(bodies), [JSON])

    def _passed(self, body: bytes) -> bytes:
        facts = self.inbound.dialect.answer_facts(body)
        now = self.exchange.clock.monotonic()
        if facts.problem is not None:
            raise StatusError(facts.problem, body=self._clean(body))
        if facts.empty:
            raise garbage_error("an empty answer")
        self._learn(whole_answer(facts, answer=body, request=self.prepared.call.body, at=now))
        if self.keep is not None and facts.finish is not None:
            self.keep(body)
        return self.target.provider.mended(body)

    def _translated(self, bodies: Sequence[bytes]) -> bytes:
        form = self.prepared.dialect
        answer = form.decode_pieces(bodies) if isinstance(form, Continuing) else form.decode_answer(bodies[0])
        now = self.exchange.clock.monotonic()
        self._learn(translated_answer(answer, request=self.prepared.call.body, at=now))
        self.prepared.losses.add_uncarried(answer.uncarried)
        restored = self.prepared.names.restore_answer(answer)
        told = self.inbound.dialect.encode_answer(restored, self._context(), self.prepared.losses)
        if self.keep is not None:
            self.keep(told)
        if self.prepared.proofs is not None:
            self.prepared.proofs.read(restored)
        return told
