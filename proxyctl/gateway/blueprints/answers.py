"""How the management API answers: values as JSON, every failure as an `AdminError`, streams without an end.

Nothing else writes a response here, so no error can leave in another shape. A fault of our own is logged with its
trace and told without it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from proxyctl.admin.schema import AdminError
from proxyctl.config.problems import ConfigError
from proxyctl.core.errors import GatewayError, UnauthenticatedError
from proxyctl.metering.store.base import StoreError

_encode = msgspec.json.Encoder().encode


def answer(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(
        _encode(value), status=status, content_type="application/json", headers={"cache-control": "no-store"}
    )


def event_stream(events: AsyncIterator[bytes]) -> Response:
    """Server-sent events until `events` ends; Quart's own limit of a minute is off."""
    response = Response(
        events,
        content_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
    response.timeout = None
    return response


def answer_errors(app: Quart) -> None:
    """Let every error of the app end as an `AdminError`."""
    app.register_error_handler(GatewayError, _refused)
    app.register_error_handler(ConfigError, _bad_config)
    app.register_error_handler(StoreError, _store_failed)
    app.register_error_handler(HTTPException, _http_error)


async def _refused(error: GatewayError) -> Response:
    problem = error.problem()
    response = answer(AdminError(code=problem.code, message=problem.message, hint=problem.hint), problem.status)
    if isinstance(error, UnauthenticatedError):
        response.headers["www-authenticate"] = "Bearer"
    return response


async def _bad_config(error: ConfigError) -> Response:
    hint = "nothing was changed; correct the file, then `proxyctl reload`"
    return answer(AdminError(code=error.code, message=str(error), hint=hint), 422)


async def _store_failed(error: StoreError) -> Response:
    return answer(AdminError(code="store_failed", message=str(error), hint="see `proxyctl status` for the log"), 503)


async def _http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    if status == 404:
        shown = AdminError(code="not_found", message=f"nothing is at {request.path}", hint="see /openapi.json")
        return answer(shown, status)
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        message = f"{request.path} does not take {request.method}"
        response = answer(AdminError(code="method_not_allowed", message=message, hint=f"it takes {allowed}"), status)
        response.headers["allow"] = allowed
        return response
    if status >= 500:
        return answer(
            AdminError(code="internal", message="a fault of the gateway", hint="its log has the details"), status
        )
    return answer(
        AdminError(code=error.name.lower().replace(" ", "_"), message=error.description or error.name), status
    )
