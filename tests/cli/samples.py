"""Values of the management API as a busy daemon would answer them. The time is always `NOW`."""

from __future__ import annotations

from decimal import Decimal

from proxyctl.admin import schema
from proxyctl.core.exchange import AttemptRecord, ExchangeRecord
from proxyctl.core.losses import Loss
from proxyctl.core.usage import Usage

NOW = 1_795_500_000.0
"""2026-11-24 06:00:00 UTC."""

DAEMON = schema.DaemonStatus(
    pid=4242,
    instance="5e3c0d9a1b2f4c68",
    version="0.1.0",
    address="http://127.0.0.1:8094",
    started_at=NOW - 7_500,
    uptime_seconds=7_500.0,
    config_path="/home/ada/.config/proxyctl/config.toml",
    log_path="/home/ada/.local/state/proxyctl/log/daemon.log",
    active_exchanges=1,
)

GEMINI = schema.ProviderStatus(
    name="gemini",
    kind="gemini",
    label="Google Gemini",
    mode="pooled",
    primary=True,
    active=True,
    state="ready",
    base_url="https://generativelanguage.googleapis.com",
    dialects=("gemini-generate",),
    weight=1.0,
    priority=100,
    models=42,
    models_updated_at=NOW - 600,
    credentials=(schema.CredentialStatus(label="$GEMINI_API_KEY", source="environment"),),
    requests=12_345,
    errors=12,
    last_error="The model is overloaded.",
    last_used_at=NOW - 3,
)
GROQ = schema.ProviderStatus(
    name="groq",
    kind="groq",
    label="Groq",
    mode="fallback",
    primary=False,
    active=True,
    state="cooling",
    base_url="https://api.groq.com/openai/v1",
    dialects=("openai-chat", "openai-responses"),
    weight=0.5,
    priority=10,
    models=0,
    note="rate limited for 12 s more; `proxyctl providers reset groq` tries it at once",
    credentials=(
        schema.CredentialStatus(label="$GROQ_API_KEY", source="environment", problem="refused: HTTP 401"),
        schema.CredentialStatus(label="secrets file", source="secrets file"),
    ),
    requests=3,
    errors=1,
    last_used_at=NOW - 90_061,
)
COHERE = schema.ProviderStatus(
    name="cohere",
    kind="cohere",
    label="Cohere",
    mode="fallback",
    primary=False,
    active=False,
    state="inactive",
    base_url="https://api.cohere.com",
    dialects=("cohere-chat",),
    weight=1.0,
    priority=100,
    models=0,
    note="no key: set CO_API_KEY, or store one with `proxyctl providers key cohere`",
)
MINE = schema.ProviderStatus(
    name="my-server",
    kind="openai-compatible",
    label="OpenAI-compatible",
    mode="off",
    primary=False,
    active=True,
    state="off",
    base_url="http://127.0.0.1:11434/v1",
    dialects=("openai-chat",),
    weight=1.0,
    priority=100,
    models=0,
)
STATUS = schema.StatusReport(primary="gemini", providers=(GEMINI, GROQ, COHERE, MINE))

