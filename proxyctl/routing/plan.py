"""Plan a request: which deployments may be tried, in which order, and why the others may not.

The live path and `proxyctl explain` call the same function, so what is explained is what happens; explaining uses
nothing up (no turn of the weighted draw, no trial). Pure but for these two: no I/O, and the time is handed in.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import GatewayError
from proxyctl.core.exchange import Peek
from proxyctl.routing.affinity import Affinity
from proxyctl.routing.arrange import Arranger, Skip
from proxyctl.routing.availability import Availability
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.memo import key_of
from proxyctl.routing.refusals import Suggestion, refuse
from proxyctl.routing.select import Rule, Selector
from proxyctl.routing.snapshot import Snapshot

__all__ = ["Deployment", "Plan", "PlanQuery", "Rule", "Skip", "Suggestion", "explain", "plan"]


def _no_session() -> str:
    return ""


class PlanQuery(Struct, frozen=True, kw_only=True):
    """A request as planning sees it.

    `session` gives a stable key of the conversation (`""`: none) and is called only when there is a choice to make.
    `allow_prefix_fallback` is the header `x-proxyctl-fallback: allow`, `substitute` false the header
    `x-proxyctl-substitute: never`; `None` where the caller did not say.
    """

    peek: Peek
    dialect: DialectName
    session: Callable[[], str] = _no_session
    allow_prefix_fallback: bool | None = None
    substitute: bool | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """The deployments to try, in order. At most `max_deployments` of them should be: that is dispatch's to count.

    `skipped` says why others are left out: in what is explained or refused; a plan to carry out does without.

    `session` goes to `Affinity.succeeded` and `Affinity.failed`; it is empty when nothing was to choose. `refusal` is
    set when there are no steps; `advice` then says what would help, one piece each, and `suggestions` are names that
    may have been meant. `strict_alias` names the alias that refuses whatever would lose something of the request, `""`
    when none does.
    """

    rule: Rule
    steps: tuple[Deployment, ...] = ()
    skipped: tuple[Skip, ...] = ()
    session: str = ""
    max_deployments: int = 1
    refusal: GatewayError | None = None
    advice: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    strict_alias: str = ""


def plan(
    query: PlanQuery,
    snapshot: Snapshot,
    catalogue: Catalogue,
    availability: Availability,
    affinity: Affinity,
    now: float,
) -> Plan:
    """The plan to carry out; it has at least one step. `now` is in Unix seconds.

    Raises the `GatewayError` of `explain`'s `refusal`: `BadRequestError` for a prefix that cannot be asked,
    `NotFoundError` (`model_not_found`), `UnsupportedError`, or `UnavailableError` with the soonest recovery.
    """
    seconds = snapshot.routing.affinity_minutes * 60
    is_quiet = availability.is_quiet and not affinity.holds_any(now, seconds=seconds)
    if is_quiet:
        key = key_of(
            query.peek, substitute=query.substitute is not False, prefix_fallback=_may_fall_back(query, snapshot)
        )
        kept = snapshot.plans.find(key, query.peek, catalogue.revision)
        if kept is not None:
            return kept
    made, arranger = _consider(query, snapshot, catalogue, availability, affinity, now, take=True)
    if made.refusal is not None:
        raise made.refusal
    if is_quiet and not arranger.chose:
        snapshot.plans.keep(key, query.peek, arranger.facts, made)
    return made


def explain(
    query: PlanQuery,
    snapshot: Snapshot,
    catalogue: Catalogue,
    availability: Availability,
    affinity: Affinity,
    now: float,
) -> Plan:
    """The plan that `plan` would make now, a refused one included; it raises nothing and uses nothing up."""
    return _consider(query, snapshot, catalogue, availability, affinity, now, take=False)[0]


def _may_fall_back(query: PlanQuery, snapshot: Snapshot) -> bool:
    return bool(query.allow_prefix_fallback or snapshot.routing.prefix_fallback)


def _consider(
    query: PlanQuery,
    snapshot: Snapshot,
    catalogue: Catalogue,
    availability: Availability,
    affinity: Affinity,
    now: float,
    *,
    take: bool,
) -> tuple[Plan, Arranger]:
    model, routing = query.peek.model, snapshot.routing
    substitute, prefix_fallback = query.substitute is not False, _may_fall_back(query, snapshot)
    selection = snapshot.selected(
        (model, substitute, prefix_fallback),
        catalogue.revision,
        lambda: Selector(snapshot, catalogue, substitute=substitute, prefix_fallback=prefix_fallback).select(model),
    )
    arranger = Arranger(query.peek, query.session, snapshot, catalogue, availability, affinity, now, take=take)
    arranger.arrange(selection.stages)
    rule = selection.rule
    if arranger.steps:
        made = Plan(
            rule=_rule_of(arranger.steps[0]) if rule == "pooled" else rule,
            steps=tuple(arranger.steps),
            skipped=() if take else _skipped(arranger, snapshot, selection.outside, now),
            session=arranger.session,
            max_deployments=routing.max_deployments,
            strict_alias=selection.strict_alias,
        )
        return made, arranger
    skipped = _skipped(arranger, snapshot, selection.outside, now)
    if selection.refusal is not None:
        refusal = selection.refusal
        return Plan(rule=rule, skipped=skipped, refusal=refusal, advice=(refusal.hint,)), arranger
    error, advice, suggestions = refuse(model, rule, arranger, skipped, snapshot, catalogue, now)
    made = Plan(
        rule="none" if rule == "pooled" else rule,
        skipped=skipped,
        refusal=error,
        advice=advice,
        suggestions=suggestions,
        strict_alias=selection.strict_alias,
    )
    return made, arranger


def _rule_of(first: Deployment) -> Rule:
    if first.substitute:
        return "substitute"
    return "fallback" if first.mode == "fallback" else "pooled"


def _skipped(arranger: Arranger, snapshot: Snapshot, outside: Callable[..., str], now: float) -> tuple[Skip, ...]:
    """Why each provider that is not in the plan, and each of its deployments that is out of use, is left out."""
    noted = [*arranger.unable, *arranger.skips]
    for candidate, index, out in arranger.benched:
        labels = candidate.view.credentials
        noted.append(Skip(candidate.view.name, out.describe(now, labels[index] if len(labels) > 1 else "")))
    present = {step.provider for step in arranger.steps}.union(skip.provider for skip in noted)
    noted += (Skip(name, outside(view)) for name, view in snapshot.providers.items() if name not in present)
    noted.sort(key=lambda skip: snapshot.providers[skip.provider].position)
    return tuple(dict.fromkeys(noted))
