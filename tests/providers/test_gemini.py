"""Gemini's facts: addresses, key header, model list, and what each version of its models takes."""

from __future__ import annotations

import json

import pytest
from google.genai import types

from proxyctl.core.chat import Effort
from proxyctl.core.errors import DecodeError
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.providers._base import ModelInfo
from proxyctl.providers.gemini import GeminiProvider

GEMINI = GeminiProvider(name="gemini")


def test_addresses() -> None:
    assert GEMINI.url == "https://generativelanguage.googleapis.com"
    assert (
        GEMINI.target("gemini-generate", "gemini-3.8-flash", stream=False)
        == "/v1beta/models/gemini-3.8-flash:generateContent"
    )
    assert (
        GEMINI.target("gemini-generate", "gemini-3.8-flash", stream=True)
        == "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    )


@pytest.mark.parametrize(
    ("model", "quoted"),
    [("models/gemini-2.5-pro", "gemini-2.5-pro"), ("a b?x=1", "a%20b%3Fx%3D1"), ("../keys", "..%2Fkeys")],
)
def test_a_model_name_cannot_change_the_address(model: str, quoted: str) -> None:
    assert GEMINI.target("gemini-generate", model, stream=False) == f"/v1beta/models/{quoted}:generateContent"


@pytest.mark.parametrize(("stream", "verb"), [(False, "generateContent"), (True, "streamGenerateContent?alt=sse")])
def test_a_tuned_model_has_a_path_of_its_own(*, stream: bool, verb: str) -> None:
    assert GEMINI.target("gemini-generate", "tunedModels/a/b", stream=stream) == f"/v1beta/tunedModels/a%2Fb:{verb}"
    assert GEMINI.serves_family("tunedModels/mine")
    assert GEMINI.in_path("tunedModels/a/b") == "tunedModels/a%2Fb"
    assert GEMINI.in_path("models/a") == GEMINI.in_path("a") == "models/a"


def test_a_history_with_anothers_proofs_does_not_pass() -> None:
    assert GEMINI.passes("gemini-generate", "gemini-3.8-flash", Peek(model="m"))
    assert not GEMINI.passes("gemini-generate", "gemini-3.8-flash", Peek(model="m", foreign_signatures=True))


def test_a_model_in_the_body_is_left_to_the_address() -> None:
    losses = Losses()
    fields = {"contents": [], "cachedContent": "x"}

    for body in (fields, {**fields, "model": "models/other"}):
        assert GEMINI.adapt(body, dialect="gemini-generate", model="m", losses=losses) == fields
    assert not losses


def test_the_key_travels_in_googles_own_header() -> None:
    assert GEMINI.credential_headers("secret") == [(b"x-goog-api-key", b"secret")]


def test_the_keys_variable_that_googles_sdk_prefers_comes_first() -> None:
    assert GEMINI.key_env == ("GOOGLE_API_KEY", "GEMINI_API_KEY")


@pytest.mark.parametrize(
    ("model", "own"),
    [("gemini-3.8-flash", True), ("gemini-flash-latest", True), ("gemma-4-31b-it", True), ("claude-opus-5", False)],
)
def test_families(model: str, *, own: bool) -> None:
    assert GEMINI.serves_family(model) is own


def test_a_page_of_the_model_list() -> None:
    entries = [
        {
            "name": "models/gemini-3.8-flash",
            "displayName": "Gemini 3.8 Flash",
            "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "thinking": True,
        },
        {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]},
    ]
    raw = json.dumps({"models": entries, "nextPageToken": "a/b="}).encode()

    page = GEMINI.read_models(raw)

    assert page.models == (
        ModelInfo(
            id="gemini-3.8-flash",
            display_name="Gemini 3.8 Flash",
            owned_by="google",
            context=1048576,
            max_output=65536,
        ),
        ModelInfo(id="gemini-embedding-001", owned_by="google", chat=False),
    )
    assert page.next_target == "/v1beta/models?pageSize=1000&pageToken=a%2Fb%3D"


