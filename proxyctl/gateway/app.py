"""Builds the application: Quart for the management API, the inference front wrapped round it."""

from __future__ import annotations

from quart import Quart

from proxyctl.gateway.admin_view import AdminView
from proxyctl.gateway.blueprints.register import register
from proxyctl.gateway.front import InferenceFront
from proxyctl.gateway.state import GatewayState

_MANAGEMENT_BODY = 1024 * 1024


def create_app(state: GatewayState) -> Quart:
    """The ASGI application over `state`. Its startup begins the background work, its shutdown ends it."""
    app = Quart("proxyctl")
    app.config["RESPONSE_TIMEOUT"] = None  # Quart would cut every stream at 60 s, silently
    app.config["BODY_TIMEOUT"] = 60
    app.config["MAX_CONTENT_LENGTH"] = _MANAGEMENT_BODY
    register(app, AdminView(state))
    app.before_serving(state.start)
    app.after_serving(state.close)
    app.asgi_app = InferenceFront(app.asgi_app, state)  # type: ignore[method-assign, assignment] # Quart documents it so
    return app
