"""What the providers did since the start or the last reset: counters and quantiles, in memory.

An observation is a few additions, made where an exchange ends; reports are built when somebody asks. Every counter is
fed by records alone, so that metrics, logs and costs cannot tell different stories. Not safe from other threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from proxyctl.admin.schema import MetricsReport, ProviderMetrics, Quantiles, TokenTotals
from proxyctl.core.clock import Clock
from proxyctl.core.exchange import AttemptRecord, ExchangeRecord
from proxyctl.core.usage import Usage
from proxyctl.metering.sketch import Sketch

TOTAL = "total"
OTHER_MODELS = "(other)"
_MODELS_COUNTED = 1000


@dataclass(slots=True)
class Tokens:
    """Running sums of the classes of tokens."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    tool_input: int = 0
    output: int = 0
    reasoning: int = 0

    def add(self, usage: Usage) -> None:
        self.input += usage.input
        self.cache_read += usage.cache_read
        self.cache_write += usage.cache_write_total
        self.tool_input += usage.tool_input
        self.output += usage.output
        self.reasoning += usage.reasoning

    def totals(self) -> TokenTotals:
        return TokenTotals(
            input=self.input,
            cache_read=self.cache_read,
            cache_write=self.cache_write,
            tool_input=self.tool_input,
            output=self.output,
            reasoning=self.reasoning,
        )


@dataclass(slots=True)
class Spending:
    """Tokens and money of the attempts that have usage: of a provider, of one of its models, or of all."""

    answers: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    estimated: int = 0
    partial: int = 0

    def add(self, usage: Usage, cost: Decimal | None) -> None:
        self.answers += 1
        self.tokens.add(usage)
        if cost is None:
            self.unpriced += 1
        else:
            self.cost += cost
        if usage.source == "estimated":
            self.estimated += 1
        elif usage.source == "partial":
            self.partial += 1


@dataclass(slots=True)
class _Counters:
    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    interrupted: int = 0
    client_closed: int = 0
    attempts: int = 0
    attempt_failures: int = 0
    active: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    attempt_errors: dict[str, int] = field(default_factory=dict)
    spending: Spending = field(default_factory=Spending)
    latency: Sketch = field(default_factory=Sketch)
    first_token: Sketch = field(default_factory=Sketch)
    gateway: Sketch = field(default_factory=Sketch)
    last_error: str = ""
    last_used_at: float | None = None

    def exchange(self, record: ExchangeRecord) -> None:
        self.requests += 1
        if record.outcome == "ok":
            self.succeeded += 1
        elif record.outcome == "client_closed":
            self.client_closed += 1
        else:
            if record.outcome == "interrupted":
                self.interrupted += 1
            else:
                self.failed += 1
            _count(self.errors, record.error_kind)
        if record.gateway_ms is not None:
            self.gateway.add(record.gateway_ms)

    def attempt(self, attempt: AttemptRecord) -> None:
        self.attempts += 1
        if attempt.outcome not in ("ok", "client_closed"):
            self.attempt_failures += 1
            _count(self.attempt_errors, attempt.error_kind)
        if attempt.usage is not None:
            self.spending.add(attempt.usage, attempt.cost)

    def timing(self, duration_ms: float, first_token_ms: float | None) -> None:
        self.latency.add(duration_ms)
        if first_token_ms is not None:
            self.first_token.add(first_token_ms)

    def report(self, name: str) -> ProviderMetrics:
        return ProviderMetrics(
            name=name,
            requests=self.requests,
            succeeded=self.succeeded,
            failed=self.failed,
            interrupted=self.interrupted,
            client_closed=self.client_closed,
            attempts=self.attempts,
            attempt_failures=self.attempt_failures,
            active=self.active,
            errors=dict(self.errors),
            attempt_errors=dict(self.attempt_errors),
            tokens=self.spending.tokens.totals(),
            estimated=self.spending.estimated,
            partial=self.spending.partial,
            cost=self.spending.cost,
            unpriced=self.spending.unpriced,
            latency_ms=_quantiles(self.latency),
            first_token_ms=_quantiles(self.first_token),
            gateway_ms=_quantiles(self.gateway),
        )


