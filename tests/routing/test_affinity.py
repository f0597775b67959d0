"""Where sessions are, and whose turn it is."""

from __future__ import annotations

import pytest

from proxyctl.routing.affinity import Affinity, session_key
from proxyctl.routing.draw import FAILURE_HALF_LIFE, Draw

NOW = 1_800_000_000.0


def test_a_session_is_held_while_it_is_used(deployment):
    affinity = Affinity()
    for minute in range(0, 180, 50):
        affinity.succeeded("s", deployment(), NOW + minute * 60)

    hold = affinity.held("s", NOW + 150 * 60 + 3599, seconds=3600)

    assert hold is not None
    assert (hold.provider, hold.model, hold.credential) == ("groq", "llama", 0)
    assert affinity.held("s", NOW + 150 * 60 + 3600, seconds=3600) is None


def test_the_sessions_silent_for_longest_are_forgotten_first(deployment):
    affinity = Affinity(limit=3)
    for key in ("a", "b", "c", "a", "d"):
        affinity.succeeded(key, deployment(), NOW)

    assert len(affinity) == 3
    assert [affinity.held(key, NOW, seconds=1) is not None for key in "abcd"] == [True, False, True, True]


def test_a_failure_elsewhere_does_not_end_the_stay(deployment):
    affinity = Affinity()
    affinity.succeeded("s", deployment("groq"), NOW)

    affinity.failed("s", deployment("gemini"), NOW)
    assert affinity.held("s", NOW, seconds=1) is not None
    affinity.failed("s", deployment("groq"), NOW)
    assert affinity.held("s", NOW, seconds=1) is None


def test_a_request_without_a_session_holds_nothing(deployment):
    affinity = Affinity()

    affinity.succeeded(session_key("", "llama"), deployment(), NOW)

    assert len(affinity) == 0


def test_a_session_key_tells_models_apart():
    assert session_key("s", "a") != session_key("s", "b")


def test_a_success_restores_trust(deployment):
    affinity = Affinity()
    affinity.failed("", deployment(), NOW)
    assert affinity.draw.health("groq", NOW) == 0.5

    affinity.succeeded("", deployment(), NOW)

    assert affinity.draw.health("groq", NOW) == 1.0


def test_a_failure_weighs_half_after_its_half_life():
    draw = Draw()
    draw.failed("a", NOW)
    draw.failed("a", NOW)

    assert draw.health("a", NOW) == pytest.approx(1 / 3)
    assert draw.health("a", NOW + FAILURE_HALF_LIFE) == pytest.approx(1 / 2)
    assert draw.health("a", NOW - 60) == pytest.approx(1 / 3)


def test_the_smooth_draw_is_nginxs():
    """The example of nginx's own description: weights 5, 1, 1."""
    draw = Draw()

    order = [draw.order({"a": 5.0, "b": 1.0, "c": 1.0}, NOW, take=True)[0] for _ in range(7)]

    assert "".join(map(str, order)) == "aabacaa"


def test_looking_changes_nothing():
    draw = Draw()
    looks = [draw.order({"a": 1.0, "b": 1.0}, NOW, take=False) for _ in range(3)]

    assert looks == [["a", "b"]] * 3


def test_each_set_of_candidates_has_its_own_turns():
    draw = Draw()
    both, three = {"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}

    assert draw.order(both, NOW, take=True)[0] == "a"
    assert draw.order(three, NOW, take=True)[0] == "a"
    assert draw.order(both, NOW, take=True)[0] == "b"


def test_many_sets_cost_no_more_memory_than_a_few():
    draw = Draw()
    for number in range(5000):
        draw.order({number: 1.0, number + 1: 1.0}, NOW, take=True)

    assert len(draw._turns) <= 512


@pytest.mark.parametrize("names", [(), ("a",)])
def test_without_a_choice_there_is_no_turn(names):
    draw = Draw()

    assert draw.order(dict.fromkeys(names, 1.0), NOW, take=True) == list(names)
    assert not draw._turns
