"""A gateway over the simulator, with a generic OpenAI-compatible server named `local` beside the six."""

from __future__ import annotations

import pytest

from proxyctl.simulator.setup import KEY_VARIABLE, demo_config
from tests.gateway.conftest import Gateway, StartGateway


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    started = await start_gateway()
    root = started.simulator.root
    local = (
        '\n[providers.local]\nkind = "openai-compatible"\nmode = "fallback"\n'
        f'base_url = "{root}/local/v1"\nkey = "${KEY_VARIABLE}"\n'
    )
    await started.configure(demo_config(root, 0) + local)
    return started
