"""How much to think, towards Gemini: WIRE case 16 and the table of efforts and budgets."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.chat import ChatRequest, Effort, Message, Reasoning, TextPart
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers.gemini import GeminiProvider

from .conftest import Encode

FLASH_38 = GeminiProvider(name="gemini").traits("gemini-3.8-flash")
FLASH_35 = GeminiProvider(name="gemini").traits("gemini-3.5-flash")
FLASH_25 = GeminiProvider(name="gemini").traits("gemini-2.5-flash")
LITE_25 = GeminiProvider(name="gemini").traits("gemini-2.5-flash-lite")
PRO_25 = GeminiProvider(name="gemini").traits("gemini-2.5-pro")


def thinking(
    encode: Encode, traits: ModelTraits, reasoning: Reasoning | None
) -> tuple[dict[str, Any] | None, list[str]]:
    request = ChatRequest(model="m", messages=(Message("user", (TextPart(text="Hi"),)),), reasoning=reasoning)
    body, losses = encode(request, traits)
    return body.get("generationConfig", {}).get("thinkingConfig"), losses


@pytest.mark.parametrize(
    ("effort", "level", "exact"),
    [
        ("off", "LOW", False),
        ("minimal", "LOW", False),
        ("low", "LOW", True),
        ("medium", "MEDIUM", True),
        ("high", "HIGH", True),
        ("xhigh", "HIGH", False),
        ("max", "HIGH", False),
    ],
)
def test_case_16_newer_models_get_the_nearest_level_and_no_budget(
    encode: Encode, effort: Effort, level: str, *, exact: bool
) -> None:
    config, losses = thinking(encode, FLASH_38, Reasoning(effort=effort))

    assert config == {"thinkingLevel": level}
    assert bool(losses) is not exact


def test_case_16_a_model_with_a_minimal_level_gets_it(encode: Encode) -> None:
    assert thinking(encode, FLASH_35, Reasoning(effort="minimal")) == ({"thinkingLevel": "MINIMAL"}, [])


@pytest.mark.parametrize(
    ("traits", "effort", "budget"),
    [
        (FLASH_25, "off", 0),
        (FLASH_25, "minimal", 512),
        (FLASH_25, "low", 1024),
        (FLASH_25, "medium", 8192),
        (FLASH_25, "high", 24576),
        (FLASH_25, "max", 24576),
        (LITE_25, "minimal", 512),
        (PRO_25, "off", 128),
        (PRO_25, "minimal", 128),
        (PRO_25, "max", 32768),
    ],
)
def test_case_16_older_models_get_a_budget_and_no_level(
    encode: Encode, traits: ModelTraits, effort: Effort, budget: int
) -> None:
    config, _ = thinking(encode, traits, Reasoning(effort=effort))

    assert config == {"thinkingBudget": budget}


def test_thinking_that_cannot_be_switched_off_is_a_loss(encode: Encode) -> None:
    _, always = thinking(encode, PRO_25, Reasoning(effort="off"))
    _, switched = thinking(encode, FLASH_25, Reasoning(effort="off"))

    assert always == ["reasoning"]
    assert switched == []


@pytest.mark.parametrize(
    ("asked", "given", "lost"),
    [(-1, -1, []), (0, 0, []), (4000, 4000, []), (30000, 24576, ["reasoning.budget"])],
)
def test_a_budget_is_kept_inside_the_models_range(encode: Encode, asked: int, given: int, lost: list[str]) -> None:
    assert thinking(encode, FLASH_25, Reasoning(budget=asked)) == ({"thinkingBudget": given}, lost)


@pytest.mark.parametrize(("budget", "level"), [(1024, "LOW"), (2048, "MEDIUM"), (8192, "HIGH"), (20000, "HIGH")])
def test_a_budget_becomes_a_level_where_there_are_only_levels(encode: Encode, budget: int, level: str) -> None:
    config, losses = thinking(encode, FLASH_38, Reasoning(budget=budget))

    assert config == {"thinkingLevel": level}
    assert losses


def test_a_dynamic_budget_leaves_the_level_to_the_model(encode: Encode) -> None:
    assert thinking(encode, FLASH_38, Reasoning(budget=-1)) == (None, [])


@pytest.mark.parametrize("traits", [FLASH_38, FLASH_25])
def test_thoughts_are_asked_for_only_when_the_caller_can_show_them(encode: Encode, traits: ModelTraits) -> None:
    shown, _ = thinking(encode, traits, Reasoning(visible=True))
    hidden, _ = thinking(encode, traits, Reasoning(visible=False))
    unsaid, _ = thinking(encode, traits, Reasoning())
    off, _ = thinking(encode, traits, Reasoning(effort="off", visible=True))

    assert shown == {"includeThoughts": True}
    assert hidden is None
    assert unsaid is None
    assert off is not None
    assert "includeThoughts" not in off


def test_a_model_that_cannot_be_asked_to_think(encode: Encode) -> None:
    traits = ModelTraits(thinking="none")

    assert thinking(encode, traits, Reasoning(effort="high")) == (None, ["reasoning"])
    assert thinking(encode, traits, Reasoning(effort="off")) == (None, [])
    assert thinking(encode, traits, Reasoning(visible=True)) == (None, [])


def test_nothing_said_is_nothing_sent(encode: Encode) -> None:
    assert thinking(encode, FLASH_38, None) == (None, [])
