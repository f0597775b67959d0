"""Failures, answers, trials that end in every way, a clock that jumps, in any order: nothing is benched for good."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxyctl.core.clock import ManualClock
from proxyctl.core.errors import UnavailableError
from proxyctl.routing.availability import TRIAL_SPACING, Cooldown, Out
from proxyctl.routing.breaker import OPEN_LAST, ROW, TRIAL_SECONDS, Trial
from proxyctl.routing.deployment import Deployment
from tests.routing.conftest import World

BOTH = ("gemini", "groq")
LONGEST = max(OPEN_LAST, TRIAL_SECONDS)


class LifeOfABreaker(RuleBasedStateMachine):
    """Two providers serve `m`. Requests may be under way together; each ends once."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(
            gemini={"mode": "pooled", "models": {"m": "m"}}, groq={"mode": "fallback", "models": {"m": "m"}}
        )
        self.clock: ManualClock = self.world.clock
        self.running: list[tuple[Deployment, Trial | None]] = []
        self.trials_at: dict[str, list[tuple[Trial, float]]] = {name: [] for name in BOTH}

    @property
    def now(self) -> float:
        return self.clock.now()

    @rule(seconds=st.sampled_from((0.5, 3.0, 5.0, 11.0, 31.0, 61.0, 400.0)))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from((-7200.0, -30.0, 7200.0)))
    def jump(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.trials_at = {name: [] for name in BOTH}

    @rule()
    def begin(self) -> None:
        """A request goes to the first of its plan that the breaker lets it to, as dispatch has it."""
        foreseen = self.world.explain("m")
        if foreseen.refusal is not None:
            assert isinstance(foreseen.refusal, UnavailableError)
            assert foreseen.refusal.retry_after is not None
            assert 1 <= foreseen.refusal.retry_after <= TRIAL_SPACING + 1
            return
        for step in self.world.plan("m").steps:
            entered = self.world.availability.enter(step, self.now)
            assert not isinstance(entered, Out), "planned now, so it may be entered now"
            if entered is not None:
                self._one_at_a_time(step.provider, entered)
            self.running.append((step, entered))
            return

    def _one_at_a_time(self, provider: str, trial: Trial) -> None:
        held = [at for one, at in self.trials_at[provider] if any(one is mine for _, mine in self.running)]
        assert all(self.now - at >= TRIAL_SECONDS for at in held)
        self.trials_at[provider].append((trial, self.now))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), end=st.sampled_from(("answered", "cut", "failed", "failed", "failed", "neutral", "cooled")))
    def end(self, data: st.DataObject, end: str) -> None:
        step, trial = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        availability = self.world.availability
        opening = availability._breaker.opened.get((step.provider, step.model, step.credential))
        decides = trial is not None and trial.opening is opening  # no reset and no newer trial came between
        if trial is not None and end in ("answered", "cut"):
            availability.answering(trial, self.now)
            assert availability.enter(step, self.now) is None
        if trial is not None:
            availability.leave(trial)
        if end == "answered":
            availability.succeeded(step, self.now, trial)
            if trial is not None:
                assert availability.find(step.provider, step.model, step.credential, self.now) is None
        elif end in ("cut", "failed"):
            availability.failed(step, "500", self.now, trial)
            if decides:
                assert availability.find(step.provider, step.model, step.credential, self.now) is not None
        elif end == "cooled":
            availability.apply(Cooldown(reason="429"), step, self.now)

    @rule(provider=st.sampled_from(BOTH))
    def break_down(self, provider: str) -> None:
        """An outage: whatever is asked without a trial fails until the breaker opens."""
        step = Deployment(provider=provider, model="m", credential=0, credential_label="", reason="", mode="pooled")
        availability = self.world.availability
        for _ in range(ROW):
            availability.failed(step, "500", self.now)

    @rule(provider=st.sampled_from(BOTH))
    def reset(self, provider: str) -> None:
        self.world.availability.reset(provider)
        assert self.world.availability.entries(provider, self.now) == ()
        assert self.world.availability.find(provider, "m", 0, self.now) is None

    @invariant()
    def every_wait_has_an_end_that_is_near(self) -> None:
        for name in BOTH:
            for out in self.world.availability.entries(name, self.now):
                assert out.until is not None
                assert self.now < out.until <= self.now + LONGEST + 1

    @invariant()
    def nothing_is_stuck(self) -> None:
        """Whatever is under way, after the longest wait somebody can be asked: looked at, not done."""
        later = self.now + LONGEST + 1
        assert any(self.world.availability.find(name, "m", 0, later) is None for name in BOTH)

    @invariant()
    def the_last_one_is_tried_again_and_again(self) -> None:
        query = self.world.explain("m")
        if query.refusal is not None:
            outs = [out for name in BOTH for out in self.world.availability.entries(name, self.now)]
            assert min(out.recovery for out in outs) <= self.now + TRIAL_SPACING + 1


LifeOfABreaker.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestLifeOfABreaker = LifeOfABreaker.TestCase
