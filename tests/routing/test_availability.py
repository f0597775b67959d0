"""Waits end, resets clear, successes prove."""

from __future__ import annotations

import pytest

from proxyctl.routing.availability import (
    COOLDOWN_CAP,
    MISSING_SECONDS,
    TRIAL_SPACING,
    Availability,
    Cooldown,
    CredentialRefused,
    ModelMissing,
)
from proxyctl.routing.breaker import ROW, Trial

NOW = 1_800_000_000.0


def kind_of(out):
    return None if out is None else out.kind


def test_a_cooldown_is_of_one_deployment_until_its_time(deployment):
    availability = Availability()
    availability.apply(Cooldown(reason="429", retry_after=20), deployment(), NOW)

    assert kind_of(availability.find("groq", "llama", 0, NOW + 19.9)) == "cooling"
    assert availability.find("groq", "llama", 1, NOW) is None
    assert availability.find("groq", "other", 0, NOW) is None
    assert availability.find("groq", "llama", 0, NOW + 20) is None


def test_a_refused_credential_is_out_for_all_models(deployment):
    availability = Availability()
    availability.apply(CredentialRefused("401"), deployment(), NOW)

    assert kind_of(availability.find("groq", "other", 0, NOW + 86_400)) == "credential"
    assert availability.find("groq", "other", 1, NOW) is None


def test_a_missing_model_is_missing_for_all_keys_for_ten_minutes(deployment):
    availability = Availability()
    availability.apply(ModelMissing("404"), deployment(), NOW)

    assert kind_of(availability.find("groq", "llama", 1, NOW + MISSING_SECONDS - 1)) == "missing"
    assert availability.find("groq", "llama", 1, NOW + MISSING_SECONDS) is None


@pytest.mark.parametrize(
    ("consequence", "seconds"),
    [
        (Cooldown(reason="r", retry_after=90_000), COOLDOWN_CAP),
        (Cooldown(reason="spent", retryable=False), COOLDOWN_CAP),
        (Cooldown(reason="r", retry_after=-5), 0),
        (Cooldown(reason="r", retry_after=0.5), 0.5),
    ],
)
def test_cooldowns_are_capped(deployment, consequence, seconds):
    assert Availability().apply(consequence, deployment(), NOW).until == NOW + seconds


def test_cooldowns_without_a_time_double_and_start_again_after_a_success(deployment):
    availability = Availability()
    now = NOW
    waits = []
    for _ in range(6):
        out = availability.apply(Cooldown(reason="429"), deployment(), now)
        waits.append(out.until - now)
        now = out.until

    availability.succeeded(deployment(), NOW)

    assert waits == [5, 10, 20, 40, 60, 60]
    assert availability.apply(Cooldown(reason="429"), deployment(), now).until == now + 5


def test_old_strikes_are_forgotten(deployment):
    availability = Availability()
    availability.apply(Cooldown(reason="429"), deployment(), NOW)

    assert availability.apply(Cooldown(reason="429"), deployment(), NOW + 301).until == NOW + 306


def test_a_success_clears_key_model_and_deployment(deployment):
    availability = Availability()
    for consequence in (CredentialRefused("401"), ModelMissing("404"), Cooldown(reason="429")):
        availability.apply(consequence, deployment(), NOW)

    availability.succeeded(deployment(), NOW)

    assert availability.entries("groq", NOW) == ()


def test_a_reset_clears_one_provider(deployment):
    availability = Availability()
    availability.apply(CredentialRefused("401"), deployment("groq"), NOW)
    availability.apply(Cooldown(reason="429"), deployment("groq"), NOW)
    availability.apply(Cooldown(reason="429"), deployment("gemini"), NOW)

    assert availability.reset("groq") == 2
    assert availability.entries("groq", NOW) == ()
    assert len(availability.entries("gemini", NOW)) == 1


