"""A whole gateway over real sockets: the simulator as upstream, the daemon's server in front, one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

from proxyctl.config.load import load
from proxyctl.config.paths import Paths
from proxyctl.core.clock import Clock
from proxyctl.core.exchange import ExchangeRecord
from proxyctl.gateway.app import create_app
from proxyctl.gateway.state import GatewayState
from proxyctl.metering.store.base import RecordQuery
from proxyctl.providers._registry import KIND_FACTS
from proxyctl.simulator.server import Simulator
from proxyctl.simulator.setup import DEMO_KEY, KEY_VARIABLE, demo_config
from tests.gateway.hostile import Upstream, completion, hostile_upstream, response
from tests.serving import serving_quart

TOKEN = "management-token"


@dataclass
class Gateway:
    """A running gateway. `http` is a client of it; `simulator` is what its providers are."""

    state: GatewayState
    simulator: Simulator
    http: httpx.AsyncClient
    config_file: Path

    @property
    def url(self) -> str:
        return str(self.http.base_url)

    async def records(self, count: int) -> tuple[ExchangeRecord, ...]:
        """The records, newest first, once there are `count` of them: they are kept after the answer's last byte."""
        while True:
            await self.state.meter.settled()
            records = await self.state.recorder.page(RecordQuery(limit=100))
            if len(records) >= count:
                return records
            await asyncio.sleep(0.005)

    async def configure(self, text: str) -> None:
        """Write a new config and put it in force."""
        self.config_file.write_text(text)
        await self.state.reload()

    def chat(self, model: str, text: str = "Hello there", **more: Any) -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "user", "content": text}], **more}


StartGateway = Callable[..., Awaitable[Gateway]]


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody here speaks TLS with the world: to read all of its authorities costs every gateway and client 20 ms."""
    end = "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("authorities") / "one.pem"
    file.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def start_gateway(simulator: Simulator, tmp_path: Path) -> AsyncIterator[StartGateway]:
    """Starts gateways with a config text in which `{root}` is the simulator's address."""
    running = AsyncExitStack()
    started = 0

    async def start(
        text: str | None = None, environ: dict[str, str] | None = None, clock: Clock | None = None
    ) -> Gateway:
        nonlocal started
        home = tmp_path / str(started)
        started += 1
        home.mkdir()
        config_file = home / "config.toml"
        config_file.write_text(demo_config(simulator.root, 0) if text is None else text)
        values = {"PROXYCTL_HOME": str(home), KEY_VARIABLE: DEMO_KEY, **(environ or {})}
        paths = Paths.find(None, values)
        state = GatewayState(
            load(config_file, KIND_FACTS),
            paths=paths,
            instance="test",
            token=TOKEN,
            clock=clock,
            environ=lambda: values,
            folder=home,
        )
        port = await running.enter_async_context(serving_quart(create_app(state)))
        url, authorities = f"http://127.0.0.1:{port}", httpx.create_ssl_context()
        http = httpx.AsyncClient(base_url=url, verify=authorities, trust_env=False, timeout=20)
        await running.enter_async_context(http)
        return Gateway(state, simulator, http, config_file)

    async with running:
        yield start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with hostile_upstream() as running:
        running.answer = response(completion())
        running.keep = True
        yield running


@pytest.fixture
async def gate(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    """A gateway before the hostile upstream, which knows its model `m` by the bare name too: sent on unchanged."""
    return await start_gateway(upstream.config('models = { m = "m" }'))
