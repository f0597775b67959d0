"""Say why nobody serves a request, and what would help: the error of a plan without deployments.

404 model_not_found         nobody serves the model, or each that should has said that it does not have it
400 unsupported             those that serve it cannot do what the request asks for
503 no_provider_available   everybody who could serve is out of use; `retry_after` is the soonest recovery
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from proxyctl.core.errors import GatewayError, NotFoundError, UnavailableError, UnsupportedError
from proxyctl.routing.arrange import Arranger, Skip
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.modes import absence
from proxyctl.routing.select import Rule
from proxyctl.routing.snapshot import ProviderView, Snapshot

SUGGESTIONS = 3
_SHOWN = 200
"""A model's name is repeated up to this length: a caller may send anything."""


class Refusal(NamedTuple):
    error: GatewayError
    suggestions: tuple[str, ...] = ()


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
    model = model if len(model) <= _SHOWN else f"{model[:_SHOWN]}…"
    left_out = "; ".join(f"{skip.provider}: {skip.reason}" for skip in skipped)
    waiting = [out for _, _, out in arranger.benched if out.kind != "missing"]
    if waiting:
        seconds = max(1, math.ceil(min(out.recovery for out in waiting) - now))
        message = f"all providers that could serve {model!r} are out of use for now"
        return Refusal(UnavailableError(message, retry_after=seconds, hint=left_out))
    if arranger.unable:
        reasons = "; ".join(f"{skip.provider}: {skip.reason}" for skip in arranger.unable)
        return Refusal(UnsupportedError(f"no provider can serve this request: {reasons}", hint=left_out))
    exclusive = snapshot.standing.exclusive
    if rule == "exclusive" and exclusive is not None and exclusive.inactive:
        message = f"the provider {exclusive.name!r} is exclusive but has no usable key: {exclusive.inactive}"
        hint = f"give it a key and `proxyctl reload`, or `proxyctl providers set {exclusive.name} pooled`"
        return Refusal(UnavailableError(message, hint=hint))
    return _not_found(model, rule, left_out, snapshot, catalogue)


def _not_found(model: str, rule: Rule, left_out: str, snapshot: Snapshot, catalogue: Catalogue) -> Refusal:
    exclusive = snapshot.standing.exclusive
    callable_now = [view for view in snapshot.providers.values() if not absence(view)]
    suggestions = catalogue.nearest(
        model,
        SUGGESTIONS,
        providers={view.name for view in callable_now},
        names=(*snapshot.alias_names(), *_mapped_names(callable_now)),
    )
    hints = [f"did you mean {' or '.join(f'`{name}`' for name in suggestions)}?"] if suggestions else []
    prefix, colon, _ = model.partition(":")
    if colon and prefix not in snapshot.providers:
        hints.append(f"no provider is named {prefix!r}")
    if left_out:
        hints.append(left_out)
    message = f"no provider serves the model {model!r}"
    if rule == "exclusive" and exclusive is not None:
        message = f"the provider {exclusive.name!r} is exclusive and does not serve the model {model!r}"
        hints.append(f"`proxyctl providers set {exclusive.name} pooled` lets the others serve")
    if rule == "alias":
        message = f"no target of the alias that {model!r} matches can be asked"
    if rule == "prefix":
        message = f"{model!r}: the provider has said that it does not have this model"
    error = NotFoundError(message, code="model_not_found", param="model", hint="; ".join(hints))
    return Refusal(error, suggestions)


def _mapped_names(views: Sequence[ProviderView]) -> tuple[str, ...]:
    return tuple(f"{view.name}:{name}" for view in views for name in view.models)