def test_a_changed_config_believes_credentials_again_but_not_rate_limits(deployment):
    availability = Availability()
    for name in ("groq", "gemini"):
        availability.apply(CredentialRefused("401"), deployment(name), NOW)
        availability.apply(Cooldown(reason="429"), deployment(name), NOW)

    availability.config_changed(["groq"])

    assert [out.kind for out in availability.entries("groq", NOW)] == ["cooling"]
    assert {out.kind for out in availability.entries("gemini", NOW)} == {"cooling", "credential"}


def test_a_clock_that_goes_back_prolongs_nothing(deployment):
    availability = Availability()
    availability.apply(Cooldown(reason="429", retry_after=20), deployment(), NOW)

    assert availability.find("groq", "llama", 0, NOW - 3600) is None


def test_a_trial_is_taken_once_in_its_time(deployment):
    availability = Availability()
    out = availability.apply(CredentialRefused("401"), deployment(), NOW)

    assert not availability.take_trial(out, NOW + TRIAL_SPACING - 1)
    assert availability.take_trial(out, NOW + TRIAL_SPACING)
    again = availability.find("groq", "llama", 0, NOW + TRIAL_SPACING)
    assert again is not None
    assert not availability.take_trial(again, NOW + TRIAL_SPACING + 1)
    assert again.recovery == NOW + 2 * TRIAL_SPACING


def test_invented_model_names_do_not_grow_the_memory_and_push_no_key_out(deployment):
    availability = Availability()
    availability.apply(CredentialRefused("401"), deployment(), NOW)
    for number in range(10_000):
        availability.apply(ModelMissing("404"), deployment(model=f"invented-{number}"), NOW + number / 1000)

    entries = availability.entries("groq", NOW + 10)

    assert len(entries) <= 4096
    assert kind_of(availability.find("groq", "llama", 0, NOW + 10)) == "credential"
    assert kind_of(availability.find("groq", "invented-9999", 0, NOW + 10)) == "missing"


def test_entries_tell_their_countdown(deployment):
    availability = Availability()
    availability.apply(CredentialRefused("401 no"), deployment(), NOW)
    availability.apply(ModelMissing("404"), deployment(), NOW)
    availability.apply(Cooldown(reason="429 slow down", retry_after=20), deployment(), NOW)

    assert [out.describe(NOW + 5) for out in availability.entries("groq", NOW + 5)] == [
        "llama is cooling for 15 s: 429 slow down",
        "said that it does not have llama (asked again in 10 min)",
        "its key was refused: 401 no",
    ]


def test_a_deployment_that_keeps_failing_is_out_for_a_while(deployment):
    availability = Availability()
    for _ in range(ROW):
        availability.failed(deployment(), "x" * 1000, NOW)

    assert not availability.is_quiet
    out = availability.find("groq", "llama", 0, NOW)
    assert kind_of(out) == "failing"
    assert out.recovery == NOW + 5
    assert len(out.reason) < 300
    assert out.describe(NOW + 2, "key").startswith("llama with the key 'key' is failing (tried again in 3 s): 5 fail")
    assert availability.entries("groq", NOW) == (out,)
    assert availability.entries("gemini", NOW) == ()
    assert availability.find("groq", "llama", 0, NOW + 5) is None
    assert availability.entries("groq", NOW + 5) == ()


def test_a_reset_closes_the_breakers_of_one_provider(deployment):
    availability = Availability()
    for name in ("groq", "gemini"):
        for _ in range(ROW):
            availability.failed(deployment(name), "500", NOW)

    assert availability.reset("groq") == 1
    assert availability.find("groq", "llama", 0, NOW) is None
    assert kind_of(availability.find("gemini", "llama", 0, NOW)) == "failing"
    assert availability.reset("gemini") == 1
    assert availability.is_quiet


def test_the_breaker_gives_leave_for_each_attempt(deployment):
    availability = Availability()
    assert availability.enter(deployment(), NOW) is None
    for _ in range(ROW):
        availability.failed(deployment(), "500", NOW)

    assert kind_of(availability.enter(deployment(), NOW + 1)) == "failing"
    assert isinstance(availability.enter(deployment(), NOW + 5), Trial)
    assert kind_of(availability.enter(deployment(), NOW + 5)) == "failing"
    assert availability.enter(deployment("gemini"), NOW + 5) is None
