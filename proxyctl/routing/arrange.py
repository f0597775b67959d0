"""From candidates to deployments: what can serve this request now, in which order, with which key.

For each stage: models that cannot serve the request are left out, then what is out of use, then models that would leave
something undone (while others would not). What remains is ordered group by group: a session stays where it is, weighted
groups take turns, and the keys of one provider stand side by side, taking turns as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeGuard

from msgspec import Struct

from proxyctl.core.exchange import Peek
from proxyctl.routing.affinity import Affinity, Hold, session_key
from proxyctl.routing.availability import Availability, Out
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.needs import ModelFacts, inability, shortfall
from proxyctl.routing.select import Candidate, Group, Stage
from proxyctl.routing.snapshot import Snapshot


class Skip(Struct, frozen=True):
    """A provider, or one of its deployments, that is left out of a plan, and why."""

    provider: str
    reason: str


class Usable(NamedTuple):
    """A candidate with the credentials that can be used now."""

    candidate: Candidate
    credentials: list[int]
    shortfall: str


class Arranger:
    """Arranges one request's stages. `take` false: nothing is used up, the plan is only shown.

    After `arrange`: `steps` in order, `skips` with their reasons, `benched` what is out of use, `unable` whether some
    candidate was left out for what the request needs, `session` the key that was looked up (`""`: no choice was made),
    `chose` whether a session was asked for or a turn drawn, `facts` all that was known of the candidates' models.
    """

    def __init__(
        self,
        peek: Peek,
        session: Callable[[], str],
        snapshot: Snapshot,
        catalogue: Catalogue,
        availability: Availability,
        affinity: Affinity,
        now: float,
        *,
        take: bool,
    ) -> None:
        self._peek = peek
        self._ask_session = session
        self._snapshot = snapshot
        self._catalogue = catalogue
        self._availability = availability
        self._affinity = affinity
        self._now = now
        self._take = take
        self._asked = False
        seconds = snapshot.routing.affinity_minutes * 60
        self._is_held = affinity.holds_any(now, seconds=seconds)
        self._hold: Hold | None = None
        self._planned: set[tuple[str, str]] = set()
        self._providers: set[str] = set()
        self.session = ""
        self.chose = False
        self.facts: list[ModelFacts] = []
        self.steps: list[Deployment] = []
        self.skips: list[Skip] = []
        self.benched: list[tuple[Candidate, int, Out]] = []
        self.unable: list[Skip] = []

    def arrange(self, stages: list[Stage]) -> None:
        for stage in stages:
            self._arrange_stage(stage)
        if not self.steps:
            self._add_trial()

    def _arrange_stage(self, stage: Stage) -> None:
        usable = [[found for one in group.candidates if (found := self._usable(one))] for group in stage]
        full = [[one for one in group if not one.shortfall] for group in usable]
        if any(full):
            self.skips += (
                Skip(one.candidate.view.name, f"{one.candidate.model} {one.shortfall}")
                for group in usable
                for one in group
                if one.shortfall
            )
            usable = full
        for group, members in zip(stage, usable, strict=True):
            for member in self._ordered(group, members):
                self._add(member)

    def _usable(self, candidate: Candidate) -> Usable | None:
        """The candidate with its usable keys; `None` (and the reason noted) when it cannot serve now."""
        view, model = candidate.view, candidate.model
        if candidate.substitute and view.name in self._providers:
            return None
        stated, listed = self._facts(candidate)
        self.facts += (stated, listed)
        reason = inability(self._peek, stated) or inability(self._peek, listed)
        if reason:
            self.unable.append(Skip(view.name, f"{model} {reason}"))
            return None
        credentials = []
        for index in range(len(view.credentials) or 1):
            out = self._availability.find(view.name, model, index, self._now)
            if out is None:
                credentials.append(index)
            else:
                self.benched.append((candidate, index, out))
        if not credentials:
            return None
        return Usable(candidate, credentials, shortfall(self._peek, stated) or shortfall(self._peek, listed))

    def _facts(self, candidate: Candidate) -> tuple[ModelFacts, ModelFacts]:
        """What the provider states of the model and what its list says."""
        return (
            self._snapshot.stated_facts(candidate.view, candidate.model),
            self._catalogue.facts(candidate.view.name, candidate.model),
        )

    def _ordered(self, group: Group, found: list[Usable]) -> list[Usable]:
        # Asked for all candidates, not only the usable ones: a session that began while the others were out stays too.
        # Where order is fixed and no session is held anywhere, there is nothing to ask.
        is_choice = group.sticky and len(group.candidates) > 1 and (group.weighted or self._is_held)
        hold = self._held() if is_choice else None
        if len(found) < 2:
            return found
        stays = next((one for one in found if _is_place(hold, one.candidate)), None)
        if group.weighted:
            turns: dict[Hashable, float] = {one.candidate.view.name: one.candidate.view.weight for one in found}
            order = self._turns(turns, settled=stays is not None)
            found = sorted(found, key=lambda one: order.index(one.candidate.view.name))
        return found if stays is None else [stays, *(one for one in found if one is not stays)]

    def _add(self, one: Usable) -> None:
        """Add a candidate's deployments: one a usable key, the session's own key first."""
        candidate, view = one.candidate, one.candidate.view
        if (view.name, candidate.model) in self._planned:
            return
        credentials = self._keys_in_turn(one) if len(view.credentials) > 1 else one.credentials
        reason = f"{candidate.reason}; {one.shortfall}, like all the others" if one.shortfall else candidate.reason
        for index in credentials:
            is_here = _is_place(self._hold, candidate) and self._hold.credential == index
            self._step(candidate, index, f"{reason}; the session is here" if is_here else reason)
        self._planned.add((view.name, candidate.model))
        self._providers.add(view.name)

    def _keys_in_turn(self, one: Usable) -> list[int]:
        name, hold = one.candidate.view.name, self._held()
        own = hold.credential if _is_place(hold, one.candidate) and hold.credential in one.credentials else None
        keys: dict[Hashable, int] = {(name, index): index for index in one.credentials}
        in_turn = [keys[key] for key in self._turns(dict.fromkeys(keys, 1.0), settled=own is not None)]
        return in_turn if own is None else [own, *(index for index in in_turn if index != own)]

    def _turns(self, turns: dict[Hashable, float], *, settled: bool) -> list[Hashable]:
        """The draw's order. A turn is used up only by what will be tried first, and not when a session decided."""
        self.chose = True
        return self._affinity.draw.order(turns, self._now, take=self._take and not settled and not self.steps)

    def _held(self) -> Hold | None:
        """The session's place, looked up when the first choice has to be made."""
        seconds = self._snapshot.routing.affinity_minutes * 60
        if self._asked or seconds <= 0:
            return self._hold
        self._asked = self.chose = True
        self.session = session_key(self._ask_session(), self._peek.model)
        hold = self._affinity.held(self.session, self._now, seconds=seconds)
        if hold is not None:
            view = self._snapshot.providers.get(hold.provider)
            if view is not None and view.mode == hold.mode:
                self._hold = hold
        return self._hold

    def _step(self, candidate: Candidate, index: int, reason: str) -> None:
        view = candidate.view
        self.steps.append(
            Deployment(
                provider=view.name,
                model=candidate.model,
                credential=index,
                credential_label=view.credentials[index] if view.credentials else "",
                reason=reason,
                mode=view.mode,
                substitute=candidate.substitute,
            )
        )

    def _add_trial(self) -> None:
        """Everything is out of use: let one request through to the first whose trial is due."""
        for candidate, index, out in self.benched:
            due = self._availability.take_trial(out, self._now) if self._take else self._now >= out.trial_at
            if due:
                self._step(candidate, index, f"{candidate.reason}; a trial, since all are out of use")
                return


def _is_place(hold: Hold | None, candidate: Candidate) -> TypeGuard[Hold]:
    """Whether this is where the session is."""
    return hold is not None and hold.provider == candidate.view.name and hold.model == candidate.model
