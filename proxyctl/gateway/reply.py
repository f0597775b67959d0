"""What goes back to the caller over ASGI: one head with the headers that say who served, then bytes as they come."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import Exchange
from proxyctl.dialects.base import InboundDialect

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
_STREAM: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
_NO_STORE = (b"cache-control", b"no-store")
_PASSED_PREFIXES = (b"anthropic-ratelimit-", b"x-ratelimit-", b"x-tokenlimit-", b"anthropic-priority-")
_ID_HEADERS: Mapping[DialectName, bytes] = {"anthropic-messages": b"request-id"}
"""Where SDKs of a dialect look for the request's id; OpenAI's reads `x-request-id`."""
_REQUEST_ID_HEADERS = (b"request-id", b"x-request-id", b"mistral-correlation-id", b"x-goog-request-id", b"cf-ray")
_LONGEST_HONOURED = 60.0
"""Seconds of a `retry-after` that every SDK waits for as it is told."""
_LONGEST_VALUE = 200
"""Bytes of a header's value that others decide."""


class Reply:
    """The caller's side of one exchange.

    `status` is 0 until the head is sent: until then another try is possible. `gone` when the caller has left,
    `ended` from the moment the last byte is handed over: a caller that leaves then has had its answer. `extra` are
    headers for whatever the answer will be. `failure` says how a stream under way ends with an error, where only the
    stream itself can say it.
    """

    __slots__ = ("_send", "ended", "extra", "failure", "gone", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.extra: Headers = []
        self.failure: Callable[[Problem], bytes] | None = None
        self.status = 0
        self.ended = False
        self.gone = False

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.ended = True
        length = (b"content-length", str(len(body)).encode())
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self.extra, length]})
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, headers: Headers, first: bytes) -> None:
        self.status = 200
        head = [*headers, *self.extra, *_STREAM]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})
        await self.more(first)

    async def more(self, body: bytes) -> None:
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def close(self) -> None:
        self.ended = True
        await self._send({"type": "http.response.body", "body": b""})

    async def break_off(self, dialect: InboundDialect, problem: Problem, exchange: Exchange) -> None:
        """Tell an error wherever the answer has come to; an answer that was handed over whole stands."""
        if not self.status:
            await self.problem(dialect, problem, exchange)
        elif not self.ended:
            await self.fail(dialect, problem, exchange)
            await self.close()

    async def fail(self, dialect: InboundDialect, problem: Problem, exchange: Exchange) -> None:
        """Say in a stream that the answer is not complete."""
        said = self.failure(problem) if self.failure is not None else b""
        await self.more(said or dialect.encode_stream_error(problem, exchange.id))

    async def problem(self, dialect: InboundDialect, problem: Problem, exchange: Exchange) -> int:
        """Send an error as the whole answer; returns its status."""
        status, body = dialect.encode_error(problem, exchange.id)
        await self.whole(status, [*exchange_headers(exchange), JSON, *problem_headers(problem)], body)
        return status


def exchange_headers(exchange: Exchange) -> Headers:
    """The headers of every answer, error or not."""
    identity = exchange.id.encode()
    headers = [
        (b"x-proxyctl-request-id", identity),
        (_ID_HEADERS.get(exchange.dialect, b"x-request-id"), identity),
        (b"server-timing", f"gateway;dur={exchange.own_ms():.2f}".encode()),
        _NO_STORE,
    ]
    if exchange.losses:
        headers.append((b"x-proxyctl-losses", str(len(exchange.losses)).encode()))
    return headers


def served_headers(exchange: Exchange, *, provider: str, model: str, upstream: Mapping[bytes, bytes]) -> Headers:
    """Who served, after how many attempts, and what the upstream said of itself."""
    headers = exchange_headers(exchange)
    headers += [
        (b"x-proxyctl-provider", provider.encode()),
        (b"x-proxyctl-model", _printable(model)),
        (b"x-proxyctl-attempts", str(len(exchange.attempts) + 1).encode()),
    ]
    if exchange.substitute:
        headers.append((b"x-proxyctl-substitute", _printable(exchange.peek.model)))
    if identity := upstream_request_id(upstream):
        headers.append((b"x-upstream-request-id", identity))
    return headers


def passed_headers(upstream: Mapping[bytes, bytes]) -> Headers:
    """Rate-limit headers, handed on where the caller speaks the provider's dialect."""
    return [(name, value) for name, value in upstream.items() if name.startswith(_PASSED_PREFIXES)]


def problem_headers(problem: Problem) -> Headers:
    """When to come back; where nobody says, the SDK's own retries would only repeat what the gateway has tried.

    SDKs of OpenAI, Anthropic, Groq and Together obey `x-should-retry` before they look at the status; waits of more
    than a minute some of them replace by short ones of their own (wire notes 2026-11, "providers"). About a conflict
    nothing is said: it is not tried again here, and its status lets SDKs do so.
    """
    headers: Headers = []
    wait = problem.retry_after
    if problem.kind != "conflict" or wait is not None:
        helps = problem.retryable and wait is not None and wait <= _LONGEST_HONOURED
        headers.append((b"x-should-retry", b"true" if helps else b"false"))
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(max(0, math.ceil(problem.retry_after))).encode()))
    return headers


def upstream_request_id(upstream: Mapping[bytes, bytes]) -> bytes:
    return next((upstream[name][:_LONGEST_VALUE] for name in _REQUEST_ID_HEADERS if name in upstream), b"")


def _printable(text: str) -> bytes:
    """A model's name as a header value: what is not printable ASCII is escaped, so that no line can be ended early."""
    plain = text.isascii() and text.isprintable()
    return text.encode("ascii" if plain else "unicode_escape")[:_LONGEST_VALUE]
