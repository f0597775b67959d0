"""A provider that keeps failing is left alone and comes back: over sockets, with a clock that the test moves."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from proxyctl.core.clock import ManualClock
from proxyctl.simulator.faults import Fault
from proxyctl.simulator.server import Simulator
from proxyctl.simulator.setup import demo_config
from tests.gateway.conftest import TOKEN, Gateway, StartGateway

MODEL = "llama-3.3-70b-versatile"
GROQ = f"groq:{MODEL}"
DOWN = Fault(kind="status", provider="groq", status=500, times=None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def alone(start_gateway: StartGateway, clock: ManualClock) -> Gateway:
    """A gateway before all simulators; a request by prefix has one provider alone."""
    return await start_gateway(clock=clock)


async def ask(gateway: Gateway, model: str = GROQ, **more: object) -> httpx.Response:
    return await gateway.http.post("/v1/chat/completions", json=gateway.chat(model, **more))


async def managed(gateway: Gateway, method: str, path: str) -> httpx.Response:
    return await gateway.http.request(method, path, headers={"authorization": f"Bearer {TOKEN}"})


def asked(gateway: Gateway, provider: str = "groq") -> int:
    """How many requests have arrived at the provider."""
    return sum(one.provider == provider and one.method == "POST" for one in gateway.simulator.ledger.entries)


async def break_down(gateway: Gateway, *, recovered: bool = True) -> None:
    """Five failures: three requests, of which the first two are tried twice."""
    gateway.simulator.fault(DOWN)
    assert [(await ask(gateway)).status_code for _ in range(3)] == [502, 502, 502]
    assert asked(gateway) == 5
    if recovered:
        gateway.simulator.faults.clear()


async def test_a_single_provider_is_left_alone_and_then_tried(alone: Gateway, clock: ManualClock) -> None:
    await break_down(alone)

    refused = await ask(alone)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert "5 failures in a row" in refused.text
    assert asked(alone) == 5

    clock.advance(5)
    assert (await ask(alone)).status_code == 200
    assert alone.state.availability.is_quiet


async def test_a_failed_trial_is_tried_once_and_waits_for_twice_as_long(alone: Gateway, clock: ManualClock) -> None:
    await break_down(alone, recovered=False)

    clock.advance(5)
    assert (await ask(alone)).status_code == 502
    assert asked(alone) == 6
    assert (await ask(alone)).headers["retry-after"] == "10"


async def test_the_rest_of_the_plan_serves_at_once(
    start_gateway: StartGateway, simulator: Simulator, clock: ManualClock
) -> None:
    gateway = await start_gateway(fallback(simulator), clock=clock)
    gateway.simulator.fault(DOWN)
    for _ in range(5):
        await ask(gateway, "pair")
    before = asked(gateway)

    answer = await ask(gateway, "pair")

    assert answer.headers["x-proxyctl-provider"] == "mistral"
    assert answer.headers["x-proxyctl-attempts"] == "1"
    assert asked(gateway) == before


def fallback(simulator: Simulator) -> str:
    return f'{demo_config(simulator.root, 0)}\n[aliases]\npair = ["{GROQ}", "mistral:mistral-large-4"]\n'


async def test_flapping(start_gateway: StartGateway, simulator: Simulator, clock: ManualClock) -> None:
    """An outage of a minute, a request a second: all are served, few are sent in vain, and the primary comes back."""
    gateway = await start_gateway(fallback(simulator), clock=clock)
    assert (await ask(gateway, "pair")).headers["x-proxyctl-provider"] == "groq"

    gateway.simulator.fault(DOWN)
    during = asked(gateway)
    for _ in range(60):
        answer = await ask(gateway, "pair")
        assert answer.status_code == 200
        assert answer.headers["x-proxyctl-provider"] == "mistral"
        clock.advance(1)
    assert asked(gateway) - during <= 5 + 4  # until it opens, then a trial after 5, 10, 20 and 40 seconds

    gateway.simulator.faults.clear()
    seconds = 0
    while (await ask(gateway, "pair")).headers["x-proxyctl-provider"] != "groq":
        clock.advance(1)
        seconds += 1
        assert seconds <= 30
    served = [(await ask(gateway, "pair")).headers["x-proxyctl-provider"] for _ in range(5)]
    assert served == ["groq"] * 5
    assert gateway.state.availability.is_quiet


async def test_half_open_lets_one_request_through(alone: Gateway, clock: ManualClock) -> None:
    await break_down(alone)
    clock.advance(5)
    alone.simulator.fault(Fault(kind="silence", provider="groq", times=1))
    trying = asyncio.create_task(ask(alone))
    while asked(alone) < 6:
        await asyncio.sleep(0.005)

    refused = await ask(alone)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) <= 10
    assert "one request is trying it" in refused.text

    # The caller leaves: that says nothing about the provider, and the next request tries.
    trying.cancel()
    await alone.records(5)
    assert (await ask(alone)).status_code == 200


async def test_a_request_at_fault_gives_its_trial_back(alone: Gateway, clock: ManualClock) -> None:
    await break_down(alone)
    clock.advance(5)
    alone.simulator.fault(Fault(kind="status", provider="groq", status=400, times=1))

    assert (await ask(alone)).status_code == 400
    assert (await ask(alone)).status_code == 200


async def test_callers_that_leave_and_bad_requests_open_nothing(alone: Gateway) -> None:
    alone.simulator.fault(Fault(kind="status", provider="groq", status=400, times=6))
    for _ in range(6):
        assert (await ask(alone)).status_code == 400
    for turn in range(6):
        alone.simulator.fault(Fault(kind="silence", provider="groq", times=1))
        leaving = asyncio.create_task(ask(alone))
        while asked(alone) < 7 + turn:
            await asyncio.sleep(0.005)
        leaving.cancel()
        await alone.records(7 + turn)

    assert (await ask(alone)).status_code == 200
    assert alone.state.availability.is_quiet


async def test_answers_that_are_cut_open_it(alone: Gateway) -> None:
    alone.simulator.fault(Fault(kind="cut", provider="groq", after_frames=3, times=None))
    for _ in range(5):
        assert (await ask(alone, stream=True)).status_code == 200

    assert (await ask(alone, stream=True)).status_code == 503


async def test_a_trial_that_has_begun_to_answer_lets_the_others_in(alone: Gateway, clock: ManualClock) -> None:
    await break_down(alone)
    clock.advance(5)
    alone.simulator.fault(Fault(kind="stall", provider="groq", after_frames=3, times=1))

    async with alone.http.stream("POST", "/v1/chat/completions", json=alone.chat(GROQ, stream=True)) as trial:
        assert trial.status_code == 200
        assert (await ask(alone)).status_code == 200


async def test_it_is_shown_and_reset(alone: Gateway) -> None:
    await break_down(alone)

    [row] = [
        one for one in (await managed(alone, "GET", "/providers/status")).json()["providers"] if one["name"] == "groq"
    ]
    assert row["state"] == "failing"
    assert row["note"].startswith(f"{MODEL} is failing (tried again in 5 s): 5 failures in a row, the last one: groq: ")
    plan = (await managed(alone, "GET", f"/providers/plan?model={GROQ}")).json()
    assert "is failing (tried again in 5 s)" in str(plan["skipped"])

    dropped = (await managed(alone, "POST", "/providers/groq/reset")).json()["changed"]

    assert len(dropped) == 1
    assert "is failing" in dropped[0]
    assert (await ask(alone)).status_code == 200


async def test_while_one_request_tries_the_others_go_elsewhere(
    start_gateway: StartGateway, simulator: Simulator, clock: ManualClock
) -> None:
    gateway = await start_gateway(fallback(simulator), clock=clock)
    await break_down(gateway)
    clock.advance(5)
    gateway.simulator.fault(Fault(kind="slow_first", provider="groq", seconds=0.2, times=1))

    answers = await asyncio.gather(*(ask(gateway, "pair") for _ in range(8)))

    # All eight may have been planned while the deployment was free to try: only one went there.
    assert sorted(answer.headers["x-proxyctl-provider"] for answer in answers) == ["groq"] + ["mistral"] * 7
    assert {answer.headers["x-proxyctl-attempts"] for answer in answers} == {"1"}


async def test_of_many_requests_at_once_a_single_provider_gets_one(alone: Gateway, clock: ManualClock) -> None:
    await break_down(alone)
    clock.advance(5)
    alone.simulator.fault(Fault(kind="slow_first", provider="groq", seconds=0.2, times=1))

    answers = await asyncio.gather(*(ask(alone) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [503] * 7
    assert all(1 <= int(one.headers["retry-after"]) <= 10 for one in answers if one.status_code == 503)
    assert asked(alone) == 6
