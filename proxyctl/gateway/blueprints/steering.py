"""Knowing and nudging: health, models, the plan for a model, and the two things a person may ask of one provider."""

from __future__ import annotations

import asyncio

from quart import Blueprint, Response
from quart_schema import document_querystring, document_response

from proxyctl.admin.schema import HealthReport, ModelEntry, ModelsReport, PlanReport, ProviderHealth, ReloadResult
from proxyctl.gateway.blueprints.answers import answer
from proxyctl.gateway.blueprints.names import configured
from proxyctl.gateway.blueprints.queries import HealthQuery, ModelsQuery, NoQuery, PlanQuery, read_query
from proxyctl.gateway.blueprints.state_protocol import AdminState

_SERVING = ("ok", "unknown")


class Steering:
    """Handlers that ask the planner, the catalogue and the providers' free list endpoints."""

    def __init__(self, state: AdminState) -> None:
        self._state = state

    def blueprint(self) -> Blueprint:
        pages = Blueprint("steering", __name__)
        add = pages.add_url_rule
        add("/providers/health", view_func=self.health)
        add("/providers/models", view_func=self.models)
        add("/providers/plan", view_func=self.plan)
        add("/providers/<name>/reset", view_func=self.reset_provider, methods=["POST"])
        add("/providers/<name>/test", view_func=self.test_provider, methods=["POST"])
        return pages

    @document_querystring(HealthQuery)
    @document_response(HealthReport)
    async def health(self) -> Response:
        """Who works, as far as is known; with `check`, asked anew. Providers that are off are never asked."""
        query = read_query(HealthQuery)
        state = self._state
        found = {name: state.health(name) for name in state.providers}
        if query.check:
            asked = [name for name in found if self._may_be_asked(name)]
            found.update(zip(asked, await asyncio.gather(*map(state.check_provider, asked)), strict=True))
        providers = tuple(found.values())
        return answer(HealthReport(ok=any(one.health in _SERVING for one in providers), providers=providers))

    def _may_be_asked(self, name: str) -> bool:
        return self._state.settings.providers[name].mode != "off" and self._state.standing(name).active

    @document_querystring(ModelsQuery)
    @document_response(ModelsReport)
    async def models(self) -> Response:
        """The models that the providers list, with today's prices in USD per million tokens."""
        query = read_query(ModelsQuery)
        names = [configured(self._state, query.provider)] if query.provider else list(self._state.providers)
        await self._state.meter.settled()
        return answer(ModelsReport(models=tuple(entry for name in names for entry in self._models_of(name))))

    def _models_of(self, name: str) -> list[ModelEntry]:
        state = self._state
        price_id, now = state.providers[name].price_id, state.clock.now()
        entries = []
        for model in state.known_models(name).models:
            price = state.prices.price(price_id, model.id, now)
            entries.append(
                ModelEntry(
                    provider=name,
                    id=model.id,
                    context=model.context,
                    max_output=model.max_output,
                    input_price=price[0] if price else None,
                    output_price=price[1] if price else None,
                )
            )
        return entries

    @document_querystring(PlanQuery)
    @document_response(PlanReport)
    async def plan(self) -> Response:
        """Who would serve a model, in which order, and why the others would not."""
        query = read_query(PlanQuery)
        return answer(await self._state.explain(query.model, query.dialect))

    @document_querystring(NoQuery)
    @document_response(ReloadResult)
    async def reset_provider(self, name: str) -> Response:
        """Drop a provider's waits and credential failures, so that it is tried at once."""
        read_query(NoQuery)
        return answer(ReloadResult(changed=self._state.clear_waits(configured(self._state, name))))

    @document_querystring(NoQuery)
    @document_response(ProviderHealth)
    async def test_provider(self, name: str) -> Response:
        """Ask a provider's free list endpoint now; never a paid call."""
        read_query(NoQuery)
        return answer(await self._state.check_provider(configured(self._state, name)))
