"""A reload swaps the configuration whole, or changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxyctl.config.problems import ConfigError
from proxyctl.gateway.live import build_live
from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import TOKEN, Gateway

GROQ = "groq:llama-3.3-70b-versatile"
MANAGE = {"authorization": f"Bearer {TOKEN}"}


async def test_a_changed_mode_is_in_force_at_once_and_said(gateway: Gateway) -> None:
    text = gateway.config_file.read_text()
    gateway.config_file.write_text(
        text.replace('[providers.groq]\nmode = "fallback"', '[providers.groq]\nmode = "off"')
    )

    reloaded = await gateway.http.post("/daemon/reload", headers=MANAGE)
    refused = await gateway.http.post("/v1/chat/completions", json=gateway.chat(GROQ))

    assert reloaded.json()["changed"] == ["groq: mode fallback → off"]
    assert refused.status_code == 400


async def test_a_broken_file_changes_nothing_and_names_its_line(gateway: Gateway) -> None:
    before = gateway.state.live
    gateway.config_file.write_text(gateway.config_file.read_text() + "\n[providers.groq]\nmode = 1\n")

    reloaded = await gateway.http.post("/daemon/reload", headers=MANAGE)

    assert reloaded.status_code == 422
    assert "line" in reloaded.json()["message"]
    assert gateway.state.live is before
    assert (await gateway.http.post("/v1/chat/completions", json=gateway.chat(GROQ))).status_code == 200


async def test_a_running_exchange_keeps_the_configuration_it_began_with(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="stall", after_frames=2, seconds=0.2))
    text = gateway.config_file.read_text()

    async with gateway.http.stream("POST", "/v1/chat/completions", json=gateway.chat(GROQ, stream=True)) as response:
        await gateway.configure(text.replace('[providers.groq]\nmode = "fallback"', '[providers.groq]\nmode = "off"'))
        body = await response.aread()

    assert body.decode().rstrip().endswith("data: [DONE]")


async def test_a_removed_provider_is_forgotten(gateway: Gateway) -> None:
    await gateway.state.discovery.refresh(gateway.state.live)
    text = gateway.config_file.read_text()

    await gateway.configure(text[: text.index("[providers.mistral]")])

    assert "mistral" not in gateway.state.discovery.found
    assert gateway.state.catalogue.models("mistral") == {}


async def test_a_reload_cannot_open_a_gateway_that_others_can_reach(gateway: Gateway) -> None:
    """Where it listens is given by the start; the new file has no keys."""
    state = gateway.state
    state._host = "0.0.0.0"
    before = state.live

    with pytest.raises(ConfigError, match="without a gateway key"):
        await state.reload()

    assert state.live is before


def test_the_guard_follows_the_host_of_the_run_not_of_the_file(gateway: Gateway) -> None:
    settings = replace(gateway.state.live.settings)

    live = build_live(settings, gateway.state._sources(), host="box.lan", token=TOKEN)

    live.guard.check_source({b"host": b"box.lan:8094"})
