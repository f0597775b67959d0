from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from proxyctl.admin.schema import AdminError, HealthReport, ModelsReport, PlanReport, ProviderHealth, ReloadResult


async def ask(client, path, shape, status: int = 200, **more):
    answer = await client.open(path, method=more.pop("method", "GET"), **more)
    body = await answer.get_data()
    assert (answer.status_code, answer.content_type) == (status, "application/json"), body
    return msgspec.json.decode(body, type=shape)


async def test_health_tells_what_is_known_and_asks_nobody(client, state) -> None:
    state.healthy["alpha"] = ProviderHealth(name="alpha", health="failing", detail="refused the key")

    report = await ask(client, "/providers/health", HealthReport)

    assert [(one.name, one.health) for one in report.providers] == [
        ("alpha", "failing"), ("beta", "unknown"), ("gone", "off"),
    ]  # fmt: skip
    assert report.ok
    assert state.checked == []


async def test_health_is_not_ok_when_nobody_can_serve(client, state) -> None:
    for name in ("alpha", "beta"):
        state.healthy[name] = ProviderHealth(name=name, health="failing")

    assert not (await ask(client, "/providers/health", HealthReport)).ok


async def test_a_check_asks_all_but_those_that_are_off(client, state) -> None:
    state.healthy["alpha"] = ProviderHealth(name="alpha", health="failing")

    report = await ask(client, "/providers/health?check=1", HealthReport)

    assert state.checked == ["alpha", "beta"]
    assert [one.health for one in report.providers] == ["ok", "ok", "off"]
    assert report.providers[0].latency_ms == 12.5


async def test_models_have_their_prices_or_none(client) -> None:
    report = await ask(client, "/providers/models", ModelsReport)

    opus, secret = report.models
    assert (opus.provider, opus.id, opus.context, opus.max_output) == ("alpha", "claude-opus-5-5", 1_000_000, 128_000)
    assert (opus.input_price, opus.output_price) == (Decimal(4), Decimal(20))
    assert (secret.id, secret.input_price, secret.output_price) == ("secret-1", None, None)


async def test_models_of_one_provider(client) -> None:
    assert (await ask(client, "/providers/models?provider=beta", ModelsReport)).models == ()
    assert len((await ask(client, "/providers/models?provider=alpha", ModelsReport)).models) == 2
    await ask(client, "/providers/models?provider=nobody", AdminError, 404)


async def test_the_plan_is_the_planners(client) -> None:
    report = await ask(client, "/providers/plan?model=groq:llama%2F3&dialect=anthropic-messages", PlanReport)

    assert report.model == "groq:llama/3"
    assert report.steps[0].lane == "anthropic-messages"


@pytest.mark.parametrize(
    ("query", "told"), [("", "`model`"), ("model=", "model: "), ("model=x&dialect=morse", "dialect: ")]
)
async def test_a_plan_needs_a_model_and_a_dialect_that_exists(client, query, told) -> None:
    error = await ask(client, f"/providers/plan?{query}", AdminError, 400)

    assert told in error.message


async def test_a_reset_says_what_it_dropped(client, token) -> None:
    first = await ask(client, "/providers/beta/reset", ReloadResult, method="POST", headers=token)
    second = await ask(client, "/providers/beta/reset", ReloadResult, method="POST", headers=token)

    assert first.changed == ("the wait until 10:00",)
    assert second.changed == ()


async def test_a_test_asks_the_one_provider(client, state, token) -> None:
    found = await ask(client, "/providers/beta/test", ProviderHealth, method="POST", headers=token)

    assert (found.name, found.health) == ("beta", "ok")
    assert state.checked == ["beta"]


@pytest.mark.parametrize("path", ["/providers/nobody/test", "/providers/nobody/reset"])
async def test_nobody_is_not_asked(client, state, token, path) -> None:
    error = await ask(client, path, AdminError, 404, method="POST", headers=token)

    assert error.code == "unknown_provider"
    assert state.checked == []