def test_the_last_page_has_no_following() -> None:
    assert GEMINI.read_models(b'{"models":[]}').next_target is None
    assert GEMINI.read_models(b"{}").models == ()


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b'{"models":[{}]}'])
def test_what_is_no_list_is_said(raw: bytes) -> None:
    with pytest.raises(DecodeError, match="not a model list"):
        GEMINI.read_models(raw)


@pytest.mark.parametrize(
    ("model", "style", "needs_signatures", "sampling", "penalties", "prefill"),
    [
        ("gemini-2.0-flash", "none", False, True, True, True),
        ("gemini-2.5-flash", "budget", False, True, True, True),
        ("gemini-3-flash-preview", "effort", True, True, False, True),
        ("gemini-3.1-pro-preview-customtools", "effort", True, True, False, True),
        ("gemini-3.5-flash-lite", "effort", True, True, False, True),
        ("gemini-3.6-flash", "effort", True, False, False, False),
        ("gemini-3.8-flash", "effort", True, False, False, False),
        ("gemini-4-argon", "effort", True, False, False, False),
        ("gemini-flash-latest", "effort", True, False, False, False),
        ("gemini-7.3-neon", "effort", True, False, False, False),
        ("models/gemini-2.5-flash", "budget", False, True, True, True),
    ],
)
def test_rules_follow_the_version_in_the_name(
    model: str, style: str, *, needs_signatures: bool, sampling: bool, penalties: bool, prefill: bool
) -> None:
    traits = GEMINI.traits(model)

    assert traits.thinking == style
    assert traits.signatures_required is needs_signatures
    assert traits.tool_call_ids is needs_signatures
    assert traits.media_in_tool_results is needs_signatures
    assert traits.json_schema_with_tools is needs_signatures
    assert (traits.sampling, traits.penalties, traits.prefill) == (sampling, penalties, prefill)


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("gemini-3-pro-preview", ("low", "high")),
        ("gemini-3.1-pro-preview", ("low", "medium", "high")),
        ("gemini-3.5-flash-lite", ("minimal", "low", "medium", "high")),
        ("gemini-3.6-flash", ("minimal", "low", "medium", "high")),
        ("gemini-3.7-flash", ("low", "medium", "high")),
        ("gemini-4-argon", ("low", "medium", "high")),
        ("gemini-pro-latest", ("low", "medium", "high")),
    ],
)
def test_levels_of_thinking_exist_in_the_sdk_and_follow_the_version(model: str, efforts: tuple[Effort, ...]) -> None:
    assert GEMINI.traits(model).thinking_efforts == efforts
    assert all(effort.upper() in types.ThinkingLevel.__members__ for effort in efforts)


@pytest.mark.parametrize(
    ("model", "low", "high", "off"),
    [
        ("gemini-2.5-flash", 1, 24576, True),
        ("gemini-2.5-flash-lite", 512, 24576, True),
        ("gemini-2.5-pro", 128, 32768, False),
    ],
)
def test_budgets_of_the_2_5_models(model: str, low: int, high: int, *, off: bool) -> None:
    traits = GEMINI.traits(model)

    assert (traits.thinking_budget_min, traits.thinking_budget_max, traits.thinking_off) == (low, high, off)


def test_what_the_documentation_says_of_them_all() -> None:
    for model in ("gemini-2.0-flash", "gemini-2.5-pro", "gemini-3.8-flash", "gemini-4-argon", "gemma-4-31b-it"):
        traits = GEMINI.traits(model)
        assert traits.stop_limit == 5
        assert traits.tool_name_limit == 128
        assert not traits.image_urls
        assert not traits.parallel_switch


def test_open_models_need_neither_signatures_nor_levels() -> None:
    traits = GEMINI.traits("gemma-4-31b-it")

    assert not traits.signatures_required
    assert traits.thinking == "none"


def test_image_models_neither_think_nor_call_tools() -> None:
    traits = GEMINI.traits("gemini-3.1-flash-image")

    assert traits.thinking == "none"
    assert not traits.tools
