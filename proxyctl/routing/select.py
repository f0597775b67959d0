"""The rules that say who may serve a request: the first that matches wins (docs/routing.md, "order of the rules").

    prefix      `provider:model`, and `provider/model` when no model bears that name: this provider alone
    alias       the user's own list, in its order
    exclusive   one provider takes everything
    shared      pooled, then fallback providers that serve the model; then those that can stand in for it

The result is a list of stages, each a list of groups of candidates: a stage is entered whole, a group is ordered by one
rule. What is out of use, and what the request needs of a model, is `arrange`'s concern. Pure, and alike for the live
path and for `proxyctl explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from proxyctl.config.kinds import Tier
from proxyctl.core.errors import BadRequestError, GatewayError
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.modes import absence, enable_command
from proxyctl.routing.snapshot import Alias, ProviderView, Snapshot

Rule = Literal["prefix", "alias", "exclusive", "pooled", "fallback", "substitute", "none"]
"""Which rule made a plan; `pooled`, `fallback` and `substitute` name what the first deployment is."""


class Candidate(NamedTuple):
    """A provider that may serve the request, with the upstream model."""

    view: ProviderView
    model: str
    reason: str
    substitute: bool = False


class Group(NamedTuple):
    """Candidates of one rank. `weighted` groups take turns; `sticky` ones let a session stay where it is."""

    candidates: list[Candidate]
    weighted: bool = False
    sticky: bool = True


Stage = list[Group]


class Selection(NamedTuple):
    """What the rules say. `outside` tells why a provider that is no candidate is none.

    `refusal` is set when the request names a provider that cannot be asked; there are no stages then. `strict_alias`
    names the alias that wants the request whole or not at all, `""` when none does.
    """

    rule: Rule
    stages: list[Stage]
    outside: Callable[[ProviderView], str]
    refusal: GatewayError | None = None
    strict_alias: str = ""


class Selector:
    """Selects for one request. `substitute` false: the caller refused stand-ins."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue, *, substitute: bool, prefix_fallback: bool) -> None:
        self._snapshot = snapshot
        self._catalogue = catalogue
        self._substitute = substitute
        self._prefix_fallback = prefix_fallback

    def select(self, model: str) -> Selection:
        """Apply the rules to a requested name."""
        named = self._prefix(model)
        if named is not None:
            return self._by_prefix(*named)
        alias = self._snapshot.alias_of(model)
        if alias is not None:
            return self._by_alias(alias)
        exclusive = self._snapshot.standing.exclusive
        if exclusive is not None:
            return self._by_exclusive(exclusive, model)
        return Selection("pooled", self._shared(model), self._not_shared(model))

    def _prefix(self, model: str) -> tuple[ProviderView, str] | None:
        """The provider that the name begins with, and the rest, unless the whole is a name of its own."""
        for mark in (":", "/"):
            name, found, rest = model.partition(mark)
            view = self._snapshot.providers.get(name) if found else None
            if view is None or self._bears(model) or (mark == "/" and self._snapshot.has_alias(model)):
                continue
            return view, rest
        return None

    def _bears(self, model: str) -> bool:
        """Whether a provider that takes part has a model of exactly this name."""
        return any(
            (model in view.models or self._catalogue.serves(view.name, model)) and not absence(view)
            for view in self._snapshot.providers.values()
        )

    def _by_prefix(self, view: ProviderView, model: str) -> Selection:
        def alone(other: ProviderView) -> str:
            return absence(other) or f"the prefix names {view.name} alone"

        refusal = _prefix_refusal(view, model)
        if refusal is not None:
            return Selection("prefix", [], alone, refusal)
        named = Candidate(view, view.models.get(model, model), "named by the prefix")
        stages = [[Group([named])]]
        if not self._prefix_fallback:
            return Selection("prefix", stages, alone)
        exclusive = self._snapshot.standing.exclusive
        if exclusive is None:
            return Selection("prefix", [*stages, *self._shared(model, view)], self._not_shared(model))
        rest = self._by_exclusive(exclusive, model, leave_out=view)
        return Selection("prefix", [*stages, *rest.stages], rest.outside)

    def _by_alias(self, alias: Alias) -> Selection:
        candidates = []
        for place, (name, model) in enumerate(alias.targets, 1):
            view = self._snapshot.providers.get(name)
            if view is not None and not absence(view):
                reason = f"target {place} of the alias {alias.name!r}"
                candidates.append(Candidate(view, view.models.get(model, model), reason))
        return Selection(
            "alias",
            [[Group(candidates, sticky=False)]],
            lambda view: absence(view) or f"the alias {alias.name!r} does not list it",
            strict_alias=alias.name if alias.strict else "",
        )

    def _by_exclusive(self, view: ProviderView, model: str, leave_out: ProviderView | None = None) -> Selection:
        stages = self._exclusive_stages(view, model) if view is not leave_out else []
        if self._snapshot.routing.exclusive_escape:
            stages += self._shared(model, leave_out)
            return Selection("exclusive", stages, self._not_shared(model))
        not_shared = self._not_shared(model)
        shadow = f"shadowed by {view.name}, which is exclusive"
        return Selection(
            "exclusive",
            stages,
            lambda other: not_shared(other) if other is view else absence(other) or shadow,
        )

    def _exclusive_stages(self, view: ProviderView, model: str) -> list[Stage]:
        """The exclusive provider as itself, and as a stand-in; nothing when it can be neither."""
        if view.inactive:
            return []
        native = self._natives((view,), model)
        return [[Group(native)], [Group(self._stand_ins((view,), model))]]

    def _shared(self, model: str, leave_out: ProviderView | None = None) -> list[Stage]:
        """Pooled and fallback providers: first all that serve the model, then all that can stand in for it.

        Among stand-ins the primary goes first in its tier: foreign model families fall to it.
        """
        pooled = [view for view in self._snapshot.standing.pooled if view is not leave_out]
        fallback = [view for view in self._snapshot.standing.fallback if view is not leave_out]
        natives = [Group(self._natives(pooled, model), weighted=True), Group(self._natives(fallback, model))]
        stage: Stage = []
        for views, weighted in ((pooled, True), (fallback, False)):
            stand_ins = self._stand_ins(views, model)
            primary = [one for one in stand_ins if one.view.name == self._snapshot.primary]
            others = [one for one in stand_ins if one.view.name != self._snapshot.primary]
            stage += [Group(primary), Group(others, weighted=weighted)]
        return [natives, stage]

    def _natives(self, views: Iterable[ProviderView], model: str) -> list[Candidate]:
        found = []
        for view in views:
            evidence = self._evidence(view, model)
            if evidence:
                found.append(Candidate(view, view.models.get(model, model), f"{_rank(view)}; {evidence}"))
        return found

    def _evidence(self, view: ProviderView, model: str) -> str:
        """Why the provider is held to serve the model, `""` when nothing says so."""
        if model in view.models:
            return "its models map has the name"
        if self._catalogue.lists(view.name, model):
            return "it lists the model"
        claimants = self._snapshot.claimants(model)
        if view.name in claimants:
            return "the name is of its family"
        if not claimants and self._catalogue.prices(view.name, model):
            return "the price catalogue has the model for it"
        return ""

    def _stand_ins(self, views: Iterable[ProviderView], model: str) -> list[Candidate]:
        tier = self._snapshot.tier_of(model) if self._substitute else None
        if tier is None:
            return []
        found = []
        for view in views:
            upstream = self._snapshot.stand_in(view, tier)
            if upstream and upstream != model and self._snapshot.may_substitute(view):
                reason = f"{_rank(view)}; stands in with its {tier} model"
                found.append(Candidate(view, upstream, reason, substitute=True))
        return found

    def _not_shared(self, model: str) -> Callable[[ProviderView], str]:
        """Why a provider is neither among those that serve the model nor among the stand-ins."""
        tier = self._snapshot.tier_of(model)

        def why(view: ProviderView) -> str:
            absent = absence(view)
            if not absent:
                return f"does not serve the model, and {self._why_no_stand_in(view, tier)}"
            return f"would serve the model, but is {absent}" if self._evidence(view, model) else absent

        return why

    def _why_no_stand_in(self, view: ProviderView, tier: Tier | None) -> str:
        if not self._substitute:
            return "the caller refused substitutes"
        if tier is None:
            return "no tier is known for the name"
        if not self._snapshot.may_substitute(view):
            return "substitutes are switched off for it"
        return f"has no {tier} model to stand in"


def _prefix_refusal(view: ProviderView, model: str) -> BadRequestError | None:
    """Why a prefix cannot be followed, with what would help."""
    if view.mode == "off":
        return BadRequestError(
            f"the provider {view.name!r} is off",
            code="provider_off",
            param="model",
            hint=f"`{enable_command(view.name)}` enables it",
        )
    if view.inactive:
        return BadRequestError(
            f"the provider {view.name!r} has no usable key: {view.inactive}",
            code="provider_inactive",
            param="model",
            hint=f"set the variable and `proxyctl reload`, or store one: `proxyctl providers key {view.name}`",
        )
    if not model.strip():
        return BadRequestError(
            f"the prefix {view.name!r} is not followed by a model",
            code="invalid_model",
            param="model",
            hint=f"`proxyctl models {view.name}` lists its models",
        )
    return None


def _rank(view: ProviderView) -> str:
    if view.mode == "pooled":
        return f"pooled, weight {view.weight:g}"
    if view.mode == "fallback":
        return f"fallback, priority {view.priority}"
    return "exclusive"
