"""When a breaker opens, for how long, and who may try. The life of one in any order: `test_breaker_life`."""

import pytest

from proxyctl.core.errors import ConnectError, Problem, StatusError
from proxyctl.routing.breaker import ENOUGH, OPEN_LAST, ROW, TRIAL_SECONDS, Breaker, Trial, Wait
from proxyctl.routing.verdict import judge

KEY = ("groq", "llama", 0)
NOW = 1_700_000_000.0


def fail(breaker: Breaker, times: int = ROW, at: float = NOW, trial: Trial | None = None) -> None:
    for _ in range(times):
        breaker.failed(KEY, "500", at, trial)


def trial_at(breaker: Breaker, now: float) -> Trial:
    trial = breaker.enter(KEY, now)
    assert isinstance(trial, Trial)
    return trial


def opened() -> Breaker:
    breaker = Breaker()
    fail(breaker)
    return breaker


def test_five_failures_in_a_row_open():
    breaker = Breaker()

    fail(breaker, ROW - 1)
    assert breaker.find(KEY, NOW) is None
    assert not breaker.opened
    fail(breaker, 1)

    assert breaker.find(KEY, NOW) == Wait(NOW, NOW + 5, "5 failures in a row, the last one: 500")
    assert breaker.find(("groq", "llama", 1), NOW) is None
    assert breaker.find(("groq", "other", 0), NOW) is None


def test_an_answer_ends_the_row():
    breaker = Breaker()

    fail(breaker, ROW - 1)
    breaker.succeeded(KEY, NOW)
    fail(breaker, ROW - 1)

    assert not breaker.opened


def test_a_row_does_not_stretch_over_a_silence():
    breaker = Breaker()

    fail(breaker, ROW - 1)
    fail(breaker, 1, NOW + 301)

    assert not breaker.opened


def test_half_failing_opens_when_there_are_enough():
    breaker = Breaker()

    for turn in range(ENOUGH - 1):
        fail(breaker, 1, NOW + turn) if turn % 2 else breaker.succeeded(KEY, NOW + turn)
    assert not breaker.opened
    fail(breaker, 1, NOW + ENOUGH)

    wait = breaker.find(KEY, NOW + ENOUGH)
    assert wait is not None
    assert wait.reason == "5 of 10 requests within a minute failed, the last one: 500"


def test_answers_before_the_first_failure_are_counted():
    breaker = Breaker()
    for _ in range(100):
        breaker.succeeded(KEY, NOW)

    for turn in range(10):
        fail(breaker, 1, NOW + turn)
        breaker.succeeded(KEY, NOW + turn)

    assert not breaker.opened


def test_failures_older_than_a_minute_are_not_counted():
    breaker = Breaker()

    for turn in range(ENOUGH):
        fail(breaker, 1, NOW + turn * 14)
        breaker.succeeded(KEY, NOW + turn * 14)

    assert not breaker.opened


def test_openings_double_up_to_a_minute():
    breaker, now, lengths = opened(), NOW, []

    for _ in range(6):
        wait = breaker.find(KEY, now)
        assert wait is not None
        lengths.append(wait.until - now)
        now = wait.until
        fail(breaker, 1, now, trial_at(breaker, now))

    assert lengths == [5, 10, 20, 40, OPEN_LAST, OPEN_LAST]


def test_one_trial_at_a_time():
    breaker = opened()

    trial = trial_at(breaker, NOW + 5)
    refused = breaker.enter(KEY, NOW + 6)

    assert isinstance(refused, Wait)
    assert refused.until == NOW + 5 + TRIAL_SECONDS
    breaker.leave(trial)
    assert isinstance(breaker.enter(KEY, NOW + 6), Trial)


def test_a_trial_that_hangs_does_not_hold_up_the_next():
    breaker = opened()

    slow = trial_at(breaker, NOW + 5)
    second = trial_at(breaker, NOW + 5 + TRIAL_SECONDS)
    breaker.leave(slow)

    assert isinstance(breaker.enter(KEY, NOW + 5 + TRIAL_SECONDS), Wait)
    fail(breaker, 1, NOW + 16, second)
    fail(breaker, 1, NOW + 17, slow)
    wait = breaker.find(KEY, NOW + 17)
    assert wait is not None
    assert wait.until == NOW + 26


