"""The order of deployments: turns by weight, sessions, keys, needs, and what is out of use."""

from __future__ import annotations

from collections import Counter

import pytest

from proxyctl.core.errors import NotFoundError, UnavailableError, UnsupportedError
from proxyctl.core.exchange import Peek
from proxyctl.routing.availability import Cooldown, CredentialRefused, ModelMissing
from proxyctl.routing.breaker import Trial
from proxyctl.routing.needs import ModelFacts
from proxyctl.routing.plan import PlanQuery, plan

LLAMA = "llama-3.3-70b-versatile"
SHARED = {"gemini": {"m": ModelFacts()}, "groq": {"m": ModelFacts()}, "together": {"m": ModelFacts()}}


def pool(world, **weights):
    """A pool of providers that all have the model `m`."""
    providers = {name: {"mode": "pooled", "weight": weight} for name, weight in weights.items()}
    return world(**providers, lists=SHARED)


# Weights.


def test_shares_follow_the_weights(world):
    here = pool(world, gemini=3.0, groq=2.0, together=1.0)

    served = Counter(here.serve("m").provider for _ in range(60))

    assert served == {"gemini": 30, "groq": 20, "together": 10}


def test_turns_are_spread_and_not_in_bursts(world):
    here = pool(world, gemini=2.0, groq=1.0)

    assert [here.serve("m").provider for _ in range(6)] == ["gemini", "groq", "gemini"] * 2


def test_explaining_uses_no_turn_up(world):
    here = pool(world, gemini=1.0, groq=1.0)

    explained = [here.explain("m").steps[0].provider for _ in range(3)]

    assert explained == ["gemini"] * 3
    assert [here.serve("m").provider for _ in range(2)] == ["gemini", "groq"]


def test_what_is_explained_is_what_happens(world):
    here = pool(world, gemini=3.0, groq=1.0)

    for _ in range(8):
        assert here.explain("m") == here.plan("m")


def test_recent_failures_shrink_a_share_and_are_forgotten(world):
    here = pool(world, gemini=1.0, groq=1.0)
    step = here.explain("m").steps[0]
    for _ in range(4):
        here.affinity.failed("", step, here.clock.now())

    shrunk = Counter(here.plan("m").steps[0].provider for _ in range(60))
    here.clock.advance(3600)
    later = Counter(here.plan("m").steps[0].provider for _ in range(60))

    assert shrunk[step.provider] == 10
    assert later[step.provider] == 30


def test_a_provider_that_is_out_owes_no_turns(world, deployment):
    here = pool(world, gemini=1.0, groq=1.0)
    here.availability.apply(Cooldown(reason="busy", retry_after=20), deployment("groq", "m"), here.clock.now())

    assert {here.serve("m").provider for _ in range(10)} == {"gemini"}
    here.clock.advance(20)
    assert Counter(here.serve("m").provider for _ in range(10)) == {"gemini": 5, "groq": 5}


# Sessions.


def test_a_session_stays_where_it_was_served(world):
    here = pool(world, gemini=1.0, groq=1.0)
    homes = {session: here.serve("m", session=session).provider for session in "abcd"}

    assert Counter(homes.values()) == {"gemini": 2, "groq": 2}
    for session in "dacbbdca":
        step = here.serve("m", session=session)
        assert step.provider == homes[session]
        assert step.reason.endswith("the session is here")


def test_a_session_that_was_silent_for_an_hour_is_placed_anew(world):
    here = pool(world, gemini=1.0, groq=1.0)
    here.serve("m", session="a")
    here.clock.advance(3599)
    assert here.serve("m", session="a").provider == "gemini"

    here.clock.advance(3600)

    assert here.serve("m", session="a").provider == "groq"


def test_each_model_of_a_session_has_its_own_place(world):
    both = {name: {"m": ModelFacts(), "n": ModelFacts()} for name in ("gemini", "groq")}
    here = world(gemini="pooled", groq="pooled", lists=both)

    places = [here.serve(model, session="a").provider for model in ("m", "n", "m", "n")]

    assert places == ["gemini", "groq", "gemini", "groq"]


def test_a_failure_ends_a_sessions_stay(world):
    here = pool(world, gemini=1.0, groq=1.0)
    made = here.plan("m", session="a")
    here.affinity.succeeded(made.session, made.steps[0], here.clock.now())

    here.affinity.failed(made.session, made.steps[0], here.clock.now())

    assert here.affinity.held(made.session, here.clock.now(), seconds=3600) is None


def test_a_cooldown_moves_a_session_for_its_time(world, deployment):
    here = pool(world, gemini=1.0, groq=1.0)
    here.serve("m", session="a")
    here.availability.apply(Cooldown(reason="busy", retry_after=20), deployment("gemini", "m"), here.clock.now())

    assert here.serve("m", session="a").provider == "groq"
    here.clock.advance(60)
    assert here.serve("m", session="a").provider == "groq"


