"""A remembered plan is the plan that would have been made."""

import pytest
from msgspec.structs import replace

from proxyctl.config.model import RoutingSettings
from proxyctl.core.exchange import Peek
from proxyctl.routing.affinity import Affinity
from proxyctl.routing.availability import Availability, Cooldown
from proxyctl.routing.catalogue import Catalogue
from proxyctl.routing.needs import ModelFacts
from proxyctl.routing.plan import Plan, PlanQuery, explain, plan
from proxyctl.routing.snapshot import ProviderView, Snapshot

NOW = 1000.0
SMALL = ModelFacts(context=1000, max_output=100, tools=False)


class Router:
    def __init__(self, *views: ProviderView) -> None:
        placed = [replace(view, position=place) for place, view in enumerate(views)]
        self.snapshot = Snapshot(placed, RoutingSettings(primary=placed[0].name))
        self.catalogue = Catalogue()
        self.availability = Availability()
        self.affinity = Affinity()

    def plan(self, **peek: object) -> Plan:
        query = PlanQuery(peek=Peek(**{"model": "m", **peek}), dialect="openai-chat")
        state = (self.snapshot, self.catalogue, self.availability, self.affinity, NOW)
        expected = replace(explain(query, *state), skipped=())
        made = plan(query, *state)
        assert made == expected
        return made


def view(name: str, mode: str = "pooled", facts: ModelFacts | None = None, **more: object) -> ProviderView:
    known = facts or ModelFacts()
    return ProviderView(name=name, label=name, mode=mode, models={"m": "m"}, facts=lambda _: known, **more)


def test_the_same_request_gets_the_very_same_plan() -> None:
    router = Router(view("a"), view("b", "fallback"))

    assert router.plan() is router.plan()


def test_what_the_request_needs_is_part_of_the_name() -> None:
    router = Router(view("a", facts=SMALL), view("b", "fallback"))

    assert [step.provider for step in router.plan().steps] == ["a", "b"]
    assert [step.provider for step in router.plan(has_tools=True).steps] == ["b"]
    assert [step.provider for step in router.plan().steps] == ["a", "b"]


@pytest.mark.parametrize("large", [{"size": 6001}, {"max_output": 101}])
def test_a_request_beyond_a_limit_is_planned_anew(large: dict[str, int]) -> None:
    router = Router(view("a", facts=SMALL), view("b", "fallback"))

    before = router.plan()

    assert [step.provider for step in router.plan(**large).steps] == ["b"]
    assert router.plan() is before


def test_what_is_out_of_use_is_not_in_a_remembered_plan() -> None:
    router = Router(view("a"), view("b", "fallback"))
    first = router.plan().steps[0]

    router.availability.apply(Cooldown(reason="429", retry_after=60), first, NOW)

    assert [step.provider for step in router.plan().steps] == ["b"]


def test_a_changed_catalogue_is_planned_anew() -> None:
    router = Router(view("a"), view("b", "fallback"))
    before = router.plan()

    router.catalogue.replace("a", {"m": SMALL}, updated_at=NOW)

    assert router.plan() is not before


def test_turns_are_drawn_each_time() -> None:
    router = Router(view("a"), view("b"))

    assert {router.plan().steps[0].provider for _ in range(4)} == {"a", "b"}


def test_a_held_session_is_asked_for() -> None:
    router = Router(view("a"), view("b", "fallback"), view("c", "fallback"))
    before = router.plan()

    router.affinity.succeeded("session\0m", before.steps[2], NOW)

    assert router.plan() is not before


def test_invented_names_do_not_grow_the_memo() -> None:
    router = Router(view("a", serves_family=lambda _: True))

    for number in range(3000):
        router.plan(model=f"m{number}")

    assert len(router.snapshot.plans._kept) <= 2048
