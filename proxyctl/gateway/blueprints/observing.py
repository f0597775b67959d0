"""Seeing: what each provider is, what it did, what it cost, and the records of it."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import document_querystring, document_response

from proxyctl.admin.schema import (
    CostReport,
    ExchangeRecord,
    LogPage,
    MetricsReport,
    ProviderMetrics,
    ProviderStatus,
    ResetResult,
    StatusReport,
)
from proxyctl.core.errors import NotFoundError
from proxyctl.gateway.blueprints.answers import answer, event_stream
from proxyctl.gateway.blueprints.follow import follow_metrics, follow_records
from proxyctl.gateway.blueprints.names import seen
from proxyctl.gateway.blueprints.queries import (
    CostsQuery,
    FollowQuery,
    LogsQuery,
    NoQuery,
    read_query,
    record_query,
)
from proxyctl.gateway.blueprints.state_protocol import AdminState
from proxyctl.metering.costs import cost_report


class Observing:
    """Handlers that read counters and records. `every` is the shortest time between two metrics events, in seconds."""

    def __init__(self, state: AdminState, *, every: float) -> None:
        self._state = state
        self._every = every

    def blueprint(self) -> Blueprint:
        pages = Blueprint("observing", __name__)
        add = pages.add_url_rule
        add("/providers/status", view_func=self.status)
        add("/providers/metrics", view_func=self.metrics)
        add("/providers/metrics/<name>", view_func=self.provider_metrics)
        add("/providers/metrics/reset", view_func=self.reset_metrics, methods=["POST"])
        add("/providers/logs", view_func=self.logs)
        add("/providers/logs/<name>", view_func=self.provider_logs)
        add("/providers/records/<record_id>", view_func=self.record)
        add("/providers/costs", view_func=self.costs)
        return pages

    @document_querystring(NoQuery)
    @document_response(StatusReport)
    async def status(self) -> Response:
        """Each provider: its mode, its keys, its state, what it did."""
        read_query(NoQuery)
        state = self._state
        await state.meter.settled()
        rows = tuple(self._status_of(name) for name in state.providers)
        return answer(StatusReport(primary=state.settings.routing.primary, providers=rows))

    @document_querystring(FollowQuery)
    @document_response(MetricsReport)
    async def metrics(self) -> Response:
        """All counters since the last reset; with `follow`, an event `metrics` at each change."""
        query = read_query(FollowQuery)
        await self._state.meter.settled()
        if query.follow:
            return event_stream(
                follow_metrics(self._all_metrics, self._version, self._state.draining, every=self._every)
            )
        return answer(self._all_metrics())

    @document_querystring(FollowQuery)
    @document_response(ProviderMetrics)
    async def provider_metrics(self, name: str) -> Response:
        """One provider's counters; with `follow`, an event `metrics` at each change."""
        query = read_query(FollowQuery)
        name = seen(self._state, name)
        await self._state.meter.settled()
        metrics = self._state.metrics
        if query.follow:
            return event_stream(
                follow_metrics(lambda: metrics.of(name), self._version, self._state.draining, every=self._every)
            )
        return answer(metrics.of(name))

    @document_querystring(NoQuery)
    @document_response(ResetResult)
    async def reset_metrics(self) -> Response:
        """Set all counters and costs to zero. Records stay."""
        read_query(NoQuery)
        await self._state.meter.settled()
        return answer(ResetResult(reset_at=self._state.metrics.reset()))

    @document_querystring(LogsQuery)
    @document_response(LogPage)
    async def logs(self) -> Response:
        """The latest records, newest first; with `follow`, an event `record` for each, oldest first, and on."""
        return await self._logs(None)

    @document_querystring(LogsQuery)
    @document_response(LogPage)
    async def provider_logs(self, name: str) -> Response:
        """The latest records of exchanges in which this provider was tried."""
        return await self._logs(name)

    async def _logs(self, name: str | None) -> Response:
        state = self._state
        given = read_query(LogsQuery)
        provider = None if name is None else seen(state, name)
        query = record_query(given, provider=provider, now=state.clock.now())
        await state.meter.settled()
        if given.follow:
            return event_stream(follow_records(state.recorder, query, state.draining))
        return answer(LogPage(records=await state.recorder.page(query), dropped=state.recorder.dropped))

    @document_querystring(NoQuery)
    @document_response(ExchangeRecord)
    async def record(self, record_id: str) -> Response:
        """One record, by the id that the answer's header `x-proxyctl-request-id` named."""
        read_query(NoQuery)
        await self._state.meter.settled()
        found = await self._state.recorder.find(record_id)
        if found is None:
            raise NotFoundError(f"there is no record {record_id!r}", hint="only the latest records are kept")
        return answer(found)

    @document_querystring(CostsQuery)
    @document_response(CostReport)
    async def costs(self) -> Response:
        """What it cost since the last reset, by provider and model, the dearest first."""
        query = read_query(CostsQuery)
        provider = seen(self._state, query.provider) if query.provider else None
        await self._state.meter.settled()
        return answer(cost_report(self._state.metrics, provider))

    def _version(self) -> int:
        return self._state.metrics.version

    def _all_metrics(self) -> MetricsReport:
        return self._state.metrics.snapshot(self._state.providers)

    def _status_of(self, name: str) -> ProviderStatus:
        state = self._state
        provider, settings = state.providers[name], state.settings.providers[name]
        standing, known, metrics = state.standing(name), state.known_models(name), state.metrics.of(name)
        last_error, last_used_at = state.metrics.last(name)
        return ProviderStatus(
            name=name,
            kind=provider.kind,
            label=provider.label,
            mode=settings.mode,
            primary=name == state.settings.routing.primary,
            active=standing.active,
            state=standing.state,
            base_url=provider.url,
            dialects=tuple(provider.endpoints),
            weight=settings.weight,
            priority=settings.priority,
            models=len(known.models),
            models_updated_at=known.updated_at,
            note=standing.note,
            credentials=state.credentials(name),
            requests=metrics.requests,
            errors=metrics.failed + metrics.interrupted,
            last_error=last_error,
            last_used_at=last_used_at,
        )
