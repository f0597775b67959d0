"""The door: every HTTP request comes here first, and inference is served without the framework.

A small ASGI application wrapped round Quart. It checks who is asking, knows the inference paths, reads the body once,
and turns every refusal into the caller's dialect. What is not inference (management API, health) goes on to Quart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from proxyctl.admin.schema import AdminError
from proxyctl.core.errors import (
    GatewayError,
    MethodNotAllowedError,
    NotFoundError,
    NoWebSocketError,
    ShuttingDownError,
)
from proxyctl.core.exchange import Exchange, Peek
from proxyctl.dialects.base import InboundDialect, encode_json
from proxyctl.gateway.client_watch import this_task, while_caller_waits
from proxyctl.gateway.deleting import delete_response
from proxyctl.gateway.dispatch import Dispatch
from proxyctl.gateway.guard import is_preflight
from proxyctl.gateway.inbound import ClientHeaders, Inbound, check_media, client_headers, client_name
from proxyctl.gateway.json_array import ArrayReply
from proxyctl.gateway.kept_responses import kept_at, retrieve
from proxyctl.gateway.listing import list_models
from proxyctl.gateway.live import Live
from proxyctl.gateway.proofs import Proofs
from proxyctl.gateway.reply import JSON, Reply, Send
from proxyctl.gateway.responses_inbound import ResponsesInbound
from proxyctl.gateway.routes import HELLO, Route, model_list_at, resolve
from proxyctl.gateway.side.endpoints import SIDE_PATHS, SIDE_VERBS, Served, SideCall, SideEndpoint
from proxyctl.gateway.state import GatewayState
from proxyctl.gateway.upload import ClientGoneError, Upload, read_body

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

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
        headers = client_headers(scope["headers"])
        route = resolve(path, headers, scope["query_string"])
        task = this_task()
        self._state.exchanges.add(task)
        upload = Upload(receive)
        try:
            reply = ArrayReply(send) if route.as_array else Reply(send)
            await self._serve(scope, headers, route, upload, reply)
        except ClientGoneError:
            pass
        finally:
            upload.stop()
            self._state.exchanges.discard(task)

    async def _manage(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a management request to the framework, unless a web page sent it."""
        try:
            self._state.live.guard.check_source(client_headers(scope["headers"]))
        except GatewayError as exc:
            upload = Upload(receive)
            await upload.skip()
            try:
                await _refuse_management(exc, send)
            finally:
                upload.stop()
            return
        await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, headers: ClientHeaders, route: Route, upload: Upload, reply: Reply) -> None:
        """Check, read, and dispatch; a refusal is told in the caller's dialect and recorded."""
        live, dialect = self._state.live, route.dialect
        path, method = scope["path"], scope["method"]
        side: SideEndpoint | None = None
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
            if not route.serves:
                side = SIDE_VERBS[route.verb] if route.verb else SIDE_PATHS.get(path)
                if side is None:
                    await upload.skip()
                    await self._other(scope, headers, dialect, reply)
                    return
                dialect = side.dialect
            if headers.get(b"upgrade", b"").lower() == b"websocket":
                # Codex tries one first, and six times more after any other refusal than this status.
                reply.extra = [*reply.extra, (b"upgrade", b"HTTP/1.1")]
                raise NoWebSocketError(f"there is no WebSocket at {path}", hint="send a POST")
            if method != "POST":
                reply.extra = [*reply.extra, (b"allow", b"POST")]
                raise MethodNotAllowedError(f"{path} takes POST, not {method}")
            check = check_media if side is None else side.check_media
            check(headers)
            body = await read_body(headers, upload, live.settings.server.max_body_mib * 1024 * 1024)
            if side is None:
                served = self._understood(live, route, scope, headers, body, reply)
            else:
                call = SideCall(self._state, live, headers, scope["query_string"], route.address, body, reply)
                served = side.understand(call)
        except GatewayError as exc:
            await upload.skip()
            await self._refuse(exc, headers, dialect, reply, side)
            return
        await while_caller_waits(served.run(), upload.receive, reply, dialect, served.exchange)

    def _understood(
        self, live: Live, route: Route, scope: Scope, headers: ClientHeaders, body: bytes, reply: Reply
    ) -> Served:
        """A request for inference, read as far as routing needs."""
        inbound = self._inbound(live, route, scope, headers, body)
        exchange = Exchange.begin(route.dialect.name, inbound.peek, self._state.clock, client=client_name(headers))
        return Served(exchange, Dispatch(self._state, live, inbound, exchange, reply).run)

    def _inbound(self, live: Live, route: Route, scope: Scope, headers: ClientHeaders, body: bytes) -> Inbound:
        owner = live.guard.owner(headers, scope["query_string"])
        if route.dialect.name == "openai-responses":
            inbound: Inbound = ResponsesInbound(self._state.kept, owner, route.dialect, headers, body)
        else:
            inbound = Inbound(route.dialect, headers, body, route.address)
        inbound.proofs = Proofs(self._state.signatures, owner)
        return inbound

    async def _other(self, scope: Scope, headers: ClientHeaders, dialect: InboundDialect, reply: Reply) -> None:
        path, method = scope["path"], scope["method"]
        if path == HELLO and method in ("GET", "HEAD"):
            await reply.whole(200, [JSON], b'{"ok":true}')
            return
        if response_id := kept_at(path):
            if method not in ("GET", "HEAD", "DELETE"):
                reply.extra = [*reply.extra, (b"allow", b"GET, HEAD, DELETE")]
                raise MethodNotAllowedError(f"{path} takes GET and DELETE, not {method}")
            live = self._state.live
            owner = live.guard.owner(headers, scope["query_string"])
            if method == "DELETE":
                body = await delete_response(self._state, live, response_id, owner)
            else:
                body = retrieve(self._state.kept, response_id, owner).document
            await reply.whole(200, [JSON], body)
            return
        base = model_list_at(path)
        if base is None or (method == "POST" and ":" in path):  # a verb that there is not, or of no model
            raise NotFoundError(
                f"there is nothing at {path}",
                hint="chat is at /v1/chat/completions, /v1/messages and /v1beta/models/MODEL:generateContent, "
                "models at /v1/models",
            )
        if method not in ("GET", "HEAD"):
            reply.extra = [*reply.extra, (b"allow", b"GET, HEAD")]
            raise MethodNotAllowedError(f"{path} takes GET, not {method}")
        body = list_models(self._state, dialect.name, path[len(base) + 1 :])
        await reply.whole(200, [JSON], body)  # the server keeps a HEAD's back

    async def _refuse(
        self,
        error: GatewayError,
        headers: ClientHeaders,
        dialect: InboundDialect,
        reply: Reply,
        side: SideEndpoint | None,
    ) -> None:
        """Refuse before there is a request to speak of; counted under no provider."""
        exchange = Exchange.begin(dialect.name, Peek(model=""), self._state.clock, client=client_name(headers))
        if side is not None:
            exchange.operation = side.operation
        problem = error.problem()
        await reply.problem(dialect, problem, exchange)
        if error.recorded and (side is None or not side.quiet):
            self._state.meter.observe(exchange.finish("refused", reply.status, problem))


async def _refuse_management(error: GatewayError, send: Send) -> None:
    problem = error.problem()
    told = AdminError(code=problem.code, message=problem.message, hint=problem.hint)
    await Reply(send).whole(problem.status, [JSON], encode_json(told))
