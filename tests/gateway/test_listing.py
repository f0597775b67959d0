"""`GET /v1/models` in the caller's dialect."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import Gateway

ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture
async def listed(gateway: Gateway) -> Gateway:
    await gateway.state.discovery.refresh(gateway.state.live)
    return gateway


async def test_each_dialect_gets_its_own_shape_of_the_same_list(listed: Gateway) -> None:
    openai = (await listed.http.get("/v1/models")).json()
    anthropic = (await listed.http.get("/v1/models", headers=ANTHROPIC)).json()
    bare = (await listed.http.get("/models")).json()
    under = (await listed.http.get("/anthropic/v1/models")).json()

    assert openai["object"] == "list"
    assert anthropic["has_more"] is False
    assert [model["id"] for model in openai["data"]] == [model["id"] for model in anthropic["data"]]
    assert bare == openai
    assert under == anthropic
    owners = {model["owned_by"] for model in openai["data"]}
    assert owners == {"gemini", "anthropic", "groq", "together", "cohere", "mistral"}


@pytest.mark.parametrize("name", ["claude-sonnet-5-5", "openai/gpt-oss-120b", "groq:llama-3.3-70b-versatile"])
async def test_one_model_by_its_name(listed: Gateway, name: str) -> None:
    openai = await listed.http.get(f"/v1/models/{name}")
    anthropic = await listed.http.get(f"/v1/models/{name}", headers=ANTHROPIC)

    assert openai.json()["id"] == anthropic.json()["id"] == name
    assert anthropic.json()["created_at"].endswith("Z")


async def test_an_unknown_model_gets_near_names(listed: Gateway) -> None:
    response = await listed.http.get("/v1/models/claude-sonet-5-5")

    assert response.status_code == 404
    assert "claude-sonnet-5-5" in response.text


async def test_posting_to_the_list_is_not_allowed(listed: Gateway) -> None:
    assert (await listed.http.post("/v1/models")).status_code == 405
