"""The door: every HTTP request comes here first, and inference is served without the framework.

A small ASGI application wrapped round Quart. It checks who is asking, knows the inference paths, reads the body once,
and turns every refusal into the caller's dialect. What is not inference (management API, health) goes on to Quart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from proxyctl.admin.schema import AdminError
from proxyctl.core.chat import DialectName
from proxyctl.core.errors import (
    GatewayError,
    MethodNotAllowedError,
    NotFoundError,
    ShuttingDownError,
    TooLargeError,
)
from proxyctl.core.exchange import Exchange, Peek
from proxyctl.dialects.base import InboundDialect, encode_json
from proxyctl.dialects.registry import INBOUND
from proxyctl.gateway.client_watch import ClientWatch
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.guard import is_preflight
from proxyctl.gateway.inbound import ClientHeaders, Inbound, check_media, decompress
from proxyctl.gateway.listing import list_models
from proxyctl.gateway.reply import Reply, Send
from proxyctl.gateway.state import GatewayState
from proxyctl.gateway.upload import ClientGoneError, Upload, declared_length

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

_CHAT: DialectName = "openai-chat"
_MESSAGES: DialectName = "anthropic-messages"
INFERENCE: Mapping[str, DialectName] = {
    "/v1/chat/completions": _CHAT,
    "/chat/completions": _CHAT,
    "/v1/messages": _MESSAGES,
    "/messages": _MESSAGES,
    "/anthropic/v1/messages": _MESSAGES,
    "/anthropic/messages": _MESSAGES,
}
_MODEL_LISTS = ("/v1/models", "/models", "/anthropic/v1/models", "/anthropic/models")
_MANAGEMENT = ("/providers", "/daemon", "/healthz", "/openapi.json")


class InferenceFront:
    """Wraps the framework's ASGI application."""

    def __init__(self, app: App, state: GatewayState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(_MANAGEMENT):
            await self._manage(scope, receive, send)
            return
        headers: ClientHeaders = dict(scope["headers"])
        dialect = INBOUND[INFERENCE.get(path) or _guess(path, headers)]
        task = _this_task()
        self._state.exchanges.add(task)
        upload = Upload(receive)
        try:
            await self._serve(scope, headers, dialect, upload, Reply(send), task)
        except ClientGoneError:
            pass
        finally:
            upload.stop()
            self._state.exchanges.discard(task)

    async def _manage(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a management request to the framework, unless a web page sent it."""
        try:
            self._state.live.guard.check_source(dict(scope["headers"]))
        except GatewayError as exc:
            upload = Upload(receive)
            await upload.skip()
            try:
                await _refuse_management(exc, send)
            finally:
                upload.stop()
            return
        await self._app(scope, receive, send)

    async def _serve(
        self,
        scope: Scope,
        headers: ClientHeaders,
        dialect: InboundDialect,
        upload: Upload,
        reply: Reply,
        task: asyncio.Task[Any],
    ) -> None:
        """Check, read, and dispatch; a refusal is told in the caller's dialect and recorded."""
        live = self._state.live
        path, method = scope["path"], scope["method"]
        try:
            live.guard.check_source(headers)
            if b"origin" in headers:
                reply.extra = live.guard.sharing(headers)
                if reply.extra and method == "OPTIONS" and is_preflight(headers):
                    await upload.skip()
                    await reply.whole(200, [], b"")
                    return
            live.guard.check_client(headers, scope["query_string"])
            if self._state.draining.is_set():
                raise ShuttingDownError("the gateway is shutting down", hint="try again in a moment", retry_after=2)
            if path not in INFERENCE:
                await upload.skip()
                await self._other(path, method, dialect, reply)
                return
            if method != "POST":
                reply.extra = [*reply.extra, (b"allow", b"POST")]
                raise MethodNotAllowedError(f"{path} takes POST, not {method}")
            check_media(headers)
            body = await _body(headers, upload, live.settings.server.max_body_mib * 1024 * 1024)
            inbound = Inbound(dialect, headers, body)
        except GatewayError as exc:
            await upload.skip()
            await self._refuse(exc, headers, dialect, reply)
            return
        exchange = Exchange.begin(dialect.name, inbound.peek, self._state.clock, client=_client(headers))
        watch = ClientWatch(task, upload.receive, reply)
        try:
            await Dispatch(self._state, live, inbound, exchange, reply).run()
        except asyncio.CancelledError:
            if not reply.gone:
                # The daemon ends while the caller waits: say so, never let a cut answer look complete.
                problem = ShuttingDownError("the gateway was stopped before the answer was complete").problem()
                await reply.break_off(dialect, problem, exchange)
                raise
        finally:
            watch.stop()

    async def _other(self, path: str, method: str, dialect: InboundDialect, reply: Reply) -> None:
        base = next((base for base in _MODEL_LISTS if path == base or path.startswith(base + "/")), None)
        if base is None:
            raise NotFoundError(
                f"there is nothing at {path}",
                hint="chat is at /v1/chat/completions and /v1/messages, models at /v1/models",
            )
        if method not in ("GET", "HEAD"):
            reply.extra = [*reply.extra, (b"allow", b"GET, HEAD")]
            raise MethodNotAllowedError(f"{path} takes GET, not {method}")
        body = list_models(self._state, dialect.name, path[len(base) + 1 :])
        await reply.whole(200, [(b"content-type", b"application/json")], body)  # the server keeps a HEAD's back

    async def _refuse(self, error: GatewayError, headers: ClientHeaders, dialect: InboundDialect, reply: Reply) -> None:
        """Refuse before there is a request to speak of; counted under no provider."""
        exchange = Exchange.begin(dialect.name, Peek(model=""), self._state.clock, client=_client(headers))
        problem = error.problem()
        await reply.problem(dialect, problem, exchange)
        self._state.meter.observe(exchange.finish("refused", reply.status, problem))


async def _body(headers: ClientHeaders, upload: Upload, limit: int) -> bytes:
    """Read the request's body, at most `limit` bytes of it, before and after unpacking."""
    if declared_length(headers) > limit:
        raise TooLargeError(f"the body is larger than {limit} bytes", hint="see server.max_body_mib")
    body = await upload.read(limit)
    return decompress(body, headers, limit) if b"content-encoding" in headers else body


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("the gateway is called outside of a task: nothing could end its exchanges")
    return task


def _guess(path: str, headers: ClientHeaders) -> DialectName:
    """The dialect of a caller whose path does not say: Anthropic's clients always send their version."""
    if path.startswith("/anthropic/") or b"anthropic-version" in headers:
        return _MESSAGES
    return _CHAT


def _client(headers: ClientHeaders) -> str:
    return headers.get(b"user-agent", b"").decode("latin-1")[:200]


async def _refuse_management(error: GatewayError, send: Send) -> None:
    problem = error.problem()
    told = AdminError(code=problem.code, message=problem.message, hint=problem.hint)
    await Reply(send).whole(problem.status, [(b"content-type", b"application/json")], encode_json(told))
