"""The simulator's control API, for tests and commands in other processes.

POST /_control/faults    a fault or a list of them; GET shows those still planned; DELETE removes them
GET  /_control/requests  what was received (`?provider=`, `?since=` the number of an entry)
GET  /_control/usage     sums of the usage that was reported, by provider and model
GET  /_control/providers the base URL of every provider
POST /_control/pace      {"delay": seconds between frames, "words": length of text answers}
POST /_control/reset     forget faults, requests, sums and remembered prompts
"""

from typing import TYPE_CHECKING, Any

import msgspec

from proxyctl.simulator.faults import Fault
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.reply import Reply, json_reply

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
            case "POST", "faults":
                planned = msgspec.json.decode(request.body, type=Fault | list[Fault])
                simulator.fault(*(planned if isinstance(planned, list) else [planned]))
                return json_reply(_OK)
            case "GET", "faults":
                return json_reply(simulator.faults.planned())
            case "DELETE", "faults":
                simulator.faults.clear()
                return json_reply(_OK)
            case "GET", "requests":
                return json_reply(self._requests(request.query))
            case "GET", "usage":
                return json_reply(simulator.ledger.totals)
            case "GET", "providers":
                return json_reply({name: simulator.url(name) for name in simulator.providers})
            case "POST", "pace":
                simulator.pace = msgspec.json.decode(request.body, type=type(simulator.pace))
                return json_reply(_OK)
            case "POST", "reset":
                simulator.reset()
                return json_reply(_OK)
            case _:
                return json_reply({"error": f"no control action {request.method} {action}"}, status=404)

    def _requests(self, query: dict[str, str]) -> list[Any]:
        provider, since = query.get("provider"), query.get("since", "0")
        after = int(since) if since.isdigit() else 0
        return [
            entry
            for entry in self._simulator.ledger.entries
            if entry.number > after and provider in {None, entry.provider}
        ]
