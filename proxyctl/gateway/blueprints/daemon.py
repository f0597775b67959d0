"""The daemon itself: is it there, since when, stop, and read the config again."""

from __future__ import annotations

import os

from quart import Blueprint, Response
from quart_schema import document_querystring, document_response

from proxyctl.admin.schema import DaemonStatus, Liveness, ReloadResult, StopResult
from proxyctl.gateway.blueprints.access import OPEN_PATH
from proxyctl.gateway.blueprints.answers import answer
from proxyctl.gateway.blueprints.queries import NoQuery, read_query
from proxyctl.gateway.blueprints.state_protocol import AdminState


class Daemon:
    """Handlers about the process."""

    def __init__(self, state: AdminState) -> None:
        self._state = state

    def blueprint(self) -> Blueprint:
        pages = Blueprint("daemon", __name__)
        add = pages.add_url_rule
        add(OPEN_PATH, view_func=self.healthz)
        add("/daemon/status", view_func=self.daemon_status)
        add("/daemon/stop", view_func=self.stop, methods=["POST"])
        add("/daemon/reload", view_func=self.reload, methods=["POST"])
        return pages

    @document_response(Liveness)
    async def healthz(self) -> Response:
        """Whether the daemon answers, and which start of it."""
        return answer(Liveness(instance=self._state.instance, version=self._state.version))

    @document_querystring(NoQuery)
    @document_response(DaemonStatus)
    async def daemon_status(self) -> Response:
        """The process: where it listens, since when, its files."""
        read_query(NoQuery)
        state = self._state
        return answer(
            DaemonStatus(
                pid=os.getpid(),
                instance=state.instance,
                version=state.version,
                address=state.address,
                started_at=state.started_at,
                uptime_seconds=max(0.0, state.clock.now() - state.started_at),
                config_path=str(state.config_path),
                log_path=str(state.log_path),
                active_exchanges=state.active,
                draining=state.draining.is_set(),
            )
        )

    @document_querystring(NoQuery)
    @document_response(StopResult, 202)
    async def stop(self) -> Response:
        """Let running exchanges finish, refuse new ones, end. Answers at once."""
        read_query(NoQuery)
        self._state.request_stop()
        return answer(StopResult(instance=self._state.instance, active_exchanges=self._state.active), 202)

    @document_querystring(NoQuery)
    @document_response(ReloadResult)
    async def reload(self) -> Response:
        """Read the config file again; a file with errors changes nothing."""
        read_query(NoQuery)
        return answer(await self._state.reload())
