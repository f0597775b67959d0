"""The one door through which finished exchanges enter: prices them, counts them, hands them to the recorder.

The price data takes half a second to load after the start. Exchanges that end earlier are held back and priced when it
is there: late, but never wrong. Later ones wait for `pause` seconds, so that a busy gateway counts them in batches,
away from the request path. Readers await `settled`, so nobody sees either gap. What their prompts say of our
estimates is learnt there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import msgspec

from proxyctl.core.exchange import AttemptRecord, ExchangeRecord
from proxyctl.metering.calibration import Calibration
from proxyctl.metering.metrics import Metrics
from proxyctl.metering.prices import PriceBook
from proxyctl.metering.recorder import Recorder

_HELD = 10_000
Estimating = Callable[[], int | None]
"""Estimates an exchange's prompt, `None` for one that an estimate cannot be held against."""


class Meter:
    """`price_id` gives the price data's name of a configured provider, `None` when it has none.

    `pause` in seconds; 0 counts at once. Any other needs a running event loop. `calibration` learns from what passes.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        recorder: Recorder,
        prices: PriceBook,
        price_id: Callable[[str], str | None],
        pause: float = 0.0,
        calibration: Calibration | None = None,
    ) -> None:
        self._metrics = metrics
        self._recorder = recorder
        self._prices = prices
        self._price_id = price_id
        self._pause = pause
        self._calibration = calibration
        self._samples: list[tuple[ExchangeRecord, Estimating]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._held: list[ExchangeRecord] = []
        self._settled = asyncio.Event()

    async def load(self) -> None:
        """Load the price data in a thread, then let through what waited for it.

        Without price data (a broken installation) everything goes through unpriced, and the error is raised.
        """
        try:
            await asyncio.to_thread(self._prices.load)
        finally:
            self.settle()

    def settle(self) -> None:
        """Count what is held back, and hold nothing back for want of prices any longer."""
        self._settled.set()
        self._count()

    async def settled(self) -> None:
        """Wait until what has ended is counted: at once, but for the first moments after the start."""
        await self._settled.wait()
        self._count()

    def observe(self, record: ExchangeRecord, estimating: Estimating | None = None) -> None:
        """Take a finished exchange; never waits, never fails. `estimating` is kept and called for few of them."""
        self._held.append(record)
        if estimating is not None and self._calibration is not None and self._calibration.wants(record):
            self._samples.append((record, estimating))
        if len(self._held) >= _HELD or (not self._pause and self._settled.is_set()):
            self._count()
        elif self._timer is None and self._settled.is_set():
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._count)

    def _count(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        for record in held:
            self._admit(record)
        if self._samples:
            self._compare()

    def _compare(self) -> None:
        samples, self._samples = self._samples, []
        for record, estimating in samples:
            estimated = estimating()
            if estimated is not None and self._calibration is not None:
                self._calibration.learn(record, estimated)

    def _admit(self, record: ExchangeRecord) -> None:
        priced = self.priced(record)
        self._metrics.observe(priced)
        self._recorder.offer(priced)

    def priced(self, record: ExchangeRecord) -> ExchangeRecord:
        """Return the record with the cost of each attempt that has usage, and the answer's own.

        Attempts that failed cost what their provider counted, but only an answer's cost is the exchange's.
        """
        if all(attempt.usage is None for attempt in record.attempts):
            return record
        attempts = tuple(
            attempt if attempt.usage is None else msgspec.structs.replace(attempt, cost=self._cost(attempt))
            for attempt in record.attempts
        )
        cost = attempts[-1].cost if record.usage is not None else None
        return msgspec.structs.replace(record, attempts=attempts, cost=cost)

    def _cost(self, attempt: AttemptRecord) -> Decimal | None:
        if attempt.usage is None:
            return None
        return self._prices.cost(
            self._price_id(attempt.provider),
            attempt.model,
            attempt.usage,
            attempt.started_at,
            served=attempt.served_model,
        )
