"""Say why nobody serves a request, and what would help: the error of a plan without deployments.

A caller's error says all of it in one sentence; whoever sees the plan beside it needs only the advice, which is data.

404 model_not_found         nobody serves the model, or each that should has said that it does not have it
400 unsupported             those that serve it cannot do what the request asks for
503 no_provider_available   everybody who could serve is out of use; `retry_after` is the soonest recovery
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from proxyctl.core.errors import GatewayError, NotFoundError, UnavailableError, UnsupportedError
from proxyctl.routing.arrange import Arranger, Skip
from proxyctl.routing.availability import Out
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.modes import absence
from proxyctl.routing.select import Rule
from proxyctl.routing.snapshot import ProviderView, Snapshot

SUGGESTIONS = 3
_LONGEST = 200
"""A model's name is repeated up to this length: a caller may send anything."""


Source = Literal["alias", "map", "list", "prices"]
"""How a name is known: as an alias, by a provider's `models` map, its own list, or the price catalogue alone."""


class Suggestion(NamedTuple):
    """A name that may have been meant, as a caller would write it."""

    name: str
    source: Source


class Refusal(NamedTuple):
    """`advice` is what would help, one piece each; the error's hint adds why each provider is left out."""

    error: GatewayError
    advice: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


def refuse(
    model: str,
    rule: Rule,
    arranger: Arranger,
    skipped: Sequence[Skip],
    snapshot: Snapshot,
    catalogue: Catalogue,
    now: float,
) -> Refusal:
    """The error for a plan of `rule` that has no deployments."""
    model = _short(model)
    left_out = "; ".join(f"{skip.provider}: {skip.reason}" for skip in skipped)
    waiting = [out for _, _, out in arranger.benched if out.kind != "missing"]
    if waiting:
        return Refusal(waiting_error(model, waiting, now, hint=left_out))
    if arranger.unable:
        reasons = "; ".join(f"{skip.provider}: {skip.reason}" for skip in arranger.unable)
        return Refusal(UnsupportedError(f"no provider can serve this request: {reasons}", hint=left_out))
    exclusive = snapshot.standing.exclusive
    if rule == "exclusive" and exclusive is not None and exclusive.inactive:
        message = f"the provider {exclusive.name!r} is exclusive but has no usable key: {exclusive.inactive}"
        hint = f"give it a key and `proxyctl reload`, or `proxyctl providers set {exclusive.name} pooled`"
        return Refusal(UnavailableError(message, hint=hint), (hint,))
    return _not_found(model, rule, left_out, snapshot, catalogue)


def waiting_error(model: str, waiting: Sequence[Out], now: float, *, hint: str = "") -> UnavailableError:
    """The error for a request that only these could serve, with the soonest recovery."""
    seconds = max(1, math.ceil(min(out.recovery for out in waiting) - now))
    message = f"all providers that could serve {_short(model)!r} are out of use for now"
    hint = hint or "; ".join(f"{out.provider}: {out.describe(now)}" for out in waiting)
    return UnavailableError(message, retry_after=seconds, hint=hint)


def _short(model: str) -> str:
    return model if len(model) <= _LONGEST else f"{model[:_LONGEST]}…"


def _not_found(model: str, rule: Rule, left_out: str, snapshot: Snapshot, catalogue: Catalogue) -> Refusal:
    exclusive = snapshot.standing.exclusive
    callable_now = [view for view in snapshot.providers.values() if not absence(view)]
    suggestions = _suggestions(model, callable_now, snapshot, catalogue)
    advice = [f"did you mean {' or '.join(map(_shown, suggestions))}?"] if suggestions else []
    prefix, colon, _ = model.partition(":")
    if colon and prefix not in snapshot.providers:
        advice.append(f"no provider is named {prefix!r}")
    message = f"no provider serves the model {model!r}"
    if rule == "exclusive" and exclusive is not None:
        message = f"the provider {exclusive.name!r} is exclusive and does not serve the model {model!r}"
        advice.append(f"`proxyctl providers set {exclusive.name} pooled` lets the others serve")
    if rule == "alias":
        message = f"no target of the alias that {model!r} matches can be asked"
    if rule == "prefix":
        message = f"{model!r}: the provider has said that it does not have this model"
    hint = "; ".join([*advice, left_out] if left_out else advice)
    error = NotFoundError(message, code="model_not_found", param="model", hint=hint)
    return Refusal(error, tuple(advice), suggestions)


def _suggestions(
    model: str, views: Sequence[ProviderView], snapshot: Snapshot, catalogue: Catalogue
) -> tuple[Suggestion, ...]:
    sources: dict[str, Source] = {f"{view.name}:{name}": "map" for view in views for name in view.models}
    sources |= dict.fromkeys(snapshot.alias_names(), "alias")
    nearest = catalogue.nearest(model, SUGGESTIONS, providers={view.name for view in views}, names=tuple(sources))

    def source(name: str) -> Source:
        provider, _, listed = name.partition(":")
        return sources.get(name) or ("list" if catalogue.lists(provider, listed) else "prices")

    return tuple(Suggestion(name, source(name)) for name in nearest)


def _shown(suggestion: Suggestion) -> str:
    """What nobody has listed may not be there: it is said."""
    unsure = " (known by its price, not listed)" if suggestion.source == "prices" else ""
    return f"`{suggestion.name}`{unsure}"