_BUSY = schema.ProviderMetrics(
    name="gemini",
    requests=12_345,
    succeeded=12_300,
    failed=33,
    interrupted=2,
    client_closed=10,
    attempts=12_360,
    attempt_failures=50,
    attempt_errors={"overloaded": 3, "rate_limit": 1},
    active=1,
    errors={"overloaded": 30, "timeout": 3, "rate_limit": 3},
    tokens=schema.TokenTotals(
        input=5_400_000, cache_read=1_250_000, cache_write=2_000, tool_input=17, output=830_000, reasoning=210_000
    ),
    estimated=2,
    cost=Decimal("12.3456"),
    latency_ms=schema.Quantiles(p50=812.4, p90=2_950.0, p99=61_234.0),
    first_token_ms=schema.Quantiles(p50=341.0, p90=900.0, p99=1_500.0),
    gateway_ms=schema.Quantiles(p50=0.42, p90=0.9, p99=2.5),
)
_SOME_UNPRICED = schema.ProviderMetrics(
    name="groq",
    requests=3,
    succeeded=2,
    failed=1,
    attempts=4,
    attempt_failures=2,
    errors={"rate_limit": 1},
    tokens=schema.TokenTotals(input=1_234, output=56),
    cost=Decimal("0.00012"),
    unpriced=1,
    latency_ms=schema.Quantiles(p50=95.0, p90=120.0, p99=120.0),
    first_token_ms=schema.Quantiles(p50=9.25, p90=30.0, p99=30.0),
)
_UNPRICED = schema.ProviderMetrics(
    name="my-server",
    requests=1,
    succeeded=1,
    attempts=1,
    tokens=schema.TokenTotals(input=999, output=1_000),
    unpriced=1,
    latency_ms=schema.Quantiles(p50=1_000.0, p90=1_000.0, p99=1_000.0),
)
METRICS = schema.MetricsReport(
    since=NOW - 86_400,
    total=schema.ProviderMetrics(
        name="total",
        requests=12_349,
        succeeded=12_303,
        failed=34,
        interrupted=2,
        client_closed=10,
        attempts=12_365,
        attempt_failures=52,
        active=1,
        tokens=schema.TokenTotals(input=5_402_233, cache_read=1_250_000, output=831_056, reasoning=210_000),
        estimated=2,
        cost=Decimal("12.34572"),
        unpriced=2,
        latency_ms=schema.Quantiles(p50=812.0, p90=2_950.0, p99=61_234.0),
        first_token_ms=schema.Quantiles(p50=341.0, p90=900.0, p99=1_500.0),
    ),
    providers=(_BUSY, _SOME_UNPRICED, schema.ProviderMetrics(name="cohere"), _UNPRICED),
)
NO_METRICS = schema.MetricsReport(since=NOW - 1, total=schema.ProviderMetrics(name="total"), providers=())

COSTS = schema.CostReport(
    since=NOW - 86_400,
    currency="USD",
    total=Decimal("12.34572"),
    unpriced=2,
    lines=(
        schema.CostLine(
            provider="gemini",
            model="gemini-3.8-flash",
            requests=12_345,
            tokens=_BUSY.tokens,
            cost=Decimal("12.3456"),
            estimated=2,
        ),
        schema.CostLine(
            provider="groq",
            model="llama-3.3-70b-versatile",
            requests=3,
            tokens=_SOME_UNPRICED.tokens,
            cost=Decimal("0.00012"),
            unpriced=1,
        ),
        schema.CostLine(
            provider="my-server", model="qwen3:8b", requests=1, tokens=_UNPRICED.tokens, cost=None, unpriced=1
        ),
    ),
)

HEALTH = schema.HealthReport(
    ok=True,
    providers=(
        schema.ProviderHealth(name="gemini", health="ok", detail="42 models", checked_at=NOW - 61, latency_ms=123.4),
        schema.ProviderHealth(name="groq", health="failing", detail="HTTP 401: Invalid API Key", checked_at=NOW - 5),
        schema.ProviderHealth(name="cohere", health="inactive", detail="no key: set CO_API_KEY"),
        schema.ProviderHealth(name="my-server", health="off"),
    ),
)

MODELS = schema.ModelsReport(
    models=(
        schema.ModelEntry(
            provider="gemini",
            id="gemini-3.8-flash",
            context=1_048_576,
            max_output=65_536,
            input_price=Decimal("0.30"),
            output_price=Decimal("2.50"),
        ),
        schema.ModelEntry(
            provider="gemini",
            id="gemini-3.5-flash-lite",
            context=1_048_576,
            input_price=Decimal("0.075"),
            output_price=Decimal("0.3"),
        ),
        schema.ModelEntry(provider="groq", id="openai/gpt-oss-20b", context=131_072),
    )
)

PLAN = schema.PlanReport(
    model="claude-sonnet-5-5",
    rule="fallback",
    steps=(
        schema.PlanStep(
            provider="anthropic",
            model="claude-sonnet-5-5",
            reason="fallback, priority 10; its family",
            lane="translate",
            credential="$ANTHROPIC_API_KEY",
        ),
        schema.PlanStep(
            provider="groq",
            model="llama-3.3-70b-versatile",
            reason="fallback, priority 20; stands in with its medium model",
            lane="passthrough",
            substitute=True,
        ),
    ),
    skipped=(schema.PlanSkip(provider="cohere", reason="no key: set CO_API_KEY"),),
)
NO_PLAN = schema.PlanReport(
    model="clade-sonnet-5-5",
    rule="none",
    skipped=(schema.PlanSkip(provider="gemini", reason="does not serve the model"),),
    error="no provider serves the model 'clade-sonnet-5-5'",
    hint="did you mean `anthropic:claude-sonnet-5-5`?; `proxyctl models` lists them; gemini: does not serve the model",
    advice=("did you mean `anthropic:claude-sonnet-5-5`?", "`proxyctl models` lists them"),
    suggestions=(schema.PlanSuggestion(name="anthropic:claude-sonnet-5-5", source="list"),),
)

