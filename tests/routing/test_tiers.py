"""The shipped table knows the families of its date, and nothing that it should not."""

from __future__ import annotations

import pytest

from proxyctl.routing.tiers import TierTable, shipped_tiers


@pytest.mark.parametrize(
    ("tier", "models"),
    [
        (
            "large",
            """
            claude-opus-5-5 claude-opus-4-1-20250805 claude-fable-5-2 claude-mythos-5 claude-3-opus-20240229
            gemini-4-argon gemini-3.1-pro-preview gemini-2.5-pro gemini-pro-latest
            gpt-6.2-astra gpt-6.1-sol gpt-5.6-sol gpt-5.5 gpt-5.5-pro gpt-5.4 gpt-5 o3
            moonshotai/Kimi-K3.1-Pro moonshotai/kimi-k2-instruct deepseek-ai/DeepSeek-V4-Pro-0813 Qwen/Qwen3.7-Max
            zai-org/GLM-5.3 meta-models/Muse-Spark-Open-816B-A42B command-a-plus-05-2026 command-a-reasoning-08-2025
            mistral-large-4 mistral-large-2512
            """,
        ),
        (
            "medium",
            """
            claude-sonnet-5-5 claude-sonnet-4-5 claude-3-5-sonnet-20241022 gemini-3.8-flash gemini-2.5-flash
            gemini-3-flash-preview gemini-flash-latest gpt-6.1-terra gpt-5.6-terra gpt-4.1 gpt-4o openai/gpt-oss-120b
            llama-3.3-70b-versatile meta-llama/llama-4-scout meta-llama/llama-4-maverick qwen/qwen3.8-27b
            qwen/qwen3-32b deepseek-ai/DeepSeek-V4.1-Flash command-a-03-2025 command-r-plus-08-2024
            mistral-medium-3-5 codestral-2508
            """,
        ),
        (
            "small",
            """
            claude-haiku-5-5 claude-haiku-4-5-20251001 claude-3-5-haiku-20241022 gemini-3.5-flash-lite
            gemini-2.5-flash-lite gemini-flash-lite-latest gemma-4-31b-it gpt-6-luna gpt-5.6-luna gpt-5.4-mini
            gpt-5.4-nano gpt-4o-mini openai/gpt-oss-20b llama-3.1-8b-instant Qwen/Qwen3.8-Flash
            MiniMaxAI/MiniMax-M3.1-Flash command-r-08-2024 command-r7b mistral-small-2603 ministral-8b-2512
            """,
        ),
    ],
)
def test_the_current_models_have_their_tier(tier, models):
    table = shipped_tiers()

    assert {model: table.tier_of(model) for model in models.split()} == dict.fromkeys(models.split(), tier)


@pytest.mark.parametrize(
    "model",
    [
        "text-embedding-3-small",
        "gemini-embedding-001",
        "mistral-embed",
        "codestral-embed",
        "whisper-large-v3-turbo",
        "gemini-2.5-flash-image",
        "gemini-2.5-flash-preview-tts",
        "gpt-4o-realtime-preview",
        "gpt-4o-transcribe",
        "rerank-v5.0-pro",
        "openai/gpt-oss-safeguard-20b",
        "my-own-model",
        "claude",
        "",
        "../claude-opus-5-5/",
    ],
)
def test_what_nothing_can_stand_in_for_has_none(model):
    assert shipped_tiers().tier_of(model) is None


def test_the_table_says_when_it_was_true():
    assert shipped_tiers().dated == "2026-11"


def test_small_siblings_are_tried_before_their_family():
    table = TierTable({"small": ["x-mini"], "large": ["x-*"], "never": ["x-embed"]}, dated="2026-11")

    assert [table.tier_of(name) for name in ("x-mini", "X-Mini", "org/x-1", "x-embed")] == [
        "small",
        "small",
        "large",
        None,
    ]


def test_an_empty_table_knows_nothing():
    assert TierTable({}, dated="2026-11").tier_of("claude-opus-5-5") is None
