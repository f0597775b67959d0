"""Cohere's facts: addresses, keys, model list, and which of its models think."""

from __future__ import annotations

import json

import pytest

from proxyctl.core.errors import DecodeError
from proxyctl.providers._base import ModelInfo
from proxyctl.providers.cohere import CohereProvider

COHERE = CohereProvider(name="cohere")


def test_addresses_and_key() -> None:
    assert COHERE.url == "https://api.cohere.com"
    assert COHERE.target("cohere-chat", "command-a-03-2025", stream=False) == "/v2/chat"
    assert COHERE.target("cohere-chat", "command-a-03-2025", stream=True) == "/v2/chat"
    assert COHERE.credential_headers("secret") == [(b"authorization", b"Bearer secret")]
    assert COHERE.key_env == ("CO_API_KEY", "COHERE_API_KEY")


@pytest.mark.parametrize(
    ("model", "own"), [("command-a-plus-05-2026", True), ("c4ai-aya-expanse-32b", True), ("gemini-3.8-flash", False)]
)
def test_families(model: str, *, own: bool) -> None:
    assert COHERE.serves_family(model) is own


def test_a_page_of_the_model_list() -> None:
    entries = [
        {"name": "command-a-03-2025", "endpoints": ["chat"], "context_length": 288000, "features": ["tools"]},
        {"name": "embed-v4.0", "endpoints": ["embed"], "context_length": 128000.0},
        {"name": "rerank-v5.0-pro", "endpoints": None},
    ]

    page = COHERE.read_models(json.dumps({"models": entries, "next_page_token": "x y"}).encode())

    assert page.models == (
        ModelInfo(id="command-a-03-2025", owned_by="cohere", context=288000),
        ModelInfo(id="embed-v4.0", owned_by="cohere", context=128000, chat=False),
        ModelInfo(id="rerank-v5.0-pro", owned_by="cohere", chat=False),
    )
    assert page.next_target == "/v1/models?page_size=1000&page_token=x%20y"


def test_the_last_page_has_no_following() -> None:
    assert COHERE.read_models(b'{"models":[],"next_page_token":null}').next_target is None
    assert COHERE.read_models(b'{"models":[],"next_page_token":""}').next_target is None


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"{}"])
def test_what_is_no_list_is_said(raw: bytes) -> None:
    with pytest.raises(DecodeError, match="not a model list"):
        COHERE.read_models(raw)


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("command-a-plus-05-2026", True),
        ("command-a-reasoning-08-2025", True),
        ("command-b-2027", True),
        ("command-a-03-2025", False),
        ("command-r-plus-08-2024", False),
        ("c4ai-aya-vision-32b", False),
    ],
)
def test_which_models_think(model: str, *, thinks: bool) -> None:
    traits = COHERE.traits(model)

    assert (traits.thinking == "budget") is thinks
    assert traits.thinks_unasked is thinks


def test_what_the_documentation_says_of_them_all() -> None:
    for model in ("command-a-plus-05-2026", "command-r-08-2024"):
        traits = COHERE.traits(model)
        assert traits.stop_limit == 5
        assert traits.temperature_max == 1.0
        assert not traits.json_schema_with_tools
        assert not traits.prefill
        assert not traits.documents
        assert not traits.audio
