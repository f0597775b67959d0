"""The wire types of the management API: what `/providers/*` and `/daemon/*` answer.

One schema for both ends: the gateway encodes these, the command decodes them. Money is a decimal string in USD and
`None` when unknown; times are Unix seconds; durations are milliseconds; counts of tokens are disjoint classes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct, field

from proxyctl.core.exchange import AttemptRecord, ExchangeRecord, Outcome
from proxyctl.core.losses import Loss
from proxyctl.core.usage import Usage

Mode = Literal["off", "exclusive", "pooled", "fallback"]

__all__ = ["AttemptRecord", "ExchangeRecord", "Loss", "Outcome", "Usage"]


class DaemonStatus(Struct, frozen=True, kw_only=True):
    """`GET /daemon/status`."""

    pid: int
    instance: str
    version: str
    address: str
    started_at: float
    uptime_seconds: float
    config_path: str
    log_path: str
    active_exchanges: int
    draining: bool = False


class Liveness(Struct, frozen=True, kw_only=True):
    """`GET /healthz`: the daemon answers. `instance` tells one start of it from the next."""

    instance: str
    version: str
    ok: bool = True


class StopResult(Struct, frozen=True, kw_only=True):
    """`POST /daemon/stop`: the daemon drains, then ends. `active_exchanges` are those it still waits for."""

    instance: str
    active_exchanges: int


class ReloadResult(Struct, frozen=True, kw_only=True):
    """`POST /daemon/reload` and `POST /providers/<name>/reset`: what changed, in words; empty when nothing did."""

    changed: tuple[str, ...] = ()


class CredentialStatus(Struct, frozen=True, kw_only=True):
    """One key, by its label; the key itself is never told. `problem` is empty while it works."""

    label: str
    source: str
    problem: str = ""


class ProviderStatus(Struct, frozen=True, kw_only=True):
    """One row of `GET /providers/status`.

    `active` is false without a usable credential; `note` says why a provider takes no part, or by whom it is shadowed.
    `state` is what routing sees: `ready`, `inactive`, `off`, `shadowed`, `cooling`, `failing`.
    """

    name: str
    kind: str
    label: str
    mode: Mode
    primary: bool
    active: bool
    state: str
    base_url: str
    dialects: tuple[str, ...]
    weight: float
    priority: int
    models: int
    models_updated_at: float | None = None
    note: str = ""
    credentials: tuple[CredentialStatus, ...] = ()
    requests: int = 0
    errors: int = 0
    last_error: str = ""
    last_used_at: float | None = None


class StatusReport(Struct, frozen=True, kw_only=True):
    primary: str
    providers: tuple[ProviderStatus, ...]


class Quantiles(Struct, frozen=True, kw_only=True):
    """Since the last reset, in milliseconds, each within 1 % of the true value; `None` while there are none."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


class TokenTotals(Struct, frozen=True, kw_only=True):
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    tool_input: int = 0
    output: int = 0
    reasoning: int = 0


class ProviderMetrics(Struct, frozen=True, kw_only=True):
    """What one provider did since the last reset.

    `requests` counts exchanges whose answer it gave or that ended on it, and is the sum of the four outcomes below it;
    `errors` are their classes. `attempts` counts every try, also those that moved on; `attempt_failures` are the tries
    without a whole answer, `attempt_errors` their classes. Tokens and `cost` add up all tries that reported usage, for
    that is what the provider bills; `unpriced` counts those whose price is unknown, `estimated` and `partial` those
    whose usage is not the provider's final word. `latency_ms` and `first_token_ms` are of its own tries that gave a
    whole answer; in the total they are the whole exchanges, as the callers felt them.
    """

    name: str
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
    tokens: TokenTotals = TokenTotals()
    estimated: int = 0
    partial: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    latency_ms: Quantiles = Quantiles()
    first_token_ms: Quantiles = Quantiles()
    gateway_ms: Quantiles = Quantiles()


class MetricsReport(Struct, frozen=True, kw_only=True):
    """`GET /providers/metrics`: `total` adds up the providers and the exchanges that no provider was asked for."""

    since: float
    total: ProviderMetrics
    providers: tuple[ProviderMetrics, ...]


class LogPage(Struct, frozen=True, kw_only=True):
    """`GET /providers/logs`: newest first. `dropped` counts records that were lost, which should be 0."""

    records: tuple[ExchangeRecord, ...]
    dropped: int = 0


class CostLine(Struct, frozen=True, kw_only=True):
    """One provider's model, by the name that was served. `requests` counts its answers that have usage.

    `cost` adds the priced ones, `None` when there is none; `unpriced` counts the answers that it leaves out.
    """

    provider: str
    model: str
    requests: int
    tokens: TokenTotals
    cost: Decimal | None = None
    unpriced: int = 0
    estimated: int = 0


class CostReport(Struct, frozen=True, kw_only=True):
    """`GET /providers/costs`. `total` adds what is known; `unpriced` counts the answers that it leaves out."""

    since: float
    currency: str
    total: Decimal
    unpriced: int
    lines: tuple[CostLine, ...]


class ProviderHealth(Struct, frozen=True, kw_only=True):
    """`ok`, `failing`, `unknown` (not asked yet), `inactive` or `off`; the check is the free list endpoint."""

    name: str
    health: Literal["ok", "failing", "unknown", "inactive", "off"]
    detail: str = ""
    checked_at: float | None = None
    latency_ms: float | None = None


class HealthReport(Struct, frozen=True, kw_only=True):
    """`GET /providers/health`; `ok` when the primary, or anybody who can serve, is not failing."""

    ok: bool
    providers: tuple[ProviderHealth, ...]


class ModelEntry(Struct, frozen=True, kw_only=True):
    """`GET /providers/models`: one model of one provider."""

    provider: str
    id: str
    context: int | None = None
    max_output: int | None = None
    input_price: Decimal | None = None
    output_price: Decimal | None = None


class ModelsReport(Struct, frozen=True, kw_only=True):
    models: tuple[ModelEntry, ...]


class PlanStep(Struct, frozen=True, kw_only=True):
    """A deployment that would be tried, and why it is there."""

    provider: str
    model: str
    reason: str
    lane: str
    credential: str = ""
    substitute: bool = False


class PlanSkip(Struct, frozen=True, kw_only=True):
    """A provider that is left out, and why."""

    provider: str
    reason: str


class PlanSuggestion(Struct, frozen=True, kw_only=True):
    """A name that may have been meant, and how it is known: an alias, a models map, a provider's list, a price."""

    name: str
    source: Literal["alias", "map", "list", "prices"]


class PlanReport(Struct, frozen=True, kw_only=True):
    """`GET /providers/plan?model=…`: what `proxyctl explain` shows, made by the planner of the live path.

    `strict_alias` names the alias that refuses what would lose something of the request, `""` when none does. `error`
    and `hint` are what a caller is told; `advice` is the hint without what `skipped` says, one piece each.
    """

    model: str
    rule: str
    steps: tuple[PlanStep, ...] = ()
    skipped: tuple[PlanSkip, ...] = ()
    error: str = ""
    hint: str = ""
    advice: tuple[str, ...] = ()
    suggestions: tuple[PlanSuggestion, ...] = ()
    strict_alias: str = ""


class ResetResult(Struct, frozen=True, kw_only=True):
    """`POST /providers/metrics/reset`."""

    reset_at: float


class AdminError(Struct, frozen=True, kw_only=True):
    """Every error of the management API."""

    code: str
    message: str
    hint: str = ""
