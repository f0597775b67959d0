"""A messages body that passes through: what its model refuses is mended, the rest stays as it came."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages.fitted import fit_sampling, fit_thinking
from proxyctl.dialects.base import decode_fields, encode_json
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits

ALWAYS = ModelTraits(thinking="adaptive", thinking_off=False, thinking_efforts=("low", "medium", "high", "xhigh"))
SWITCHED = msgspec.structs.replace(ALWAYS, thinking_off=True)
BETWEEN = msgspec.structs.replace(SWITCHED, thinking_off_type="between_tools")
BUDGET = ModelTraits(thinking="budget")
NEVER = ModelTraits(thinking="none")

ENABLED = {"type": "enabled", "budget_tokens": 9000}
ADAPTIVE = {"type": "adaptive"}
OFF = {"type": "disabled"}


def thinking(traits: ModelTraits, *, by_budget: bool = False, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    raw, losses = dict(decode_fields(json.dumps(fields).encode())), Losses()
    fit_thinking(fitted := dict(raw), traits, losses, by_budget=by_budget)
    return json.loads(encode_json(fitted)), [loss.path for loss in losses.entries()]


@pytest.mark.parametrize(
    ("traits", "by_budget", "asked"),
    [
        (ALWAYS, False, ADAPTIVE),
        (ALWAYS, False, {**ADAPTIVE, "display": "updates"}),
        (ALWAYS, True, ENABLED),
        (SWITCHED, False, OFF),
        (BETWEEN, False, {"type": "between_tools"}),
        (BUDGET, True, ENABLED),
        (BUDGET, True, OFF),
        (ALWAYS, False, {"type": "brand_new"}),
        (ALWAYS, False, {"budget_tokens": 5}),
        (ALWAYS, False, None),
        (ALWAYS, False, "much"),
    ],
)
def test_what_fits_or_cannot_be_read_stays(traits: ModelTraits, *, by_budget: bool, asked: Any) -> None:
    raw = {"thinking": msgspec.Raw(json.dumps(asked).encode())}
    losses = Losses()

    fit_thinking(fitted := dict(raw), traits, losses, by_budget=by_budget)

    assert fitted["thinking"] is raw["thinking"]
    assert not losses


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (2048, "medium"), (9000, "high"), (31999, "xhigh")])
def test_a_budget_becomes_an_effort_where_the_model_decides(budget: int, effort: str) -> None:
    asked = {"type": "enabled", "budget_tokens": budget, "display": "summarized"}

    assert thinking(ALWAYS, thinking=asked) == (
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}},
        ["thinking.budget_tokens"],
    )


def test_an_effort_that_the_caller_named_stands_and_so_does_the_rest_of_its_config() -> None:
    named = {"effort": "max", "format": {"type": "json_schema", "schema": {}}}
    unnamed = {"format": named["format"]}

    assert thinking(ALWAYS, thinking=ENABLED, output_config=named) == (
        {"thinking": ADAPTIVE, "output_config": named},
        ["thinking"],
    )
    assert thinking(ALWAYS, thinking=ENABLED, output_config=unnamed)[0]["output_config"] == {
        **unnamed,
        "effort": "high",
    }


def test_a_budget_that_names_no_number_loses_nothing() -> None:
    assert thinking(ALWAYS, thinking={"type": "enabled"}) == ({"thinking": ADAPTIVE}, [])


@pytest.mark.parametrize("kind", ["disabled", "between_tools"])
def test_a_model_that_cannot_be_switched_off_thinks_little(kind: str) -> None:
    assert thinking(ALWAYS, thinking={"type": kind}) == (
        {"thinking": ADAPTIVE, "output_config": {"effort": "low"}},
        ["reasoning effort"],
    )


@pytest.mark.parametrize(
    ("traits", "by_budget", "asked", "sent"),
    [
        (BETWEEN, False, "disabled", "between_tools"),
        (SWITCHED, False, "between_tools", "disabled"),
        (BUDGET, True, "between_tools", "disabled"),
    ],
)
def test_off_is_said_in_the_models_word(traits: ModelTraits, *, by_budget: bool, asked: str, sent: str) -> None:
    assert thinking(traits, by_budget=by_budget, thinking={"type": asked}) == ({"thinking": {"type": sent}}, [])


@pytest.mark.parametrize(
    ("traits", "by_budget", "asked", "lost"),
    [
        (BUDGET, True, ADAPTIVE, ["thinking"]),
        (NEVER, False, ADAPTIVE, ["thinking"]),
        (NEVER, False, ENABLED, ["thinking"]),
        (NEVER, False, OFF, []),
    ],
)
def test_what_a_model_does_not_know_is_not_asked_for(
    traits: ModelTraits, *, by_budget: bool, asked: dict[str, Any], lost: list[str]
) -> None:
    assert thinking(traits, by_budget=by_budget, thinking=asked) == ({}, lost)


def test_what_an_encoder_wrote_is_left_alone() -> None:
    fields = {"thinking": dict(ENABLED)}

    fit_thinking(fields, ALWAYS, Losses(), by_budget=False)

    assert fields == {"thinking": ENABLED}


ALONE = ModelTraits(temperature_with_top_p=False)
REFUSING = ModelTraits(sampling=False)


@pytest.mark.parametrize(
    ("traits", "asked", "kept", "lost"),
    [
        (PERMISSIVE, ("temperature", "top_p", "top_k"), {"temperature", "top_p", "top_k"}, []),
        (ALONE, ("temperature", "top_p", "top_k"), {"temperature", "top_k"}, ["top_p"]),
        (ALONE, ("top_p", "top_k"), {"top_p", "top_k"}, []),
        (REFUSING, ("temperature", "top_p", "top_k"), set(), ["temperature", "top_p", "top_k"]),
    ],
)
def test_sampling_goes_as_far_as_the_model_takes_it(
    traits: ModelTraits, asked: tuple[str, ...], kept: set[str], lost: list[str]
) -> None:
    fields, losses = dict.fromkeys(asked, 0.5), Losses()

    fit_sampling(fields, traits, losses)

    assert set(fields) == kept
    assert [loss.path for loss in losses.entries()] == lost
