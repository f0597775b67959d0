"""What a provider counted corrects estimates of other prompts of that model, slowly and within limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proxyctl.core.clock import ManualClock
from proxyctl.core.exchange import ExchangeRecord
from proxyctl.core.usage import Usage
from proxyctl.metering.calibration import LIMITS, MOST_MODELS, PAUSE, SAMPLES_NEEDED, SMALLEST, Calibration
from tests.metering.conftest import MakeAttempt, MakeRecord

Answered = Callable[..., ExchangeRecord]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def calibration(clock: ManualClock) -> Calibration:
    return Calibration(clock)


@pytest.fixture
def answered(make_attempt: MakeAttempt, make_record: MakeRecord) -> Answered:
    """An exchange whose provider reported so many tokens."""

    def answer(tokens: int = 1000, model: str = "m", **fields: Any) -> ExchangeRecord:
        usage = fields.pop("usage", Usage(input=tokens, output=5))
        return make_record(make_attempt("alpha", model=model, usage=usage), **fields)

    return answer


def taught(calibration: Calibration, record: ExchangeRecord, estimated: int, times: int = SAMPLES_NEEDED) -> float:
    for _ in range(times):
        calibration.learn(record, estimated)
    return calibration.scale("alpha", "m")


def test_nothing_is_corrected_before_enough_is_known(calibration: Calibration, answered: Answered) -> None:
    assert taught(calibration, answered(2000), 1000, times=SAMPLES_NEEDED - 1) == 1.0

    calibration.learn(answered(2000), 1000)

    assert calibration.scale("alpha", "m") == pytest.approx(2.0)


def test_each_model_of_each_provider_has_its_own_figure(calibration: Calibration, answered: Answered) -> None:
    taught(calibration, answered(2000), 1000)

    assert calibration.scale("alpha", "other") == calibration.scale("beta", "m") == 1.0


def test_the_first_samples_weigh_alike_and_later_ones_a_fifth(calibration: Calibration, answered: Answered) -> None:
    for tokens in (1000, 2000, 3000):
        calibration.learn(answered(tokens), 1000)
    assert calibration.scale("alpha", "m") == pytest.approx(2.0)

    for _ in range(7):
        calibration.learn(answered(2000), 1000)
    calibration.learn(answered(3000), 1000)

    assert calibration.scale("alpha", "m") == pytest.approx(2.2)


def test_old_samples_are_forgotten(calibration: Calibration, answered: Answered) -> None:
    taught(calibration, answered(3000), 1000)

    assert taught(calibration, answered(1000), 1000, times=30) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("tokens", "limit"), [(1_000_000, LIMITS[1]), (100, LIMITS[0])])
def test_what_no_tokenizer_does_counts_only_so_far(
    calibration: Calibration, answered: Answered, tokens: int, limit: float
) -> None:
    assert taught(calibration, answered(tokens), 10_000) == limit


def test_cached_tokens_were_read_and_the_providers_own_tools_were_not_asked_for(
    calibration: Calibration, answered: Answered
) -> None:
    usage = Usage(input=200, cache_read=700, cache_write_5m=100, tool_input=5000, output=9)

    assert taught(calibration, answered(usage=usage), 500) == pytest.approx(2.0)


def test_an_estimate_of_nothing_teaches_nothing(calibration: Calibration, answered: Answered) -> None:
    assert taught(calibration, answered(), 0) == 1.0


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": Usage(input=1000, source="estimated")},
        {"usage": Usage(input=1000, source="partial")},
        {"usage": Usage(input=SMALLEST - 1)},
        {"usage": Usage(input=1, tool_input=5000)},
        {"usage": None},
        {"outcome": "interrupted"},
        {"outcome": "client_closed"},
        {"operation": "embeddings"},
        {"operation": "text_completion"},
    ],
)
def test_only_whole_conversations_that_were_counted_are_wanted(
    calibration: Calibration, answered: Answered, fields: dict[str, Any]
) -> None:
    assert not calibration.wants(answered(**fields))
    assert calibration.wants(answered())


def test_few_are_wanted_at_first_and_then_one_in_a_while(
    calibration: Calibration, clock: ManualClock, answered: Answered
) -> None:
    assert [calibration.wants(answered()) for _ in range(SAMPLES_NEEDED + 2)] == [
        *[True] * SAMPLES_NEEDED,
        False,
        False,
    ]
    assert calibration.wants(answered(model="other"))

    clock.advance(PAUSE)

    assert [calibration.wants(answered()), calibration.wants(answered())] == [True, False]


def test_the_number_of_models_is_bounded(calibration: Calibration, answered: Answered) -> None:
    """The ones that were sampled last stay."""
    taught(calibration, answered(2000), 1000)
    for number in range(MOST_MODELS - 1):
        calibration.learn(answered(model=f"m{number}"), 1000)
    calibration.learn(answered(2000), 1000)

    calibration.learn(answered(model="one more"), 1000)
    assert calibration.scale("alpha", "m") == pytest.approx(2.0)
    for number in range(MOST_MODELS):
        calibration.learn(answered(model=f"n{number}"), 1000)

    assert calibration.scale("alpha", "m") == 1.0
