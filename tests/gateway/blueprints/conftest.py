"""A small gateway for the management API to look at: real counters, records, prices and guard, two providers.

What the lead parts would answer (planner, catalogue, list endpoints) is written down here as values.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from quart import Quart
from quart.typing import TestClientProtocol

from proxyctl.admin.schema import CredentialStatus, PlanReport, PlanStep, ProviderHealth, ReloadResult
from proxyctl.config.model import ProviderSettings, RoutingSettings, ServerSettings, Settings, StoreSettings
from proxyctl.config.problems import ConfigError, ConfigProblem
from proxyctl.core.chat import DialectName
from proxyctl.core.clock import ManualClock
from proxyctl.core.exchange import AttemptRecord, ExchangeRecord
from proxyctl.core.usage import Usage
from proxyctl.gateway.blueprints.register import register
from proxyctl.gateway.blueprints.state_protocol import KnownModels, Standing
from proxyctl.gateway.guard import Guard
from proxyctl.metering.meter import Meter
from proxyctl.metering.metrics import Metrics
from proxyctl.metering.prices import PriceBook
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.memory import MemoryStore
from proxyctl.providers._base import ModelInfo, Provider
from tests.serving import serving_quart

TOKEN = "token-of-this-run"
GATEWAY_KEY = "key-of-the-gateway"
NOW = 1_795_500_000.0


class Alpha(Provider):
    kind = "alpha-kind"
    label = "Alpha"
    base_url = "https://alpha.test/v1"
    endpoints: ClassVar = {"openai-chat": "/chat/completions"}
    price_id = "anthropic"


class Beta(Provider):
    kind = "beta-kind"
    label = "Beta"
    base_url = "https://beta.test/v1"
    endpoints: ClassVar = {"anthropic-messages": "/messages", "openai-chat": "/chat/completions"}


class State:
    """An `AdminState` made of values. Tests change its public attributes."""

    version = "1.2.3"
    instance = "instance-1"
    address = "http://127.0.0.1:8094"
    config_path = Path("/config/proxyctl.toml")
    log_path = Path("/state/daemon.log")

    def __init__(self, *, keys: tuple[str, ...] = ()) -> None:
        self.settings = Settings(
            server=ServerSettings(keys=tuple(f"$KEY_{number}" for number, _ in enumerate(keys))),
            routing=RoutingSettings(primary="alpha"),
            providers={
                "alpha": ProviderSettings(name="alpha", kind="alpha-kind", mode="pooled"),
                "beta": ProviderSettings(name="beta", kind="beta-kind", mode="fallback", weight=2.0, priority=5),
                "gone": ProviderSettings(name="gone", kind="beta-kind", mode="off"),
            },
            aliases={},
            tiers={},
            store=StoreSettings(),
        )
        self.providers: Mapping[str, Provider] = {
            "alpha": Alpha(name="alpha"),
            "beta": Beta(name="beta"),
            "gone": Beta(name="gone", base_url="https://gone.test"),
        }
        self.clock = ManualClock(now=NOW)
        self.started_at = NOW - 90
        self.guard = Guard(host="127.0.0.1", keys=keys, token=TOKEN)
        self.metrics = Metrics(self.clock)
        self.recorder = Recorder(MemoryStore())
        self.prices = PriceBook()
        self.meter = Meter(
            metrics=self.metrics,
            recorder=self.recorder,
            prices=self.prices,
            price_id=lambda name: self.providers[name].price_id if name in self.providers else None,
        )
        self.active = 0
        self.draining = asyncio.Event()
        self.checked: list[str] = []
        self.healthy: dict[str, ProviderHealth] = {}
        self.reload_problem: ConfigProblem | None = None
        self.stop_requested = False
        self.waits: dict[str, tuple[str, ...]] = {"beta": ("the wait until 10:00",)}

    def standing(self, name: str) -> Standing:
        if self.settings.providers[name].mode == "off":
            return Standing(active=True, state="off", note="switched off")
        return Standing(active=True, state="ready")

    def credentials(self, name: str) -> tuple[CredentialStatus, ...]:
        return (CredentialStatus(label=f"{name.upper()}_API_KEY", source="environment"),)

    def known_models(self, name: str) -> KnownModels:
        if name == "alpha":
            models = (ModelInfo(id="claude-opus-5-5", context=1_000_000, max_output=128_000), ModelInfo(id="secret-1"))
            return KnownModels(models, NOW - 10)
        return KnownModels()

    def health(self, name: str) -> ProviderHealth:
        if self.settings.providers[name].mode == "off":
            return ProviderHealth(name=name, health="off")
        return self.healthy.get(name, ProviderHealth(name=name, health="unknown"))

    async def check_provider(self, name: str) -> ProviderHealth:
        self.checked.append(name)
        return ProviderHealth(name=name, health="ok", checked_at=self.clock.now(), latency_ms=12.5)

    async def explain(self, model: str, dialect: DialectName) -> PlanReport:
        step = PlanStep(provider="alpha", model=model, reason="primary", lane=dialect)
        return PlanReport(model=model, rule="pooled", steps=(step,))

    def clear_waits(self, name: str) -> tuple[str, ...]:
        return self.waits.pop(name, ())

    async def reload(self) -> ReloadResult:
        if self.reload_problem is not None:
            raise ConfigError(self.config_path, (self.reload_problem,))
        return ReloadResult(changed=("beta: fallback -> pooled",))

    def request_stop(self) -> None:
        self.stop_requested = True
        self.draining.set()


def make_record(provider: str = "alpha", **fields: Any) -> ExchangeRecord:
    attempt = AttemptRecord(
        provider=provider,
        model="claude-opus-5-5",
        lane="passthrough",
        outcome="ok",
        started_at=NOW - 30,
        duration_ms=250.0,
        usage=Usage(input=100_000, output=1_000),
    )
    base: dict[str, Any] = {
        "id": "px_1",
        "started_at": NOW - 30,
        "dialect": "openai-chat",
        "requested_model": "opus",
        "outcome": "ok",
        "status": 200,
        "stream": False,
        "duration_ms": 260.0,
        "provider": provider,
        "upstream_model": "claude-opus-5-5",
        "usage": attempt.usage,
        "attempts": (attempt,),
    }
    return ExchangeRecord(**{**base, **fields})


MakeState = Callable[..., State]


@pytest.fixture(scope="session")
def price_data() -> None:
    """Load the price data once in a process: every other load is then instant."""
    PriceBook().load()


@pytest.fixture
async def state(price_data: None) -> AsyncIterator[State]:
    del price_data
    made = State()
    await made.meter.load()
    yield made
    made.draining.set()


@pytest.fixture
async def keyed_state(price_data: None) -> State:
    """A gateway that has a key of its own."""
    del price_data
    made = State(keys=(GATEWAY_KEY,))
    await made.meter.load()
    return made


def make_app(state: State) -> Quart:
    app = Quart("tested")
    register(app, state, every=0.01)
    return app


@pytest.fixture
def app(state: State) -> Quart:
    return make_app(state)


@pytest.fixture
def client(app: Quart) -> TestClientProtocol:
    return app.test_client()


@pytest.fixture
def keyed_client(keyed_state: State) -> TestClientProtocol:
    return make_app(keyed_state).test_client()


class Stream:
    """One answer of the served app, read event by event over a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._rest = b""
        self._ended = False
        self.head = b""

    async def begin(self, path: str) -> None:
        self._writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        self.head = (await self._reader.readuntil(b"\r\n\r\n")).lower()

    async def event(self) -> bytes:
        """The next event without its blank line; `b""` at the end of the answer."""
        while b"\n\n" not in self._rest:
            if self._ended:
                return b""
            size = int(await self._reader.readline(), 16)
            self._rest += (await self._reader.readexactly(size + 2))[:-2]
            self._ended = size == 0
        found, self._rest = self._rest.split(b"\n\n", 1)
        return found

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


OpenStream = Callable[[str], Awaitable[Stream]]


@pytest.fixture
async def open_stream(app: Quart) -> AsyncIterator[OpenStream]:
    """Open a stream of the app as the daemon serves it."""
    opened: list[Stream] = []
    async with serving_quart(app) as port:

        async def open_one(path: str) -> Stream:
            stream = Stream(*await asyncio.open_connection("127.0.0.1", port))
            opened.append(stream)
            await stream.begin(path)
            return stream

        yield open_one
        for stream in opened:
            await stream.leave()


@pytest.fixture
def record() -> Callable[..., ExchangeRecord]:
    return make_record


@pytest.fixture
def token() -> dict[str, str]:
    """The header of whoever may change things."""
    return {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def gateway_key() -> dict[str, str]:
    return {"x-api-key": GATEWAY_KEY}
