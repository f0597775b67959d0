"""An upstream that hangs up after each answer, and gateways before it: with a key for it, and without."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import KEYED, Upstream, hostile_upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with hostile_upstream() as running:
        yield running


@pytest.fixture
async def gate(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(upstream.config())


@pytest.fixture
async def keyed(start_gateway: StartGateway, upstream: Upstream) -> Gateway:
    return await start_gateway(upstream.config(keyed=True), KEYED)
