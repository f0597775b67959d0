"""Which models exist where: what providers list, what the price catalogue knows, and what is near to a misspelt name.

The gateway feeds it and planning asks it. A provider's list is replaced whole, by one assignment, so a reader sees the
old list or the new one. It says what was learnt and judges nothing: who serves a model is decided in `select`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from proxyctl.routing.nearest import NameIndex
from proxyctl.routing.needs import UNKNOWN, ModelFacts

_EMPTY: Mapping[str, ModelFacts] = MappingProxyType({})


class Listing(Struct, frozen=True):
    """One provider's discovered models with their facts. `updated_at` is in Unix seconds, when the list was read."""

    models: Mapping[str, ModelFacts]
    updated_at: float


class Catalogue:
    """What is known of models, by provider name. `revision` grows with each change."""

    def __init__(self) -> None:
        self._listings: dict[str, Listing] = {}
        self._priced: dict[str, frozenset[str]] = {}
        self._index: NameIndex | None = None
        self.revision = 0

    def replace(self, provider: str, models: Mapping[str, ModelFacts], *, updated_at: float) -> None:
        """Put a freshly read list in place of the old one."""
        self._listings[provider] = Listing(MappingProxyType(dict(models)), updated_at)
        self._changed()

    def set_priced(self, provider: str, names: Iterable[str]) -> None:
        """Say which models the price catalogue has for a provider.

        Price catalogues list resold models too (another maker's family under the reseller): those names count only
        where no configured provider's family claims them.
        """
        self._priced[provider] = frozenset(names)
        self._changed()

    def forget(self, provider: str) -> None:
        """Drop a provider that is no longer configured, or that now stands for another server."""
        self._listings.pop(provider, None)
        self._priced.pop(provider, None)
        self._changed()

    def _changed(self) -> None:
        self._index = None
        self.revision += 1

    def serves(self, provider: str, model: str) -> bool:
        """Whether the provider's list or the price catalogue has exactly this name for it."""
        return self.lists(provider, model) or self.prices(provider, model)

    def lists(self, provider: str, model: str) -> bool:
        listing = self._listings.get(provider)
        return listing is not None and model in listing.models

    def prices(self, provider: str, model: str) -> bool:
        return model in self._priced.get(provider, ())

    def facts(self, provider: str, model: str) -> ModelFacts:
        """What the provider's list says of a model; nothing when it does not list it."""
        listing = self._listings.get(provider)
        return UNKNOWN if listing is None else listing.models.get(model, UNKNOWN)

    def models(self, provider: str) -> Mapping[str, ModelFacts]:
        """The discovered list, in the provider's own order; empty before it was read."""
        listing = self._listings.get(provider)
        return _EMPTY if listing is None else listing.models

    def updated_at(self, provider: str) -> float | None:
        """When the list was read, in Unix seconds; `None` before the first time."""
        listing = self._listings.get(provider)
        return None if listing is None else listing.updated_at

    def nearest(
        self, model: str, limit: int, *, providers: Collection[str], names: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """The names most like `model`, best first: `provider:model` of these providers, and plain `names` (aliases).

        Meant for errors: about a millisecond at 2,000 names. Empty when nothing is near.
        """
        if self._index is None:
            self._index = NameIndex(
                (provider, name)
                for provider in {**self._listings, **self._priced}
                for name in dict.fromkeys((*self.models(provider), *sorted(self._priced.get(provider, ()))))
            )
        return self._index.nearest(model, limit, providers=providers, names=tuple(names))
