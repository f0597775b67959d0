"""What is known of models, and what somebody may have meant."""

from __future__ import annotations

import pytest

from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.needs import UNKNOWN, ModelFacts

FACTS = ModelFacts(context=1000, max_output=10)


def names(*models):
    return dict.fromkeys(models, UNKNOWN)


def test_a_list_is_replaced_whole():
    catalogue = Catalogue()
    catalogue.replace("groq", {"old": FACTS}, updated_at=1.0)
    before = catalogue.models("groq")

    catalogue.replace("groq", {"new": UNKNOWN}, updated_at=2.0)

    assert (list(before), list(catalogue.models("groq"))) == (["old"], ["new"])
    assert (catalogue.serves("groq", "old"), catalogue.serves("groq", "new")) == (False, True)
    assert catalogue.updated_at("groq") == 2.0


def test_the_callers_own_mapping_is_not_kept():
    catalogue, models = Catalogue(), {"one": FACTS}
    catalogue.replace("groq", models, updated_at=1.0)

    models["two"] = FACTS

    assert not catalogue.serves("groq", "two")


def test_the_list_and_the_prices_both_count():
    catalogue = Catalogue()
    catalogue.replace("groq", {"listed": FACTS}, updated_at=1.0)
    catalogue.set_priced("groq", ["priced"])

    assert [catalogue.serves("groq", model) for model in ("listed", "priced", "neither")] == [True, True, False]
    assert not catalogue.serves("gemini", "listed")
    assert (catalogue.facts("groq", "listed"), catalogue.facts("groq", "priced")) == (FACTS, UNKNOWN)


def test_before_the_first_list_nothing_is_known():
    catalogue = Catalogue()

    assert (catalogue.models("groq"), catalogue.updated_at("groq")) == ({}, None)
    assert catalogue.nearest("anything", 3, providers={"groq"}) == ()


def test_a_provider_can_be_forgotten():
    catalogue = Catalogue()
    catalogue.replace("groq", {"listed": FACTS}, updated_at=1.0)
    catalogue.set_priced("groq", ["priced"])

    catalogue.forget("groq")

    assert not catalogue.serves("groq", "listed")
    assert not catalogue.serves("groq", "priced")


@pytest.fixture(scope="module")
def known():
    catalogue = Catalogue()
    catalogue.replace(
        "groq", names("llama-3.3-70b-versatile", "llama-3.1-8b-instant", "qwen/qwen3-32b"), updated_at=1.0
    )
    catalogue.replace("anthropic", names("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"), updated_at=1.0)
    catalogue.replace("hub", names("moonshotai/Kimi-K3.1-Pro", "claude-opus-5-5"), updated_at=1.0)
    catalogue.set_priced("anthropic", ["claude-opus-4-5", "claude-opus-5-5"])
    return catalogue


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lama-3.3-70b-versatile", "groq:llama-3.3-70b-versatile"),
        ("llama-3.3-70b", "groq:llama-3.3-70b-versatile"),
        ("grok:llama-3.1-8b-instant", "groq:llama-3.1-8b-instant"),
        ("Claude-Sonnet-5.5", "anthropic:claude-sonnet-5-5"),
        ("claude-opus-4.5", "anthropic:claude-opus-4-5"),
        ("kimi-k3.1-pro", "hub:moonshotai/Kimi-K3.1-Pro"),
        ("moonshot/kimi-k3.1", "hub:moonshotai/Kimi-K3.1-Pro"),
        ("qwen3-32b", "groq:qwen/qwen3-32b"),
        ("my-fats", "my-fast"),
    ],
)
def test_the_nearest_name_is_the_one_that_was_meant(known, written, meant):
    assert known.nearest(written, 1, providers={"groq", "anthropic", "hub"}, names=("my-fast",)) == (meant,)


def test_nothing_near_gives_nothing(known):
    assert known.nearest("zzz-999", 3, providers={"groq", "anthropic", "hub"}) == ()


def test_only_providers_that_can_be_asked_are_suggested(known):
    assert known.nearest("claude-opus-5", 5, providers={"hub"}) == ("hub:claude-opus-5-5",)


def test_a_name_is_suggested_once_a_provider(known):
    got = known.nearest("claude-opus-5-5", 9, providers={"groq", "anthropic", "hub"})

    assert got[:2] == ("anthropic:claude-opus-5-5", "hub:claude-opus-5-5")
    assert len(got) == len(set(got))


@pytest.mark.parametrize("written", ["", " ", ":", "/", "x" * 1_000_000, "\udcff", "名前"])
def test_any_text_can_be_asked_for(known, written):
    assert isinstance(known.nearest(written, 3, providers={"groq"}), tuple)


def test_a_new_list_is_suggested_from_at_once():
    catalogue = Catalogue()
    catalogue.replace("groq", names("alpha-one"), updated_at=1.0)
    assert catalogue.nearest("beta-tow", 1, providers={"groq"}) == ()

    catalogue.replace("groq", names("beta-two"), updated_at=2.0)

    assert catalogue.nearest("beta-tow", 1, providers={"groq"}) == ("groq:beta-two",)
