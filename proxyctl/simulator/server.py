"""The simulator itself: seven providers and a generic one behind one loopback port, with faults and a ledger.

A client's base URL for a provider is `Simulator.url(name)`; below it the paths are the provider's real ones. It
imports none of the gateway's codecs, because it is what they are judged by.
"""

from collections.abc import Coroutine
from typing import Self

import msgspec

from proxyctl.simulator.anthropic import Anthropic
from proxyctl.simulator.cohere import Cohere
from proxyctl.simulator.compatible import Compatible
from proxyctl.simulator.control import Control
from proxyctl.simulator.delivery import REPLACING, deliver, never_answer, with_stream_fault
from proxyctl.simulator.faults import Fault, FaultBook
from proxyctl.simulator.gemini import Gemini
from proxyctl.simulator.groq import Groq
from proxyctl.simulator.http_server import Connection, HttpRequest, HttpServer
from proxyctl.simulator.ledger import Ledger
from proxyctl.simulator.mistral import Mistral
from proxyctl.simulator.openai import OpenAI
from proxyctl.simulator.provider import SimulatedProvider
from proxyctl.simulator.reply import RefusalError, json_reply
from proxyctl.simulator.script import Manner
from proxyctl.simulator.together import Together
from proxyctl.simulator.turns import Turn, TurnBook

PROVIDERS: tuple[type[SimulatedProvider], ...] = (
    Gemini,
    Anthropic,
    Groq,
    Together,
    Cohere,
    Mistral,
    OpenAI,
    Compatible,
)


class Pace(msgspec.Struct, forbid_unknown_fields=True):
    """`delay` is in seconds between two frames; `words` pads text answers to that length."""

    delay: float = 0.0
    words: int = 0


class Simulator:
    """Use it as `async with Simulator() as simulator`, or call `start` and `stop`."""

    def __init__(self, *, delay: float = 0.0, words: int = 0) -> None:
        self.providers = {kind.name: kind() for kind in PROVIDERS}
        self.turns = TurnBook()
        for provider in self.providers.values():
            provider.turns = self.turns
        self.faults = FaultBook()
        self.ledger = Ledger()
        self.pace = Pace(delay, words)
        self.address = ("127.0.0.1", 0)
        self._control = Control(self)
        self._server = HttpServer(self._respond)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address is taken."""
        self.address = await self._server.start(host, port)

    async def stop(self) -> None:
        """Stop listening and drop every open connection."""
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    @property
    def root(self) -> str:
        """The address of the simulator, below which the control API and all providers lie."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def url(self, provider: str) -> str:
        """The base URL to configure for `provider`, as its own documentation would write it."""
        return f"{self.root}/{provider}{self.providers[provider].base}"

    @property
    def open_connections(self) -> int:
        return len(self._server.connections)

    def fault(self, *faults: Fault) -> None:
        """Plan faults for the requests to come."""
        self.faults.plan(*faults)

    def script(self, *turns: Turn) -> None:
        """Plan what the answers to come will call."""
        self.turns.plan(*turns)

    def reset(self) -> None:
        """Forget faults, turns, entries, sums and remembered prompts; the pace stays."""
        self.faults.clear()
        self.turns.clear()
        self.ledger.clear()
        for provider in self.providers.values():
            provider.clear()

    def _respond(self, request: HttpRequest, connection: Connection) -> Coroutine[None, None, None] | None:
        segment, _, rest = request.path.lstrip("/").partition("/")
        if segment == "_control":
            reply = self._control.answer(request, rest)
            connection.send(reply.status, reply.headers, reply.body)
            return None
        provider = self.providers.get(segment)
        if provider is None:
            lost = json_reply(
                {"error": f"no simulated provider at /{segment}", "providers": list(self.providers)}, status=404
            )
            connection.send(lost.status, lost.headers, lost.body)
            return None
        return self._answer(provider, request, f"/{rest}", connection)

    def _answer(
        self, provider: SimulatedProvider, request: HttpRequest, path: str, connection: Connection
    ) -> Coroutine[None, None, None] | None:
        target = request.target[len(provider.name) + 1 :]
        entry = self.ledger.open(provider.name, request.method, target, request.headers, request.body)
        fault = self._fault(provider, request, path) if self.faults else None
        if fault is not None:
            entry.fault = fault.kind
            entry.model = provider.model_of(request, path)
            if fault.kind in REPLACING:
                return never_answer(connection, entry, fault, provider)
        try:
            reply = provider.answer(request, path, self._manner(fault))
        except RefusalError as refused:
            reply = refused.reply
        if reply.model is not None:
            entry.model = reply.model
        if fault is not None:
            reply = with_stream_fault(reply, fault, provider)
        return deliver(connection, entry, reply, fault, self.pace.delay, self.ledger)

    def _fault(self, provider: SimulatedProvider, request: HttpRequest, path: str) -> Fault | None:
        return self.faults.take(provider.name, provider.model_of(request, path), provider.scope_of(request, path))

    def _manner(self, fault: Fault | None) -> Manner:
        if fault is None:
            return Manner(words=self.pace.words)
        return Manner(
            bulk=fault.size if fault.kind == "huge_frame" else 0,
            wide=fault.kind == "split_utf8",
            blocked=fault.kind == "blocked",
            reason=fault.reason or "" if fault.kind == "finish" else None,
            words=self.pace.words,
        )
