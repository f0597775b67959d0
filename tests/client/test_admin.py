"""Each question goes to its path, and each answer comes back as its type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxyctl.admin import schema
from proxyctl.client.admin import AdminClient, LogFilter
from proxyctl.client.errors import RefusedError, StrangerError

from .stand_in import JSON, StandIn, whole

HEALTH = schema.ProviderHealth(name="groq", health="ok")
METRICS = schema.ProviderMetrics(name="groq", requests=3)
RELOADED = schema.ReloadResult(changed=("groq: off -> pooled",))
RECORD = schema.ExchangeRecord(
    id="px_1",
    started_at=1.0,
    dialect="openai-chat",
    requested_model="m",
    outcome="ok",
    status=200,
    stream=False,
    duration_ms=2.0,
    losses=(schema.Loss("temperature", "this model does not take it"),),
)

CALLS: list[tuple[str, str, object, Callable[[AdminClient], object], dict[str, str]]] = [
    ("POST", "/daemon/reload", RELOADED, lambda client: client.reload(), {}),
    (
        "GET",
        "/providers/status",
        schema.StatusReport(primary="gemini", providers=()),
        lambda client: client.status(),
        {},
    ),
    (
        "GET",
        "/providers/metrics",
        schema.MetricsReport(since=1.0, total=METRICS, providers=(METRICS,)),
        lambda client: client.metrics(),
        {},
    ),
    ("GET", "/providers/metrics/groq", METRICS, lambda client: client.provider_metrics("groq"), {}),
    ("GET", "/providers/logs", schema.LogPage(records=()), lambda client: client.logs(LogFilter()), {}),
    (
        "GET",
        "/providers/logs/groq",
        schema.LogPage(records=(), dropped=2),
        lambda client: client.logs(LogFilter(provider="groq", limit=5, since=12.5, status="5xx", model="llama*")),
        {"limit": "5", "since": "12.5", "status": "5xx", "model": "llama*"},
    ),
    ("GET", "/providers/records/px_1", RECORD, lambda client: client.record("px_1"), {}),
    (
        "GET",
        "/providers/health",
        schema.HealthReport(ok=True, providers=(HEALTH,)),
        lambda client: client.health(check=True),
        {"check": "1"},
    ),
    (
        "GET",
        "/providers/models",
        schema.ModelsReport(models=()),
        lambda client: client.models("groq"),
        {"provider": "groq"},
    ),
    ("GET", "/providers/models", schema.ModelsReport(models=()), lambda client: client.models(), {}),
    (
        "GET",
        "/providers/plan",
        schema.PlanReport(model="a b", rule="alias"),
        lambda client: client.plan("a b", "anthropic-messages"),
        {"model": "a b", "dialect": "anthropic-messages"},
    ),
    (
        "POST",
        "/providers/metrics/reset",
        schema.ResetResult(reset_at=2.0),
        lambda client: client.reset_metrics(),
        {},
    ),
    ("POST", "/providers/groq/reset", RELOADED, lambda client: client.reset_provider("groq"), {}),
    ("POST", "/providers/groq/test", HEALTH, lambda client: client.test_provider("groq"), {}),
]


@pytest.mark.parametrize(
    ("method", "path", "value", "ask", "query"), CALLS, ids=[f"{call[0]} {call[1]}" for call in CALLS]
)
def test_a_question_and_its_answer(
    daemon: StandIn,
    method: str,
    path: str,
    value: object,
    ask: Callable[[AdminClient], object],
    query: dict[str, str],
) -> None:
    daemon.answers(method, path, value)

    assert ask(AdminClient(daemon.endpoint)) == value
    assert daemon.received[0].query == query


def test_a_name_stays_one_segment_of_the_path(daemon: StandIn) -> None:
    daemon.answers("POST", "/providers/..%2Fdaemon%2Fstop%3F/reset", RELOADED)

    assert AdminClient(daemon.endpoint).reset_provider("../daemon/stop?") == RELOADED


def test_what_a_newer_daemon_adds_is_passed_over(daemon: StandIn) -> None:
    daemon.answers("POST", "/daemon/reload", {"changed": ["x"], "new_field": {"deep": 1}})

    assert AdminClient(daemon.endpoint).reload().changed == ("x",)


def test_a_refusal_carries_what_the_daemon_said(daemon: StandIn) -> None:
    error = schema.AdminError(code="unknown_provider", message="there is no provider 'x'", hint="did you mean y?")
    daemon.answers("GET", "/providers/status", error, 404)

    with pytest.raises(RefusedError) as caught:
        AdminClient(daemon.endpoint).status()

    found = caught.value
    assert (found.status, found.code, found.message, found.hint) == (404, error.code, error.message, error.hint)


def test_a_refusal_in_a_dialects_shape(daemon: StandIn) -> None:
    daemon.answers("GET", "/providers/status", {"error": {"message": "no key", "code": 401, "type": "auth"}}, 401)

    with pytest.raises(RefusedError, match="no key") as caught:
        AdminClient(daemon.endpoint).status()

    assert caught.value.code == "401"


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b"{}", b"[]", b'{"error":"text"}', b"\xff"])
def test_an_error_of_somebody_else(daemon: StandIn, body: bytes) -> None:
    daemon.says("GET", "/providers/status", whole(body, "text/html", 502))

    with pytest.raises(StrangerError, match="HTTP 502"):
        AdminClient(daemon.endpoint).status()


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"<html>hello</html>", "text/html; charset=utf-8", "text/html"),
        (b'{"primary": 5, "providers": []}', JSON, r"Expected `str`, got `int` - at `\$.primary`"),
        (b'{"primary": "x"', JSON, "truncated"),
        (b"\xff\xfe", JSON, "malformed"),
    ],
)
def test_an_answer_that_is_not_ours(daemon: StandIn, body: bytes, kind: str, why: str) -> None:
    daemon.says("GET", "/providers/status", whole(body, kind))

    with pytest.raises(StrangerError, match=why):
        AdminClient(daemon.endpoint).status()