def test_a_session_that_began_while_the_others_were_out_stays_too(world, deployment):
    here = pool(world, gemini=1.0, groq=1.0)
    here.availability.apply(Cooldown(reason="busy", retry_after=20), deployment("gemini", "m"), here.clock.now())
    assert here.serve("m", session="a").provider == "groq"

    here.clock.advance(60)

    assert {here.serve("m", session="a").provider for _ in range(5)} == {"groq"}


def test_a_changed_mode_ends_the_stay(world):
    here = pool(world, gemini=1.0, groq=1.0)
    here.serve("m")
    assert here.serve("m", session="a").provider == "groq"

    here.change(groq="fallback")

    assert here.serve("m", session="a").provider == "gemini"


def test_no_affinity_when_it_is_switched_off(world):
    here = world(gemini="pooled", groq="pooled", lists=SHARED, routing={"affinity_minutes": 0})

    assert [here.serve("m", session="a").provider for _ in range(4)] == ["gemini", "groq"] * 2
    assert here.plan("m", session="a").session == ""


def test_the_session_is_not_asked_for_without_a_choice(world):
    here = world(gemini="pooled", groq="fallback")

    def never() -> str:
        raise AssertionError("nobody needs the session")

    query = PlanQuery(peek=Peek(model="gemini-3.8-flash"), dialect="openai-chat", session=never)
    made = plan(query, here.snapshot, here.catalogue, here.availability, here.affinity, here.clock.now())
    assert made.session == ""


# Keys.


def keyed(world, *labels):
    return world(gemini={"mode": "pooled", "credentials": labels}, groq="fallback")


def test_the_keys_of_a_provider_stand_together_and_take_turns(world):
    here = keyed(world, "one", "two", "three")

    plans = [[step.credential_label for step in here.plan("gemini-x").steps] for _ in range(4)]

    assert [plan[0] for plan in plans] == ["one", "two", "three", "one"]
    assert all(sorted(plan) == ["one", "three", "two"] for plan in plans)


def test_a_session_keeps_its_key(world):
    here = keyed(world, "one", "two")
    here.serve("gemini-x")

    assert {here.serve("gemini-x", session="a").credential_label for _ in range(4)} == {"two"}


def test_a_refused_key_is_left_out_and_told(world, deployment):
    here = keyed(world, "one", "two")
    here.availability.apply(CredentialRefused("401 bad key"), deployment("gemini", "gemini-x"), here.clock.now())

    assert {step.credential_label for step in here.plan("gemini-y").steps} == {"two"}
    assert here.left_out("gemini-y")["gemini"] == "its key 'one' was refused: 401 bad key"


def test_a_server_without_keys_is_one_deployment(world):
    step = world(local={"mode": "pooled", "credentials": (), "models": {"m": "m"}}).first("m")

    assert (step.credential, step.credential_label) == (0, "")


# Needs.


@pytest.mark.parametrize(
    ("need", "lacking", "words"),
    [
        ({"has_tools": True}, ModelFacts(tools=False), "takes no tools"),
        ({"has_images": True}, ModelFacts(images=False), "takes no images"),
        ({"has_documents": True}, ModelFacts(documents=False), "takes no documents"),
        ({"wants_thinking": True}, ModelFacts(thinking=False), "does not think"),
        ({"wants_json_schema": True}, ModelFacts(json_schema=False), "takes no JSON schema"),
        ({"max_output": 9000}, ModelFacts(max_output=8192), "answers with at most 8192 tokens"),
        ({"size": 60_001}, ModelFacts(context=10_000), "reads at most 10000 tokens"),
    ],
)
def test_a_model_known_to_lack_what_is_needed_is_left_out(world, need, lacking, words):
    here = world(gemini="pooled", groq="pooled", lists={"gemini": {"m": lacking}, "groq": {"m": ModelFacts()}})

    assert here.targets("m", **need) == ["groq:m"]
    assert here.left_out("m", **need)["gemini"] == f"m {words}"
    assert here.targets("m") == ["gemini:m", "groq:m"]


def test_what_a_provider_states_of_its_models_counts_like_its_list(world):
    blind = {"mode": "pooled", "facts": lambda model: ModelFacts(images=model == "other")}
    here = world(gemini=blind, groq="pooled", lists=SHARED)

    assert here.targets("m", has_images=True) == ["groq:m"]


@pytest.mark.parametrize("need", [{"has_tools": True}, {"has_images": True}, {"has_documents": True}])
def test_a_request_that_nobody_can_serve_is_refused(world, need):
    lacking = ModelFacts(tools=False, images=False, documents=False)
    here = world(gemini="pooled", lists={"gemini": {"m": lacking}})

    with pytest.raises(UnsupportedError, match="gemini: m takes no"):
        here.plan("m", **need)


def test_a_stand_in_serves_what_the_model_itself_cannot(world):
    here = world(gemini="pooled", groq="pooled", lists={"groq": {LLAMA: ModelFacts(images=False)}})

    assert here.targets(LLAMA, has_images=True) == ["gemini:gemini-3.8-flash"]


