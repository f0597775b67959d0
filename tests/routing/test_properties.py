"""What holds of every plan, whatever is configured and whatever has happened before."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import DataObject
from msgspec.structs import replace

from proxyctl.config.model import AliasSettings, RoutingSettings
from proxyctl.core.clock import ManualClock
from proxyctl.core.errors import NotFoundError, UnavailableError
from proxyctl.core.exchange import Peek
from proxyctl.routing.affinity import Affinity
from proxyctl.routing.availability import (
    COOLDOWN_CAP,
    Availability,
    Cooldown,
    CredentialRefused,
    ModelMissing,
    Out,
)
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.deployment import Deployment
from proxyctl.routing.needs import ModelFacts
from proxyctl.routing.plan import Plan, PlanQuery, explain, plan
from proxyctl.routing.snapshot import ProviderView, Snapshot

NAMES = ("gemini", "anthropic", "groq", "together", "local")
MODELS = ("shared", "claude-opus-5-5", "gemini-3.8-flash", "alpha:1", "org/model", "nonsense")
KNOWN = {
    "gemini": ("gemini-3.8-flash", "shared"),
    "anthropic": ("claude-opus-5-5",),
    "groq": ("shared", "org/model"),
    "together": ("shared", "org/model", "claude-opus-5-5"),
    "local": ("alpha:1", "shared"),
}
PREFIXED = tuple(f"{name}{mark}{model}" for name in NAMES for mark in ":/" for model in MODELS)

modes = st.sampled_from(("off", "pooled", "fallback"))
facts = st.builds(
    ModelFacts,
    tools=st.sampled_from((None, True, False)),
    thinking=st.sampled_from((None, True, False)),
    max_output=st.sampled_from((None, 100, 100_000)),
)


@st.composite
def views(draw, alone: tuple[str | None, ...] = (None, *NAMES)) -> list[ProviderView]:
    """Five providers in any modes; one of `alone` is exclusive."""
    exclusive = draw(st.sampled_from(alone))
    made = []
    for position, name in enumerate(NAMES):
        stated = draw(facts)
        made.append(
            ProviderView(
                name=name,
                label=name.title(),
                mode="exclusive" if name == exclusive else draw(modes),
                inactive=draw(st.sampled_from(("", "", "", "its key is not set"))),
                weight=draw(st.sampled_from((1.0, 2.0, 5.0))),
                priority=draw(st.sampled_from((10, 100))),
                substitute=draw(st.sampled_from((None, True, False))),
                facts=lambda model, stated=stated: stated if model == "shared" else ModelFacts(),
                credentials=draw(st.sampled_from(((), ("one",), ("one", "two", "three")))),
                tier_models={"large": f"{name}-large", "medium": "shared"},
                position=position,
            )
        )
    return made


routing = st.builds(
    RoutingSettings,
    primary=st.sampled_from(NAMES),
    prefix_fallback=st.booleans(),
    exclusive_escape=st.booleans(),
    substitute=st.booleans(),
)
queries = st.builds(
    PlanQuery,
    peek=st.builds(
        Peek,
        model=st.sampled_from((*MODELS, *PREFIXED, "fast", "glob-x")),
        has_tools=st.booleans(),
        wants_thinking=st.booleans(),
        max_output=st.sampled_from((None, 1000)),
    ),
    dialect=st.just("openai-chat"),
    session=st.sampled_from(("", "one", "two")).map(lambda key: lambda: key),
    allow_prefix_fallback=st.sampled_from((None, True)),
    substitute=st.sampled_from((None, False)),
)
ALIASES = {
    "fast": AliasSettings(targets=("groq:quick", "local:quick", "gemini:quick"), strict=True),
    "glob-*": AliasSettings(targets=("together:{model}",)),
}


def catalogue() -> Catalogue:
    made = Catalogue()
    for name, known in KNOWN.items():
        made.replace(name, dict.fromkeys(known, ModelFacts()), updated_at=0.0)
    return made


def check(made: Plan, snapshot: Snapshot) -> None:
    """What no plan may break."""
    providers = snapshot.providers
    keys = [(step.provider, step.model, step.credential) for step in made.steps]
    assert len(keys) == len(set(keys))
    assert bool(made.steps) == (made.refusal is None)
    for step in made.steps:
        view = providers[step.provider]
        assert view.mode != "off"
        assert not view.inactive
        assert step.reason
        assert step.credential < max(1, len(view.credentials))
        assert step.mode == view.mode
    assert {skip.provider for skip in made.skipped} | {step.provider for step in made.steps} == set(providers)
    exclusive = snapshot.standing.exclusive
    if exclusive is not None and not snapshot.routing.exclusive_escape and made.rule == "exclusive":
        assert {step.provider for step in made.steps} <= {exclusive.name}
    if exclusive is not None:
        assert made.rule in {"prefix", "alias", "exclusive"}
    blocks = [step.provider + step.model for step in made.steps]
    assert len(list(itertools.groupby(blocks))) == len(set(blocks))
    # An exclusive provider goes first even as a stand-in: the others are only its escape.
    alone = exclusive.name if exclusive is not None else ""
    natives_first = [step.substitute for step in made.steps if step.provider != alone]
    assert made.rule == "alias" or natives_first == sorted(natives_first)


@settings(max_examples=300, deadline=None)
@given(views(), routing, queries)
def test_no_plan_holds_what_it_may_not(providers, given_routing, query):
    snapshot = Snapshot(providers, given_routing, aliases=ALIASES)
    state = (snapshot, catalogue(), Availability(), Affinity(), 1000.0)

    explained = explain(query, *state)
    check(explained, snapshot)
    if explained.refusal is None:
        assert plan(query, *state) == replace(explained, skipped=())
        return
    with pytest.raises(type(explained.refusal)) as caught:
        plan(query, *state)
    assert caught.value.message == explained.refusal.message


@settings(max_examples=150, deadline=None)
@given(views(), st.sampled_from(NAMES), st.sampled_from(MODELS))
def test_a_prefixed_plan_has_one_provider(providers, name, model):
    snapshot = Snapshot(providers, RoutingSettings(primary="gemini"), aliases=ALIASES)
    query = PlanQuery(peek=Peek(model=f"{name}:{model}"), dialect="openai-chat")

    made = explain(query, snapshot, catalogue(), Availability(), Affinity(), 1000.0)

    assert made.rule == "prefix"
    assert {step.provider for step in made.steps} <= {name}
    assert made.refusal is None or snapshot.providers[name].mode == "off" or snapshot.providers[name].inactive


@settings(max_examples=150, deadline=None)
@given(views(alone=NAMES), st.sampled_from(MODELS))
def test_the_exclusive_provider_wins_over_everyone(providers, model):
    snapshot = Snapshot(providers, RoutingSettings(primary="gemini"))
    alone = snapshot.standing.exclusive
    assert alone is not None

    made = explain(
        PlanQuery(peek=Peek(model=model), dialect="openai-chat"), snapshot, catalogue(), Availability(), Affinity(), 0.0
    )

    assert {step.provider for step in made.steps} <= {alone.name}
    assert made.steps or isinstance(made.refusal, NotFoundError | UnavailableError)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_shares_are_exact_after_a_whole_round(weights):
    providers = [
        ProviderView(name=name, label=name, mode="pooled", weight=float(weight), position=position, models={"m": "m"})
        for position, (name, weight) in enumerate(zip(NAMES, weights, strict=False))
    ]
    snapshot, affinity = Snapshot(providers, RoutingSettings(primary="gemini")), Affinity()
    query = PlanQuery(peek=Peek(model="m"), dialect="openai-chat")

    served = Counter(
        plan(query, snapshot, Catalogue(), Availability(), affinity, 0.0).steps[0].provider
        for _ in range(sum(weights) * 2)
    )

    assert served == {view.name: weight * 2 for view, weight in zip(providers, weights, strict=True)}


class LifeOfARouter(RuleBasedStateMachine):
    """Requests, failures, reloads and time in any order; two routers with one history must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.places: dict[str, tuple[str, str]] = {}
        self.catalogue = catalogue()
        self.routers = [(Availability(), Affinity()) for _ in range(2)]
        self.snapshot = Snapshot([], RoutingSettings(primary="gemini"))

    @initialize(providers=views())
    def begin(self, providers: list[ProviderView]) -> None:
        self.snapshot = Snapshot(providers, RoutingSettings(primary="gemini"), aliases=ALIASES)

    @rule(seconds=st.sampled_from((0.5, 5.0, 31.0, 700.0)))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(name=st.sampled_from(NAMES), mode=modes)
    def set_mode(self, name: str, mode: str) -> None:
        changed = [
            ProviderView(**{**{field: getattr(view, field) for field in view.__struct_fields__}, "mode": mode})
            if view.name == name
            else view
            for view in self.snapshot.providers.values()
        ]
        self.snapshot = Snapshot(changed, RoutingSettings(primary="gemini"), aliases=ALIASES)
        for availability, _ in self.routers:
            availability.config_changed(NAMES)

    @rule(name=st.sampled_from(NAMES))
    def reset(self, name: str) -> None:
        for availability, _ in self.routers:
            availability.reset(name)
            assert availability.entries(name, self.clock.now()) == ()

    @rule(query=queries, data=st.data())
    def request(self, query: PlanQuery, data: DataObject) -> None:
        now = self.clock.now()
        made = [self._plan(query, *router, now) for router in self.routers]

        first, second = made
        assert first.steps == second.steps
        assert first.skipped == second.skipped
        check(first, self.snapshot)
        if first.refusal is not None:
            if isinstance(first.refusal, UnavailableError) and first.refusal.retry_after is not None:
                assert 0 < first.refusal.retry_after <= COOLDOWN_CAP
            return
        happened = data.draw(st.sampled_from(("served", "failed", "cooled", "refused", "missing")))
        for availability, affinity in self.routers:
            self._happen(happened, first.steps[0], first.session, availability, affinity, now)

    def _plan(self, query: PlanQuery, availability: Availability, affinity: Affinity, now: float) -> Plan:
        arguments = (query, self.snapshot, self.catalogue, availability, affinity, now)
        foreseen = explain(*arguments)
        if foreseen.refusal is None:
            assert plan(*arguments) == replace(foreseen, skipped=())
        return foreseen

    def _happen(
        self,
        happened: str,
        step: Deployment,
        session: str,
        availability: Availability,
        affinity: Affinity,
        now: float,
    ) -> None:
        entered = availability.enter(step, now)
        assert not isinstance(entered, Out)
        if entered is not None:
            availability.leave(entered)
        if happened == "served":
            availability.succeeded(step, now, entered)
            affinity.succeeded(session, step, now)
            assert availability.find(step.provider, step.model, step.credential, now) is None
            return
        affinity.failed(session, step, now)
        if happened == "failed":
            availability.failed(step, "500", now, entered)
            return
        consequence = {
            "cooled": Cooldown(reason="429"),
            "refused": CredentialRefused("401"),
            "missing": ModelMissing("404"),
        }[happened]
        availability.apply(consequence, step, now)
        assert availability.find(step.provider, step.model, step.credential, now) is not None

    @precondition(lambda self: self.snapshot.providers)
    @invariant()
    def every_wait_ends(self) -> None:
        now = self.clock.now()
        for availability, _ in self.routers:
            for name in NAMES:
                for out in availability.entries(name, now):
                    assert out.until is None or now < out.until <= now + COOLDOWN_CAP


LifeOfARouter.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLifeOfARouter = LifeOfARouter.TestCase


@settings(max_examples=60, deadline=None)
@given(views(alone=(None,)), st.lists(st.sampled_from(("a", "b", "c", "d")), min_size=4, max_size=30))
def test_a_session_that_never_fails_never_moves(providers, sessions):
    snapshot, affinity = Snapshot(providers, RoutingSettings(primary="gemini")), Affinity()
    places: dict[str, tuple[str, str, int]] = {}

    for turn, session in enumerate(sessions):
        query = PlanQuery(peek=Peek(model="shared"), dialect="openai-chat", session=lambda session=session: session)
        made = explain(query, snapshot, catalogue(), Availability(), affinity, float(turn))
        if made.refusal is not None:
            return
        made = plan(query, snapshot, catalogue(), Availability(), affinity, float(turn))
        step = made.steps[0]
        affinity.succeeded(made.session, step, float(turn))
        assert places.setdefault(session, (step.provider, step.model, step.credential)) == (
            step.provider,
            step.model,
            step.credential,
        )
