"""Puts the management API on a Quart app: routes, access, errors, description."""

from __future__ import annotations

from quart import Blueprint, Quart

from proxyctl.gateway.blueprints.access import access_check
from proxyctl.gateway.blueprints.answers import answer_errors
from proxyctl.gateway.blueprints.daemon import Daemon
from proxyctl.gateway.blueprints.observing import Observing
from proxyctl.gateway.blueprints.openapi import describe
from proxyctl.gateway.blueprints.state_protocol import AdminState
from proxyctl.gateway.blueprints.steering import Steering


def management(state: AdminState, *, every: float = 1.0) -> list[Blueprint]:
    """The blueprints over a state. `every` is the shortest time between two metrics events, in seconds."""
    return [Observing(state, every=every).blueprint(), Steering(state).blueprint(), Daemon(state).blueprint()]


def register(app: Quart, state: AdminState, *, every: float = 1.0) -> None:
    """Let `app` serve the management API and nothing beside it: unknown paths become its 404."""
    app.before_request(access_check(state))
    for pages in management(state, every=every):
        app.register_blueprint(pages)
    answer_errors(app)
    describe(app, state.version)
