"""`GET /v1/models` in the caller's dialect."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import Gateway

ANTHROPIC = {"anthropic-version": "2023-06-01"}
GOOGLE = {"x-goog-api-key": "k"}


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
    assert owners == {"gemini", "anthropic", "openai", "groq", "together", "cohere", "mistral"}


async def test_gemini_gets_the_same_models_by_names_of_its_own(listed: Gateway) -> None:
    ids = [model["id"] for model in (await listed.http.get("/v1/models")).json()["data"]]

    lists = [
        (await listed.http.get("/v1beta/models")).json(),
        (await listed.http.get("/v1beta/models?pageSize=5&key=k")).json(),
        (await listed.http.get("/v1/models", headers=GOOGLE)).json(),
        (await listed.http.get("/v1/models?key=k")).json(),
        (await listed.http.get("/v1/models", headers={"x-goog-api-client": "genai"})).json(),
    ]

    assert all(one == lists[0] for one in lists)
    assert [model["name"] for model in lists[0]["models"]] == [f"models/{name}" for name in ids]
    assert all("generateContent" in model["supportedGenerationMethods"] for model in lists[0]["models"])
    [flash] = [model for model in lists[0]["models"] if model["name"] == "models/gemini-3.8-flash"]
    assert flash["inputTokenLimit"] == 1_048_576


async def test_anthropics_version_goes_before_googles_key(listed: Gateway) -> None:
    assert "data" in (await listed.http.get("/v1/models?key=k", headers=ANTHROPIC | GOOGLE)).json()


@pytest.mark.parametrize("name", ["gemini-3.8-flash", "openai/gpt-oss-120b", "groq:llama-3.3-70b-versatile"])
@pytest.mark.parametrize("path", ["/v1beta/models/", "/v1beta/models/models/", "/v1/models/"])
async def test_one_model_for_gemini(listed: Gateway, name: str, path: str) -> None:
    assert (await listed.http.get(path + name, headers=GOOGLE)).json()["name"].endswith(f"models/{name}")


async def test_an_unknown_model_is_googles_not_found(listed: Gateway) -> None:
    response = await listed.http.get("/v1beta/models/gemini-3.8-flsh")

    assert (response.status_code, response.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert "gemini-3.8-flash" in response.text


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