@pytest.mark.parametrize("need", [{"wants_thinking": True}, {"wants_json_schema": True}, {"max_output": 9000}])
def test_what_may_be_left_undone_is_left_undone_when_nobody_is_better(world, need):
    lacking = ModelFacts(thinking=False, json_schema=False, max_output=10)
    here = world(gemini="pooled", lists={"gemini": {"m": lacking}})

    assert here.first("m", **need).reason.endswith(", like all the others")


def test_a_body_with_images_says_nothing_about_the_context(world):
    here = world(
        gemini="pooled", groq="pooled", lists={"gemini": {"m": ModelFacts(context=10)}, "groq": SHARED["groq"]}
    )

    assert here.targets("m", has_images=True, size=1_000_000) == ["gemini:m", "groq:m"]


# Out of use.


def test_a_missing_model_moves_to_those_who_can_stand_in(world, deployment):
    here = world(gemini="pooled", groq="pooled")
    here.availability.apply(ModelMissing("no such model"), deployment("groq", LLAMA), here.clock.now())

    assert here.targets(LLAMA) == ["gemini:gemini-3.8-flash"]
    assert "said that it does not have" in here.left_out(LLAMA)["groq"]
    here.clock.advance(600)
    assert here.targets(LLAMA)[0] == f"groq:{LLAMA}"


def test_a_provider_whose_model_is_gone_may_stand_in_itself(world, deployment):
    here = world(anthropic="pooled", routing={"primary": "anthropic"})
    here.availability.apply(ModelMissing("retired"), deployment("anthropic", "claude-opus-4-1"), here.clock.now())

    assert here.targets("claude-opus-4-1") == ["anthropic:claude-opus-5-5"]


def test_a_model_that_every_provider_denies_is_not_found(world, deployment):
    here = world(groq="pooled", routing={"primary": "groq"})
    here.availability.apply(ModelMissing("no such model"), deployment("groq", "llama-z"), here.clock.now())

    with pytest.raises(NotFoundError, match="does not have this model"):
        here.plan("groq:llama-z")


def test_when_all_are_cooling_the_caller_learns_when_to_come_back(world, deployment):
    here = pool(world, gemini=1.0, groq=1.0)
    now = here.clock.now()
    here.availability.apply(Cooldown(reason="busy", retry_after=12), deployment("gemini", "m"), now)
    here.availability.apply(Cooldown(reason="busy", retry_after=7), deployment("groq", "m"), now)

    with pytest.raises(UnavailableError) as caught:
        here.plan("m")

    assert caught.value.retry_after == 7
    assert "gemini: m is cooling for 12 s: busy" in caught.value.hint


def test_the_last_deployment_gets_single_spaced_trials(world, deployment):
    here = pool(world, gemini=1.0)
    here.availability.apply(CredentialRefused("402 no money"), deployment("gemini", "m"), here.clock.now())
    here.clock.advance(30)

    assert here.explain("m").steps[0].reason.endswith("a trial, since all are out of use")
    assert len(here.plan("m").steps) == 1
    with pytest.raises(UnavailableError) as caught:
        here.plan("m")
    assert caught.value.retry_after == 30
    here.clock.advance(30)
    assert here.serve("m").provider == "gemini"
    assert "a trial" not in here.first("m").reason


def keep_failing(here, step):
    """Open a breaker for its longest time: every trial fails."""
    for _ in range(5):
        here.availability.failed(step, "500", here.clock.now())
    for seconds in (5, 10, 20, 40):
        here.clock.advance(seconds)
        trial = here.availability.enter(step, here.clock.now())
        here.availability.failed(step, "500", here.clock.now(), trial)


def test_a_deployment_that_keeps_failing_is_left_out_until_it_is_tried(world, deployment):
    here = pool(world, gemini=1.0, groq=1.0)
    for _ in range(5):
        here.availability.failed(deployment("gemini", "m"), "500", here.clock.now())

    assert here.targets("m") == ["groq:m"]
    assert here.left_out("m") == {"gemini": "m is failing (tried again in 5 s): 5 failures in a row, the last one: 500"}
    here.clock.advance(5)
    assert sorted(here.targets("m")) == ["gemini:m", "groq:m"]
    assert isinstance(here.availability.enter(deployment("gemini", "m"), here.clock.now()), Trial)
    assert here.targets("m") == ["groq:m"]


def test_the_last_deployment_is_tried_before_a_long_opening_ends(world, deployment):
    here, step = pool(world, gemini=1.0), deployment("gemini", "m")
    keep_failing(here, step)
    with pytest.raises(UnavailableError) as caught:
        here.plan("m")
    assert caught.value.retry_after == 30

    here.clock.advance(30)
    assert here.explain("m").steps[0].reason.endswith("a trial, since all are out of use")
    assert here.availability.find("gemini", "m", 0, here.clock.now()) is not None
    assert len(here.plan("m").steps) == 1

    assert isinstance(here.availability.enter(step, here.clock.now()), Trial)
    with pytest.raises(UnavailableError):
        here.plan("m")
