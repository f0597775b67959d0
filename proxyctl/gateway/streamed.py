"""An attempt whose answer is a stream: held until it has begun, then relayed as it comes.

One that is cut behind its beginning ends in the error frame of the caller's dialect, with no success terminator.
"""

from __future__ import annotations

import asyncio

from typing_extensions import override

from proxyctl.core.errors import NoAnswerError, Problem, StatusError, UpstreamError
from proxyctl.dialects.base import Continuing
from proxyctl.dialects.sse import MAX_FRAME
from proxyctl.gateway.attempt import JSON_TYPES, Attempt
from proxyctl.gateway.continuing import ContinuedStream
from proxyctl.gateway.passthrough import PassthroughCarrier
from proxyctl.gateway.prepare import first_token_limit
from proxyctl.gateway.relay import CUT, EMPTY, Carrier, garbage_error
from proxyctl.gateway.translate import TranslateCarrier
from proxyctl.gateway.upstream import UpstreamAnswer

Streamed = UpstreamAnswer | ContinuedStream
"""A stream's answer, with all that continues it where its dialect does that."""

_PARTING = 1.0
"""Seconds for which an upstream may end a body that has nothing more to say."""
_MOST_HELD = MAX_FRAME
"""Bytes of pings and other emptiness that are waited through before an answer begins: no honest server sends more."""


class StreamAttempt(Attempt):
    """One try of a request that wants its answer as it is made."""

    __slots__ = ()

    @override
    async def _check(self, answer: UpstreamAnswer) -> None:
        await super()._check(answer)
        if answer.content_type != "text/event-stream":
            raise await self._no_stream(answer)

    @override
    async def _carry(self, answer: UpstreamAnswer) -> None:
        carrier, form = self._carrier(), self.prepared.dialect
        if isinstance(carrier, TranslateCarrier) and isinstance(form, Continuing):
            continued = ContinuedStream(answer, carrier, form, self._asking())
            try:
                await self._serve(continued, carrier)
            finally:
                await continued.aclose()
        else:
            await self._serve(answer, carrier)

    async def _serve(self, answer: Streamed, carrier: Carrier) -> None:
        held = await self._hold(answer, carrier)
        self._learn(carrier.result(b""))
        headers = self._commit(answer.headers)
        self.outcome = "interrupted"
        self.reply.failure = carrier.failure
        try:
            await self.reply.begin(headers, self._safe(held, carrier))
            problem = await self._relay(answer, carrier)
        finally:
            self._learn(carrier.result(self.prepared.call.body))
        if problem is None:
            self.outcome = "ok"
        else:
            self.result.problem = self._seen(problem)
            if not carrier.told:
                await self.reply.fail(self.inbound.dialect, self.result.problem, self.exchange)
        await self.reply.close()
        if problem is None and not carrier.ended:
            await _part(answer)

    async def _no_stream(self, answer: UpstreamAnswer) -> UpstreamError:
        """Servers answer a stream's request with plain JSON when they mean an error, and forget the status."""
        body = await self._read_error(answer)
        if answer.content_type in JSON_TYPES:
            problem = self.prepared.dialect.decode_error(200, body)
            return StatusError(problem, body=body)
        return self._wrong_type(answer, body, " where a stream was asked for")

    async def _hold(self, answer: Streamed, carrier: Carrier) -> bytes:
        """Read until something meaningful has come, so that a late error can still be tried elsewhere."""
        held: list[bytes] = []
        size = 0
        limit = first_token_limit(self.inbound, self.target, self.prepared.traits)
        try:
            async with asyncio.timeout(limit):
                while not carrier.started and carrier.problem is None:
                    chunk = await answer.read_chunk()
                    if not chunk:
                        held += carrier.end()
                        break
                    held += carrier.feed(chunk)
                    size += len(chunk)
                    if size > _MOST_HELD and not carrier.started:
                        raise garbage_error(f"{size} bytes without anything of an answer in them")
        except TimeoutError as exc:
            message = f"nothing meaningful came within {limit:g} s"
            raise NoAnswerError(
                Problem(kind="timeout", status=504, code="first_token_timeout", message=message)
            ) from exc
        self._upstream_done()
        if not carrier.started:
            raise StatusError(carrier.problem or EMPTY)
        return b"".join(held)

    async def _relay(self, answer: Streamed, carrier: Carrier) -> Problem | None:
        """Hand on what comes until the end; returns what went wrong, `None` for a complete answer."""
        try:
            while carrier.problem is None and not carrier.ended and not carrier.over:
                chunk = await answer.read_chunk()
                for piece in carrier.feed(chunk) if chunk else carrier.end():
                    await self.reply.more(self._safe(piece, carrier))
        except UpstreamError as exc:
            # Cut behind its finish reason, an answer is whole: then this is its end.
            last = b"".join(carrier.end())
            if not carrier.complete:
                return exc.problem
            await self.reply.more(last)
        return carrier.problem or (None if carrier.complete else CUT)

    def _carrier(self) -> Carrier:
        prepared, dialect = self.prepared, self.inbound.dialect
        if prepared.lane == "passthrough":
            return PassthroughCarrier(dialect, self.exchange.clock, hide_usage=prepared.hide_usage, keep=self.keep)
        return TranslateCarrier(
            prepared.dialect,
            dialect,
            self.exchange.clock,
            context=self._context(),
            names=prepared.names,
            losses=prepared.losses,
            keep=self.keep,
            proofs=prepared.proofs,
        )

    def _safe(self, sent: bytes, carrier: Carrier) -> bytes:
        """Bytes for the caller: a provider's own error frame may quote our key."""
        if self.prepared.lane == "passthrough":
            sent = self.target.provider.mended(sent)
        return sent if carrier.problem is None else self._clean(sent)


async def _part(answer: Streamed) -> None:
    """Let the upstream end its body, so that its connection can serve again; the caller has left with its answer."""
    try:
        async with asyncio.timeout(_PARTING):
            while await answer.read_chunk():
                pass
    except (TimeoutError, UpstreamError):
        pass
