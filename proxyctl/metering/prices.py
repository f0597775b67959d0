"""What tokens cost, from the price data that genai-prices ships: offline, dated, in `Decimal`.

The library finds the model and its dated tariff; the arithmetic over our disjoint token classes is done here, from a
memoised tariff, because a request may wait microseconds for it and not a hundred. What has no price is `None`, never 0.
Importing the data costs half a second, so nothing is imported before `load`, which belongs in a thread.
Source of the rules: wire notes 2026-11, "genai-prices", and the library's own documentation.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from proxyctl.core.usage import Usage

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo, ModelPrice, TieredPrices
    from genai_prices.types import Provider as PricedProvider

_MILLION = Decimal(1_000_000)
_MEMO_LIMIT = 4096
_LONGEST_NAME = 256
_MOVING_NAME = re.compile(r"(?:^|[-_@:])latest$")


class _Rate(Struct, frozen=True):
    """USD per million tokens. `tiers` are (start, rate), highest start first: they price the whole request."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def at(self, input_total: int) -> Decimal:
        for start, rate in self.tiers:
            if input_total > start:
                return rate
        return self.base


class _Tariff(Struct, frozen=True, kw_only=True):
    """The rates of one model at one time. `None`: this class of tokens has no price; `free`: nothing is charged."""

    input: _Rate | None
    cache_read: _Rate | None
    cache_write: _Rate | None
    cache_write_5m: _Rate | None
    cache_write_1h: _Rate | None
    output: _Rate | None
    reasoning: _Rate | None
    request: Decimal
    free: bool

    def cost(self, usage: Usage) -> Decimal | None:
        if self.free:
            return Decimal(0)
        size = usage.input_total if usage.billed_input is None else usage.billed_input
        total = Decimal(0)
        for tokens, rate in (*self._input_classes(usage), *self._output_classes(usage)):
            if not tokens:
                continue
            if rate is None:
                return None
            total += rate.at(size) * tokens
        return total / _MILLION + self.request

    def _input_classes(self, usage: Usage) -> tuple[tuple[int, _Rate | None], ...]:
        if usage.billed_input is not None:
            return ((usage.billed_input, self.input),)
        return (
            (usage.input + usage.tool_input, self.input),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
            (usage.cache_write_5m, self.cache_write_5m),
            (usage.cache_write_1h, self.cache_write_1h),
        )

    def _output_classes(self, usage: Usage) -> tuple[tuple[int, _Rate | None], ...]:
        if usage.billed_output is not None:
            return ((usage.billed_output, self.output),)
        return ((usage.output, self.output), (usage.reasoning, self.reasoning))


class PriceBook:
    """Prices by a provider's id in the price data and a model's name. Before `load` nothing has a price."""

    def __init__(self) -> None:
        self._providers: dict[str, PricedProvider] = {}
        self._all: list[PricedProvider] = []
        self._models: dict[tuple[str, str], ModelInfo | None] = {}
        self._tariffs: dict[int, _Tariff] = {}
        self.loaded = False

    def load(self) -> None:
        """Import the price data: half a second of work, safe in a thread, done once."""
        if self.loaded:
            return
        from genai_prices.data_snapshot import get_snapshot

        self._all = get_snapshot().providers
        self._providers = {provider.id: provider for provider in self._all}
        self.loaded = True

    def cost(self, price_id: str | None, model: str, usage: Usage, at: float, *, served: str = "") -> Decimal | None:
        """Return the cost in USD, `None` when unknown: no such model, no price for a class of tokens in use.

        `at` is when the request was made, in Unix seconds. `served` is the name that the provider gave its answer:
        where it has a price it is believed before `model`, the name that was asked for.
        """
        if price_id is None or not self.loaded:
            return None
        tariff = (self._tariff(price_id, served, at) if served else None) or self._tariff(price_id, model, at)
        return tariff.cost(usage) if tariff is not None else None

    def price(self, price_id: str | None, model: str, at: float) -> tuple[Decimal, Decimal] | None:
        """Return USD per million tokens for (input, output) at the lowest tier, `None` when either is unknown."""
        tariff = self._tariff(price_id, model, at) if price_id is not None and self.loaded else None
        if tariff is None:
            return None
        if tariff.free:
            return Decimal(0), Decimal(0)
        if tariff.input is None or tariff.output is None:
            return None
        return tariff.input.base, tariff.output.base

    def models(self, price_id: str | None) -> frozenset[str]:
        """Return the exact names that the price data knows at a provider, without what it marks as deprecated."""
        provider = self._providers.get(price_id) if price_id is not None else None
        if provider is None:
            return frozenset()
        names: set[str] = set()
        for model in provider.models:
            if not model.deprecated:
                names.add(model.id)
                names.update(_exact_names(model.match))
        return frozenset(names)

    def _tariff(self, price_id: str, model: str, at: float) -> _Tariff | None:
        key = (price_id, model)
        try:
            found = self._models[key]
        except KeyError:
            if len(self._models) >= _MEMO_LIMIT:
                self._models.clear()
            found = self._models[key] = self._find(price_id, model)
        if found is None:
            return None
        prices = found.prices
        if isinstance(prices, list):
            prices = found.get_prices(datetime.fromtimestamp(at, UTC))
        tariff = self._tariffs.get(id(prices))
        if tariff is None:
            # The data lives as long as the process, so its identity is a safe key.
            tariff = self._tariffs[id(prices)] = _read_tariff(prices)
        return tariff

    def _find(self, price_id: str, model: str) -> ModelInfo | None:
        provider = self._providers.get(price_id)
        if provider is None:
            return None
        name = model.removeprefix("models/").removeprefix(f"{price_id}/").lower()
        if not name or len(name) > _LONGEST_NAME:
            return None
        found = provider.find_model(name, all_providers=self._all)
        if found is not None and _MOVING_NAME.search(name) and found.id.lower() != name:
            # A name that moves from model to model matches entries by pattern, often an old one: not a price, a guess.
            return None
        return found


def _read_tariff(prices: ModelPrice) -> _Tariff:
    given = {key: _rate(value) for key, value in vars(prices).items() if value is not None}
    whole_input, whole_output = given.get("input_mtok"), given.get("output_mtok")
    write = given.get("cache_write_mtok", whole_input)
    request = given.get("requests_kcount")
    return _Tariff(
        input=whole_input,
        cache_read=given.get("cache_read_mtok", whole_input),
        cache_write=write,
        cache_write_5m=given.get("cache_write_5m_mtok", write),
        cache_write_1h=given.get("cache_write_1h_mtok", write),
        output=whole_output,
        reasoning=given.get("output_reasoning_mtok", whole_output),
        request=request.base / 1000 if request is not None else Decimal(0),
        free=not given,
    )


def _rate(value: Decimal | TieredPrices) -> _Rate:
    if isinstance(value, Decimal):
        return _Rate(value)
    tiers = sorted(((tier.start, tier.price) for tier in value.tiers), reverse=True)
    return _Rate(value.base, tuple(tiers))


def _exact_names(match: MatchLogic) -> set[str]:
    """The names that a matching rule spells out."""
    from genai_prices.types import ClauseEquals, ClauseOr

    if isinstance(match, ClauseEquals):
        return {match.equals}
    if isinstance(match, ClauseOr):
        return set().union(*(_exact_names(clause) for clause in match.or_))
    return set()
