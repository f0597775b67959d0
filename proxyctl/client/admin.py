"""Typed calls of the management API: one method a question, answered with a value of `admin.schema`.

No method prints, retries or decides; each raises `ClientError`. The daemon's errors come as `RefusedError` with its
own code, message and hint.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

from proxyctl.admin import schema
from proxyctl.client.connection import Answer, Endpoint, Query, call
from proxyctl.client.errors import RefusedError, StrangerError

T = TypeVar("T")


class LogFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which records are wanted; `None` and `""` mean all. `since` is in Unix seconds, `status` as in `429`, `5xx`."""

    provider: str = ""
    limit: int | None = None
    since: float | None = None
    status: str = ""
    model: str = ""

    def path(self) -> str:
        return f"/providers/logs/{segment(self.provider)}" if self.provider else "/providers/logs"

    def query(self) -> Query:
        return {
            "limit": self.limit,
            "since": self.since,
            "status": self.status or None,
            "model": self.model or None,
        }


class AdminClient:
    """The daemon at one endpoint, as a value to ask. It keeps no connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def daemon(self) -> schema.DaemonStatus:
        return self._get("/daemon/status", schema.DaemonStatus)

    def reload(self) -> schema.ReloadResult:
        return self._post("/daemon/reload", schema.ReloadResult)

    def status(self) -> schema.StatusReport:
        return self._get("/providers/status", schema.StatusReport)

    def metrics(self) -> schema.MetricsReport:
        return self._get("/providers/metrics", schema.MetricsReport)

    def provider_metrics(self, name: str) -> schema.ProviderMetrics:
        return self._get(f"/providers/metrics/{segment(name)}", schema.ProviderMetrics)

    def logs(self, wanted: LogFilter) -> schema.LogPage:
        return self._get(wanted.path(), schema.LogPage, wanted.query())

    def record(self, record_id: str) -> schema.ExchangeRecord:
        """One request's record. Raises `RefusedError` when it is not kept, or never was."""
        return self._get(f"/providers/records/{segment(record_id)}", schema.ExchangeRecord)

    def costs(self) -> schema.CostReport:
        return self._get("/providers/costs", schema.CostReport)

    def health(self, *, check: bool = False) -> schema.HealthReport:
        """What is known; with `check` every provider is asked now, which takes as long as the slowest."""
        return self._get("/providers/health", schema.HealthReport, {"check": 1 if check else None})

    def models(self, provider: str = "") -> schema.ModelsReport:
        return self._get("/providers/models", schema.ModelsReport, {"provider": provider or None})

    def plan(self, model: str, dialect: str = "") -> schema.PlanReport:
        return self._get("/providers/plan", schema.PlanReport, {"model": model, "dialect": dialect or None})

    def reset_metrics(self) -> schema.ResetResult:
        return self._post("/providers/metrics/reset", schema.ResetResult)

    def reset_provider(self, name: str) -> schema.ReloadResult:
        """Drop a provider's waits and credential verdicts, so that it is tried at once."""
        return self._post(f"/providers/{segment(name)}/reset", schema.ReloadResult)

    def test_provider(self, name: str) -> schema.ProviderHealth:
        """Ask a provider's free list endpoint now. No paid call is made."""
        return self._post(f"/providers/{segment(name)}/test", schema.ProviderHealth)

    def _get(self, path: str, shape: type[T], query: Query | None = None) -> T:
        return decode(self.endpoint, call(self.endpoint, "GET", path, query=query), shape)

    def _post(self, path: str, shape: type[T]) -> T:
        return decode(self.endpoint, call(self.endpoint, "POST", path), shape)


def segment(name: str) -> str:
    """A name as one segment of a path, whatever somebody typed."""
    return quote(name, safe="")


def decode(endpoint: Endpoint, answer: Answer, shape: type[T]) -> T:
    """The value in an answer. Raises `RefusedError` for the daemon's errors, `StrangerError` for anything else."""
    if answer.status >= 400:
        raise refusal(endpoint, answer)
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise StrangerError(endpoint.address, f"HTTP {answer.status}, {_why(answer, exc)}") from None


def refusal(endpoint: Endpoint, answer: Answer) -> RefusedError | StrangerError:
    """What an error answer says. An inference path wraps its error as `{"error": {…}}`, the management API does not."""
    try:
        found = msgspec.json.decode(answer.body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _Refusal()
    error = found.error or found
    if not error.message:
        return StrangerError(endpoint.address, f"HTTP {answer.status} without an error that we know")
    return RefusedError(endpoint.address, answer.status, str(error.code or ""), error.message, error.hint)


class _Refusal(msgspec.Struct, frozen=True):
    """`schema.AdminError`, or the same inside `error`, as dialects write it (some with a number for a code)."""

    code: str | int | None = None
    message: str = ""
    hint: str = ""
    error: _Refusal | None = None


def _why(answer: Answer, exc: Exception) -> str:
    return str(exc) if answer.media == "application/json" else answer.media
