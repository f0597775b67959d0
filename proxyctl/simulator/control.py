"""The simulator's control API, for tests and commands in other processes.

POST /_control/faults    a fault or a list of them; GET shows those still planned; DELETE removes them
POST /_control/turns     [{"calls": [{"tool", "arguments"}], "provider"}]: what the next answers call, one each, and
                         nothing else until the reset; GET shows those still to come
GET  /_control/requests  what was received (`?provider=`, `?since=` the number of an entry)
GET  /_control/usage     sums of the usage that was reported, by provider and model
GET  /_control/providers the base URL of every provider
POST /_control/pace      {"delay": seconds between frames, "words": length of text answers}
POST /_control/reset     forget faults, turns, requests, sums and remembered prompts
"""

from typing import TYPE_CHECKING, Any

import msgspec

from proxyctl.simulator.faults import Fault
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.reply import Reply, json_reply
from proxyctl.simulator.turns import Turn

if TYPE_CHECKING:
    from proxyctl.simulator.server import Simulator

_OK = {"ok": True}


class Control:
    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator

    def answer(self, request: HttpRequest, action: str) -> Reply:
        try:
            return self._answer(request, action)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            return json_reply({"error": str(exc)}, status=400)

    def _answer(self, request: HttpRequest, action: str) -> Reply:
        simulator = self._simulator
        match request.method, action:
            case "GET", _:
                return self._show(action, request.query)
            case "POST", "faults":
                planned = msgspec.json.decode(request.body, type=Fault | list[Fault])
                simulator.fault(*(planned if isinstance(planned, list) else [planned]))
            case "DELETE", "faults":
                simulator.faults.clear()
            case "POST", "turns":
                simulator.script(*msgspec.json.decode(request.body, type=list[Turn]))
            case "POST", "pace":
                simulator.pace = msgspec.json.decode(request.body, type=type(simulator.pace))
            case "POST", "reset":
                simulator.reset()
            case _:
                return _unknown(request.method, action)
        return json_reply(_OK)

    def _show(self, action: str, query: dict[str, str]) -> Reply:
        simulator = self._simulator
        match action:
            case "faults":
                return json_reply(simulator.faults.planned())
            case "turns":
                return json_reply(simulator.turns.planned())
            case "requests":
                return json_reply(self._requests(query))
            case "usage":
                return json_reply(simulator.ledger.totals)
            case "providers":
                return json_reply({name: simulator.url(name) for name in simulator.providers})
            case _:
                return _unknown("GET", action)

    def _requests(self, query: dict[str, str]) -> list[Any]:
        provider, since = query.get("provider"), query.get("since", "0")
        after = int(since) if since.isdigit() else 0
        return [
            entry
            for entry in self._simulator.ledger.entries
            if entry.number > after and provider in {None, entry.provider}
        ]


def _unknown(method: str, action: str) -> Reply:
    return json_reply({"error": f"no control action {method} {action}"}, status=404)
