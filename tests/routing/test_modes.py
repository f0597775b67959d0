"""The words that people see for a provider's state."""

from __future__ import annotations

import pytest

from proxyctl.routing.availability import Cooldown, CredentialRefused, ModelMissing
from proxyctl.routing.modes import state_of


def state(here, name):
    return state_of(name, here.snapshot, here.availability, here.clock.now())


@pytest.mark.parametrize(
    ("providers", "word", "note"),
    [
        ({"groq": "pooled"}, "ready", ""),
        ({"groq": "fallback"}, "ready", ""),
        ({"groq": "exclusive"}, "ready", ""),
        ({"groq": "off"}, "off", "`proxyctl providers set groq fallback` lets it take part"),
        ({"groq": {"mode": "pooled", "inactive": "GROQ_API_KEY is not set"}}, "inactive", "GROQ_API_KEY is not set"),
        ({"groq": {"mode": "off", "inactive": "GROQ_API_KEY is not set"}}, "off", None),
        ({"groq": "pooled", "gemini": "exclusive"}, "shadowed", "shadowed by gemini"),
        ({"groq": "off", "gemini": "exclusive"}, "off", None),
        (
            {"groq": "pooled", "gemini": "exclusive", "routing": {"exclusive_escape": True}},
            "shadowed",
            "shadowed by gemini, and tried when it fails",
        ),
    ],
)
def test_the_state_of_a_provider(world, providers, word, note):
    found = state(world(**providers), "groq")

    assert found.word == word
    assert note is None or found.note == note


def test_a_cooling_provider_counts_down(world, deployment):
    here = world(groq="pooled")
    here.availability.apply(Cooldown(reason="429", retry_after=20), deployment(), here.clock.now())
    here.clock.advance(8)

    assert state(here, "groq") == ("cooling", "llama is cooling for 12 s: 429")
    here.clock.advance(12)
    assert state(here, "groq").word == "ready"


def test_a_provider_is_inactive_when_its_last_key_was_refused(world, deployment):
    here = world(groq={"mode": "pooled", "credentials": ("one", "two")})
    here.availability.apply(CredentialRefused("401 bad key"), deployment(), here.clock.now())
    assert state(here, "groq") == ("ready", "its key 'one' was refused: 401 bad key")

    here.availability.apply(CredentialRefused("401 bad key"), deployment(credential=1), here.clock.now())

    assert state(here, "groq").word == "inactive"
    assert "`proxyctl providers reset groq`" in state(here, "groq").note


def test_a_missing_model_is_only_a_note(world, deployment):
    here = world(groq="pooled")
    here.availability.apply(ModelMissing("404"), deployment(), here.clock.now())

    assert state(here, "groq").word == "ready"
    assert "does not have llama" in state(here, "groq").note


def test_a_reload_with_fewer_keys_leaves_a_readable_state(world, deployment):
    here = world(groq={"mode": "pooled", "credentials": ("one", "two", "three")})
    here.availability.apply(Cooldown(reason="429", retry_after=20), deployment(credential=2), here.clock.now())

    here.change(groq={"mode": "pooled", "credentials": ("one", "two")})

    assert state(here, "groq") == ("cooling", "llama is cooling for 20 s: 429")