class Metrics:
    """Counters by provider. `version` grows with every change, for those who watch."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.version = 0
        self.since = clock.now()
        self._total = _Counters()
        self._providers: dict[str, _Counters] = {}
        self.spending: dict[tuple[str, str], Spending] = {}
        """By provider and served model; past a thousand models of one provider the rest count as `(other)`."""
        self._models: dict[str, int] = {}

    def begin(self, provider: str) -> None:
        """An attempt on a provider starts."""
        self._of(provider).active += 1
        self._total.active += 1
        self.version += 1

    def end(self, provider: str) -> None:
        """It is over, however it went."""
        self._of(provider).active -= 1
        self._total.active -= 1
        self.version += 1

    def observe(self, record: ExchangeRecord) -> None:
        """Count a finished exchange and its attempts."""
        self.version += 1
        total = self._total
        total.exchange(record)
        if record.outcome == "ok":
            total.timing(record.duration_ms, record.first_token_ms)
        if record.provider:
            self._of(record.provider).exchange(record)
        for attempt in record.attempts:
            total.attempt(attempt)
            self._observe_attempt(attempt)

    def _observe_attempt(self, attempt: AttemptRecord) -> None:
        own = self._of(attempt.provider)
        own.attempt(attempt)
        own.last_used_at = attempt.started_at
        if attempt.outcome == "ok":
            own.timing(attempt.duration_ms, attempt.first_token_ms)
        elif attempt.error:
            own.last_error = attempt.error
        if attempt.usage is not None:
            model = attempt.served_model or attempt.model
            self._spending_of(attempt.provider, model).add(attempt.usage, attempt.cost)

    def snapshot(self, names: Iterable[str] = ()) -> MetricsReport:
        """Report everybody who was counted, and first `names`, also those who did nothing."""
        ordered = dict.fromkeys([*names, *self._providers])
        return MetricsReport(
            since=self.since,
            total=self._total.report(TOTAL),
            providers=tuple(self.of(name) for name in ordered),
        )

    def of(self, name: str) -> ProviderMetrics:
        """One provider's figures, zero when it did nothing."""
        return self._providers.get(name, _IDLE).report(name)

    def names(self) -> tuple[str, ...]:
        """The providers that did something since the last reset."""
        return tuple(self._providers)

    def last(self, name: str) -> tuple[str, float | None]:
        """The text of a provider's last error, empty if none, and when it was last tried (Unix seconds)."""
        counters = self._providers.get(name, _IDLE)
        return counters.last_error, counters.last_used_at

    def reset(self) -> float:
        """Forget all counts but what is running now; return the new beginning."""
        self.version += 1
        self.since = self._clock.now()
        self._total = _Counters(active=self._total.active)
        self._providers = {
            name: _Counters(active=counters.active) for name, counters in self._providers.items() if counters.active
        }
        self.spending = {}
        self._models = {}
        return self.since

    def _of(self, provider: str) -> _Counters:
        counters = self._providers.get(provider)
        if counters is None:
            counters = self._providers[provider] = _Counters()
        return counters

    def _spending_of(self, provider: str, model: str) -> Spending:
        found = self.spending.get((provider, model))
        if found is None:
            known = self._models[provider] = self._models.get(provider, 0) + 1
            key = (provider, model if known <= _MODELS_COUNTED else OTHER_MODELS)
            found = self.spending.setdefault(key, Spending())
        return found


_IDLE = _Counters()


def _count(errors: dict[str, int], kind: str) -> None:
    kind = kind or "unknown"
    errors[kind] = errors.get(kind, 0) + 1


def _quantiles(sketch: Sketch) -> Quantiles:
    p50, p90, p99 = sketch.quantiles(0.5, 0.9, 0.99)
    return Quantiles(p50=p50, p90=p90, p99=p99)