def test_a_complete_answer_forgets_everything():
    breaker = opened()

    breaker.succeeded(KEY, NOW + 5, trial_at(breaker, NOW + 5))
    assert not breaker.opened
    fail(breaker, ROW - 1, NOW + 6)
    assert not breaker.opened
    fail(breaker, 1, NOW + 6)

    wait = breaker.find(KEY, NOW + 6)
    assert wait is not None
    assert wait.until == NOW + 11


def test_an_answer_that_begins_lets_all_in_and_one_that_is_cut_opens_again():
    breaker = opened()
    trial = trial_at(breaker, NOW + 5)

    breaker.answering(trial, NOW + 6)
    assert breaker.enter(KEY, NOW + 6) is None
    breaker.leave(trial)
    fail(breaker, 1, NOW + 7, trial)

    wait = breaker.find(KEY, NOW + 7)
    assert wait is not None
    assert wait.until == NOW + 17


def test_what_began_before_the_opening_decides_nothing():
    breaker = opened()

    breaker.succeeded(KEY, NOW + 1)
    fail(breaker, 3, NOW + 4)

    wait = breaker.find(KEY, NOW + 4)
    assert wait is not None
    assert wait.until == NOW + 5
    fail(breaker, 3, NOW + 6)
    assert isinstance(breaker.enter(KEY, NOW + 6), Trial)


@pytest.mark.parametrize("jump", [-86_400.0, -5.0, 5.0, 86_400.0])
def test_a_clock_that_jumps_ends_the_wait(jump):
    breaker = opened()

    assert breaker.find(KEY, NOW + jump) is None
    assert not isinstance(breaker.enter(KEY, NOW + jump), Wait)


def test_a_clock_that_jumps_ends_the_trial():
    breaker = opened()
    trial_at(breaker, NOW + 5)

    assert isinstance(breaker.enter(KEY, NOW + 2), Wait)  # the opening itself runs again, until its own end
    assert breaker.enter(KEY, NOW - 3600) is None


def test_an_opening_that_nobody_asks_about_is_dropped():
    breaker = opened()

    assert breaker.find(("groq", "other", 0), NOW + 400) is None

    assert not breaker.opened


def test_invented_names_do_not_grow_it():
    breaker = Breaker()

    for number in range(5000):
        for _ in range(ROW):
            breaker.failed(("groq", f"invented-{number}", 0), "500", NOW + number / 1000)
        breaker.succeeded(("groq", f"fine-{number}", 0), NOW + number / 1000)

    assert len(breaker.opened) <= 2048
    assert len(breaker._tallies) <= 2048
    assert breaker.find(("groq", "invented-4999", 0), NOW + 5) is not None


@pytest.mark.parametrize(
    ("error", "trips"),
    [
        (ConnectError(Problem(kind="upstream", status=502, code="", message="")), True),
        (StatusError(Problem(kind="server_error", status=500, code="", message="")), True),
        (StatusError(Problem(kind="overloaded", status=503, code="", message="")), True),
        (StatusError(Problem(kind="timeout", status=504, code="first_token_timeout", message="")), True),
        (StatusError(Problem(kind="rate_limit", status=429, code="", message="")), False),
        (StatusError(Problem(kind="bad_request", status=400, code="", message="")), False),
        (StatusError(Problem(kind="not_found", status=404, code="", message="")), False),
        (StatusError(Problem(kind="unauthenticated", status=401, code="", message="")), False),
        (StatusError(Problem(kind="context_length", status=400, code="", message="")), False),
    ],
)
def test_what_counts(error, trips):
    assert judge(error, tries_on_this=1).trips is trips
    assert judge(error, tries_on_this=2).trips is trips
    assert judge(error, tries_on_this=1, committed=True).trips is trips