OK = ExchangeRecord(
    id="px_0b0b0b0b0b0b0b0b0b0b",
    started_at=NOW - 2,
    dialect="openai-chat",
    requested_model="gemini-3.8-flash",
    outcome="ok",
    status=200,
    stream=True,
    duration_ms=1_234.5,
    provider="gemini",
    upstream_model="gemini-3.8-flash",
    served_model="gemini-3.8-flash",
    lane="translate",
    finish="end",
    usage=Usage(input=1_200, output=345),
    cost=Decimal("0.0012"),
    first_token_ms=312.0,
    gateway_ms=0.6,
)
MOVED = ExchangeRecord(
    id="px_1c1c1c1c1c1c1c1c1c1c",
    started_at=NOW - 5,
    dialect="anthropic-messages",
    requested_model="claude-sonnet-5-5",
    outcome="ok",
    status=200,
    stream=False,
    duration_ms=2_500.0,
    provider="groq",
    upstream_model="llama-3.3-70b-versatile",
    served_model="llama-3.3-70b-versatile",
    substitute=True,
    lane="translate",
    usage=Usage(input=10, output=20, source="estimated"),
    attempts=(
        AttemptRecord(
            provider="gemini",
            model="gemini-3.8-pro",
            lane="translate",
            outcome="error",
            started_at=NOW - 5,
            duration_ms=900.0,
            status=503,
            error_kind="overloaded",
            error="The model is overloaded.",
        ),
        AttemptRecord(
            provider="groq",
            model="llama-3.3-70b-versatile",
            lane="translate",
            outcome="ok",
            started_at=NOW - 4,
            duration_ms=1_500.0,
        ),
    ),
    losses=(Loss("messages[0].content[1].cache_control", "has no place there"), Loss("thinking", "not taken")),
)
CUT = ExchangeRecord(
    id="px_2d2d2d2d2d2d2d2d2d2d",
    started_at=NOW - 90_000,
    dialect="openai-chat",
    requested_model="together:Qwen/Qwen3.8-Flash",
    outcome="interrupted",
    status=200,
    stream=True,
    duration_ms=41.0,
    provider="together",
    upstream_model="Qwen/Qwen3.8-Flash",
    served_model="Qwen/Qwen3.8-Flash",
    lane="passthrough",
    usage=Usage(input=37, output=6, source="partial"),
    error_kind="upstream",
    error="the stream ended\nbefore its end \x1b[31m(red)",
)
REFUSED = ExchangeRecord(
    id="px_3e3e3e3e3e3e3e3e3e3e",
    started_at=NOW - 1,
    dialect="openai-chat",
    requested_model="nonsense",
    outcome="refused",
    status=404,
    stream=False,
    duration_ms=0.4,
    error_kind="not_found",
    error="no provider serves the model 'nonsense'",
)
FULL = ExchangeRecord(
    id="px_4f4f4f4f4f4f4f4f4f4f",
    started_at=NOW - 60,
    dialect="openai-responses",
    requested_model="fast",
    outcome="ok",
    status=200,
    stream=True,
    duration_ms=2_000.0,
    client="codex/1.2",
    session="session-7",
    provider="anthropic",
    upstream_model="claude-opus-5-5",
    served_model="claude-opus-5-5",
    lane="translate",
    finish="tool",
    usage=Usage(input=1_200, cache_read=30_000, cache_write=12, tool_input=9, output=345, reasoning=77),
    cost=Decimal("0.0312"),
    first_token_ms=412.0,
    gateway_ms=0.8,
    attempts=(
        AttemptRecord(
            provider="anthropic",
            model="claude-opus-5-5",
            lane="translate",
            outcome="ok",
            started_at=NOW - 60,
            duration_ms=1_999.0,
            status=200,
            first_token_ms=411.0,
            finish="tool",
            usage=Usage(input=1_200, cache_read=30_000, cache_write=12, tool_input=9, output=345, reasoning=77),
            cost=Decimal("0.0312"),
            upstream_request_id="req_011CabcDEF",
        ),
    ),
    losses=(Loss("temperature", "this model does not take it"),),
)
LOGS = schema.LogPage(records=(REFUSED, OK, MOVED, CUT), dropped=2)
