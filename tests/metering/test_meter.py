from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from proxyctl.core.clock import ManualClock
from proxyctl.core.usage import Usage
from proxyctl.metering.calibration import Calibration
from proxyctl.metering.meter import Meter
from proxyctl.metering.metrics import Metrics
from proxyctl.metering.prices import PriceBook
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.base import RecordQuery
from proxyctl.metering.store.memory import MemoryStore

NOVEMBER = 1_795_392_000.0
PRICE_IDS = {"alpha": "anthropic", "beta": "groq"}


class Desk:
    """A meter with all that hangs on it."""

    def __init__(self, prices: PriceBook | None = None, calibration: Calibration | None = None) -> None:
        self.metrics = Metrics(ManualClock())
        self.recorder = Recorder(MemoryStore())
        self.prices = prices or PriceBook()
        self.meter = Meter(
            metrics=self.metrics,
            recorder=self.recorder,
            prices=self.prices,
            price_id=PRICE_IDS.get,
            calibration=calibration,
        )

    async def records(self):
        return await self.recorder.page(RecordQuery())


@pytest.fixture
def opus(make_attempt):
    return make_attempt("alpha", model="claude-opus-5-5", started_at=NOVEMBER, usage=Usage(input=100_000, output=1_000))


async def test_an_early_exchange_waits_for_its_price(opus, make_record) -> None:
    desk = Desk()
    desk.meter.observe(make_record(opus))
    assert desk.metrics.of("alpha").requests == 0

    await desk.meter.load()

    assert desk.metrics.of("alpha").cost == Decimal("0.42")
    (record,) = await desk.records()
    assert record.cost == record.attempts[0].cost == Decimal("0.42")


async def test_readers_wait_for_the_early_ones(opus, make_record) -> None:
    desk = Desk()
    desk.meter.observe(make_record(opus))
    reading = asyncio.create_task(desk.meter.settled())
    await asyncio.sleep(0)
    assert not reading.done()

    await desk.meter.load()
    await reading

    assert desk.metrics.of("alpha").unpriced == 0


async def test_later_ones_pass_at_once(opus, make_record) -> None:
    desk = Desk()
    await desk.meter.load()

    desk.meter.observe(make_record(opus))

    assert desk.metrics.of("alpha").cost == Decimal("0.42")


async def test_without_price_data_everything_is_counted_and_unknown(opus, make_record) -> None:
    class Broken(PriceBook):
        def load(self) -> None:
            raise ImportError("no price data")

    desk = Desk(Broken())
    desk.meter.observe(make_record(opus))

    with pytest.raises(ImportError):
        await desk.meter.load()

    alpha = desk.metrics.of("alpha")
    assert (alpha.requests, alpha.unpriced, alpha.cost) == (1, 1, 0)
    await desk.meter.settled()


async def test_a_failed_attempt_is_not_billed_as_the_answer(opus, make_attempt, make_record) -> None:
    desk = Desk()
    await desk.meter.load()
    failed = make_attempt(
        "beta", model="openai/gpt-oss-20b", outcome="error", started_at=NOVEMBER, usage=Usage(input=1_000_000)
    )

    priced = desk.meter.priced(make_record(failed, opus))

    assert [attempt.cost for attempt in priced.attempts] == [Decimal("0.075"), Decimal("0.42")]
    assert priced.cost == Decimal("0.42")


async def test_an_exchange_without_an_answer_has_no_cost(make_attempt, make_record) -> None:
    desk = Desk()
    await desk.meter.load()
    failed = make_attempt(
        "beta", model="openai/gpt-oss-20b", outcome="error", started_at=NOVEMBER, usage=Usage(input=1_000_000)
    )

    priced = desk.meter.priced(make_record(failed))

    assert priced.cost is None
    assert priced.attempts[0].cost == Decimal("0.075")


async def test_a_provider_without_prices_stays_unknown(make_attempt, make_record) -> None:
    desk = Desk()
    await desk.meter.load()

    priced = desk.meter.priced(make_record(make_attempt("gamma", model="claude-opus-5-5")))

    assert priced.cost is None
    assert priced.attempts[0].cost is None


async def test_what_used_nothing_is_left_as_it_is(make_record) -> None:
    record = make_record()

    assert Desk().meter.priced(record) is record


async def test_prompts_are_compared_after_counting_and_few_of_them(opus, make_record) -> None:
    """Reading a request costs something, so the meter asks for it only where it teaches something."""
    asked: list[str] = []
    calibration = Calibration(ManualClock())
    desk = Desk(calibration=calibration)

    def estimating(name: str, tokens: int | None = 50_000):
        def estimate() -> int | None:
            asked.append(name)
            return tokens

        return estimate

    for number in range(10):
        desk.meter.observe(make_record(opus), estimating(str(number)))
    assert asked == []
    await desk.meter.load()

    assert asked == ["0", "1", "2"]
    assert desk.metrics.of("alpha").requests == 10
    assert calibration.scale("alpha", "claude-opus-5-5") == pytest.approx(2.0)


async def test_a_prompt_that_cannot_be_estimated_teaches_nothing(opus, make_record) -> None:
    calibration = Calibration(ManualClock())
    desk = Desk(calibration=calibration)
    await desk.meter.load()

    for _ in range(3):
        desk.meter.observe(make_record(opus), lambda: None)

    assert calibration.scale("alpha", "claude-opus-5-5") == 1.0
    assert desk.metrics.of("alpha").requests == 3
