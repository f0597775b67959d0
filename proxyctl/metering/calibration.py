"""How far estimates are off, learnt for each model from what its provider counted of the same prompts.

Estimates go by letters, while each model has a tokenizer and a chat template of its own. The figure kept here is what
a provider reported, divided by what `estimate_conversation` says of the text of that very prompt: it may only be
applied to that estimator. It is made from a few samples, forgets old ones, lives in memory, and never makes a count of
an estimate: whoever is told one is still told that it is one.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from proxyctl.core.clock import Clock
from proxyctl.core.exchange import ExchangeRecord

SAMPLES_NEEDED = 3
"""Prompts compared before their figure is used: one may be odd."""
WEIGHT = 0.2
"""Of the newest sample: what was learnt ten prompts ago has a tenth of its weight left."""
SMALLEST = 100
"""Reported tokens below which a prompt says more about its template than about its text."""
PAUSE = 10.0
"""Seconds between two samples of one model, once there are enough: comparing costs a reading of the request."""
LIMITS = (0.25, 4.0)
"""What lies outside is no tokenizer's doing: a prompt that the provider knew more of, or less."""
MOST_MODELS = 500


@dataclass(slots=True)
class _Learnt:
    scale: float = 1.0
    samples: int = 0
    asked: int = 0
    next_at: float = -math.inf


class Calibration:
    """Figures by provider and upstream model; the least recently sampled one goes when there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._models: OrderedDict[tuple[str, str], _Learnt] = OrderedDict()

    def wants(self, record: ExchangeRecord) -> bool:
        """Whether this exchange's prompt is to be compared; asked once for each, since it counts what it wanted.

        Only whole conversations whose provider counted the input: never what was estimated, or is partial.
        """
        usage = record.usage
        if usage is None or usage.source != "reported" or record.outcome != "ok" or record.operation != "chat":
            return False
        if usage.input_total - usage.tool_input < SMALLEST:
            return False
        learnt = self._models.get((record.provider, record.upstream_model))
        now = self._clock.monotonic()
        if learnt is None:
            learnt = self._remembered(record.provider, record.upstream_model)
        elif learnt.asked >= SAMPLES_NEEDED and now < learnt.next_at:
            return False
        learnt.asked += 1
        learnt.next_at = now + PAUSE
        return True

    def learn(self, record: ExchangeRecord, estimated: int) -> None:
        """Compare what `estimate_conversation` says of a prompt with the tokens that its provider reported.

        Cached tokens were read too; what the provider's own tools read was not part of the prompt.
        """
        if record.usage is None or estimated <= 0:
            return
        learnt = self._models.get((record.provider, record.upstream_model))
        if learnt is None:
            learnt = self._remembered(record.provider, record.upstream_model)
        lowest, highest = LIMITS
        ratio = (record.usage.input_total - record.usage.tool_input) / estimated
        ratio = min(highest, max(lowest, ratio))
        learnt.samples += 1
        learnt.scale += (ratio - learnt.scale) * max(WEIGHT, 1 / learnt.samples)
        self._models.move_to_end((record.provider, record.upstream_model))

    def scale(self, provider: str, model: str) -> float:
        """What to multiply an estimate of text by, 1 while too little is known."""
        learnt = self._models.get((provider, model))
        return learnt.scale if learnt is not None and learnt.samples >= SAMPLES_NEEDED else 1.0

    def _remembered(self, provider: str, model: str) -> _Learnt:
        while len(self._models) >= MOST_MODELS:
            self._models.popitem(last=False)
        learnt = self._models[provider, model] = _Learnt()
        return learnt
