"""The demo's config and its failures."""

import tomllib

import httpx

from proxyctl.simulator import Simulator
from proxyctl.simulator.setup import DEMO_KEY, KEY_VARIABLE, demo_config, demo_faults


async def test_config_points_every_provider_at_the_simulator(simulator: Simulator) -> None:
    config = tomllib.loads(demo_config(simulator.root + "/", 8095))

    assert config["server"] == {"port": 8095}
    assert config["routing"] == {"primary": "gemini"}
    assert list(config["providers"]) == ["gemini", "anthropic", "openai", "groq", "together", "cohere", "mistral"]
    for name, settings in config["providers"].items():
        assert settings["base_url"] == simulator.url(name)
        assert settings["key"] == f"${KEY_VARIABLE}"
    modes = [settings["mode"] for settings in config["providers"].values()]
    assert modes == ["pooled", *["fallback"] * 6]


async def test_list_of_models_answers_below_every_base_url(simulator: Simulator, http: httpx.AsyncClient) -> None:
    """Base URL and path as each provider documents them, with the demo's key."""
    config = tomllib.loads(demo_config(simulator.root, 1))
    paths = {"gemini": "/v1beta/models", "anthropic": "/v1/models", "cohere": "/v1/models"}
    headers = {
        "authorization": f"Bearer {DEMO_KEY}",
        "x-goog-api-key": DEMO_KEY,
        "anthropic-version": "2026-10-21",
    }

    for name, settings in config["providers"].items():
        response = await http.get(settings["base_url"] + paths.get(name, "/models"), headers=headers)
        assert response.status_code == 200, name


def test_faults_name_providers_of_the_demo_and_end() -> None:
    names = set(tomllib.loads(demo_config("http://x", 1))["providers"])

    for fault in demo_faults():
        assert fault.provider in names
        assert fault.times is not None
