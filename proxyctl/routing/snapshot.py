"""The configuration as planning sees it: built once a start or reload, never changed, everything slow done beforehand.

The gateway makes it from settings, providers and credentials; a running exchange keeps the one it began with. The
memos inside are answers of pure functions and bounded, so that a flood of invented model names costs no memory.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import Struct

from proxyctl.config.kinds import TIERS, Mode, Tier
from proxyctl.config.model import AliasSettings, RoutingSettings
from proxyctl.core.chat import DialectName
from proxyctl.core.exchange import Lane
from proxyctl.routing.memo import PlanMemo
from proxyctl.routing.modes import Standing, standing_of
from proxyctl.routing.needs import UNKNOWN, ModelFacts
from proxyctl.routing.tiers import TierTable, shipped_tiers

if TYPE_CHECKING:
    from proxyctl.routing.select import Selection

T = TypeVar("T")

_MEMO_SIZE = 2048


def _no_family(model: str) -> bool:
    del model
    return False


def _no_facts(model: str) -> ModelFacts:
    del model
    return UNKNOWN


class ProviderView(Struct, frozen=True, kw_only=True):
    """One configured provider.

    `inactive` says why it cannot be called, naming the variable of the missing key, and is empty when it can.
    `models` maps requested to upstream names; `substitute` is `None` where the global setting holds. `serves_family`
    and `facts` are the provider's own knowledge of a model's name. `credentials` are labels; empty for a server that
    needs no key. `tier_models` are the kind's default stand-ins. `position` is its place in the file.
    """

    name: str
    label: str
    mode: Mode
    previous_mode: Mode | None = None
    inactive: str = ""
    weight: float = 1.0
    priority: int = 100
    models: Mapping[str, str] = MappingProxyType({})
    substitute: bool | None = None
    serves_family: Callable[[str], bool] = _no_family
    facts: Callable[[str], ModelFacts] = _no_facts
    dialects: tuple[DialectName, ...] = ()
    credentials: tuple[str, ...] = ()
    tier_models: Mapping[Tier, str] = MappingProxyType({})
    position: int = 0

    def lane(self, dialect: DialectName) -> Lane:
        """How a request of this dialect is carried, as far as the dialect alone decides."""
        return "passthrough" if dialect in self.dialects else "translate"


class Alias(NamedTuple):
    """What an alias stands for: `targets` are provider and upstream model, `{model}` already filled in.

    `strict` when its requests are refused rather than served with something left out.
    """

    name: str
    targets: tuple[tuple[str, str], ...]
    strict: bool = False


class Snapshot:
    """`providers` in file order; `standing` sorts those that take part by their modes."""

    def __init__(
        self,
        providers: Iterable[ProviderView],
        routing: RoutingSettings,
        *,
        aliases: Mapping[str, AliasSettings] = MappingProxyType({}),
        tiers: Mapping[Tier, Mapping[str, str]] = MappingProxyType({}),
        table: TierTable | None = None,
    ) -> None:
        in_order = sorted(providers, key=lambda view: view.position)
        self.providers: Mapping[str, ProviderView] = MappingProxyType({view.name: view for view in in_order})
        self.routing = routing
        self.standing: Standing[ProviderView] = standing_of(in_order)
        self.table = table or shipped_tiers()
        self._aliases = {name: alias for name, alias in aliases.items() if not _is_glob(name)}
        self._globs = [
            (re.compile(fnmatch.translate(name)), name, alias) for name, alias in aliases.items() if _is_glob(name)
        ]
        self._user_tiers = {tier: dict(tiers.get(tier, {})) for tier in TIERS}
        self._named_tiers = {model: tier for tier in reversed(TIERS) for model in self._user_tiers[tier].values()}
        self._claims: dict[str, frozenset[str]] = {}
        self._tiers: dict[str, Tier | None] = {}
        self._facts: dict[tuple[str, str], ModelFacts] = {}
        self._selections: dict[tuple[str, bool, bool], Selection] = {}
        self._selections_of = -1
        self.plans = PlanMemo()

    @property
    def primary(self) -> str:
        return self.routing.primary

    def alias_of(self, model: str) -> Alias | None:
        """The alias that a requested name matches: the exact one, else the first glob in file order."""
        alias = self._aliases.get(model)
        name = model
        if alias is None:
            found = next(((name, one) for pattern, name, one in self._globs if pattern.match(model)), None)
            if found is None:
                return None
            name, alias = found
        pairs = (target.replace("{model}", model).partition(":") for target in alias.targets)
        return Alias(name, tuple((provider, upstream) for provider, _, upstream in pairs), alias.strict)

    def has_alias(self, model: str) -> bool:
        """Whether an alias bears exactly this name (a glob does not count)."""
        return model in self._aliases

    def alias_names(self) -> tuple[str, ...]:
        """The names that a caller may use as they stand."""
        return tuple(self._aliases)

    def claimants(self, model: str) -> frozenset[str]:
        """The providers whose family the name alone belongs to, whatever their modes."""
        return _remembered(
            self._claims,
            model,
            lambda: frozenset(view.name for view in self.providers.values() if view.serves_family(model)),
        )

    def tier_of(self, model: str) -> Tier | None:
        """A model's tier: where the user's `[tiers]` has it, else the shipped table's. `None` when nobody knows it."""
        named = self._named_tiers.get(model)
        return named or _remembered(self._tiers, model, lambda: self.table.tier_of(model))

    def stand_in(self, view: ProviderView, tier: Tier) -> str:
        """The provider's model of a tier: the user's, else its kind's; `""` when it has none."""
        return self._user_tiers[tier].get(view.name) or view.tier_models.get(tier, "")

    def may_substitute(self, view: ProviderView) -> bool:
        return self.routing.substitute if view.substitute is None else view.substitute

    def selected(self, key: tuple[str, bool, bool], revision: int, find: Callable[[], Selection]) -> Selection:
        """What the rules select for a name, remembered while the catalogue's `revision` stands."""
        if revision != self._selections_of:
            self._selections.clear()
            self._selections_of = revision
        return _remembered(self._selections, key, find)

    def stated_facts(self, view: ProviderView, model: str) -> ModelFacts:
        """What the provider itself states of a model, remembered."""
        return _remembered(self._facts, (view.name, model), lambda: view.facts(model))


K = TypeVar("K")


def _remembered(memo: dict[K, T], key: K, find: Callable[[], T]) -> T:
    try:
        return memo[key]
    except KeyError:
        if len(memo) >= _MEMO_SIZE:
            memo.clear()
        return memo.setdefault(key, find())


def _is_glob(name: str) -> bool:
    return any(char in name for char in "*?[")
