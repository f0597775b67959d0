from __future__ import annotations

import os

import msgspec

from proxyctl.admin.schema import AdminError, DaemonStatus, Liveness, ReloadResult, StopResult
from proxyctl.config.problems import ConfigProblem


async def ask(client, path, shape, status: int = 200, **more):
    answer = await client.open(path, method=more.pop("method", "GET"), **more)
    body = await answer.get_data()
    assert (answer.status_code, answer.content_type) == (status, "application/json"), body
    return msgspec.json.decode(body, type=shape)


async def test_healthz_names_this_start_of_the_daemon(client) -> None:
    assert await ask(client, "/healthz", Liveness) == Liveness(instance="instance-1", version="1.2.3", ok=True)


async def test_healthz_does_not_mind_what_probes_add(client) -> None:
    await ask(client, "/healthz?probe=1", Liveness)


async def test_healthz_does_not_wait_for_the_prices(client, state) -> None:
    state.meter._settled.clear()

    await ask(client, "/healthz", Liveness)


async def test_the_status_is_that_of_this_process(client, state) -> None:
    state.active = 2

    now = await ask(client, "/daemon/status", DaemonStatus)

    assert now == DaemonStatus(
        pid=os.getpid(),
        instance="instance-1",
        version="1.2.3",
        address="http://127.0.0.1:8094",
        started_at=state.started_at,
        uptime_seconds=90.0,
        config_path="/config/proxyctl.toml",
        log_path="/state/daemon.log",
        active_exchanges=2,
        draining=False,
    )


async def test_stopping_is_answered_before_it_is_done(client, state, token) -> None:
    state.active = 3

    result = await ask(client, "/daemon/stop", StopResult, 202, method="POST", headers=token)

    assert result == StopResult(instance="instance-1", active_exchanges=3)
    assert state.stop_requested
    assert (await ask(client, "/daemon/status", DaemonStatus)).draining


async def test_a_reload_says_what_changed(client, token) -> None:
    result = await ask(client, "/daemon/reload", ReloadResult, method="POST", headers=token)

    assert result.changed == ("beta: fallback -> pooled",)


async def test_a_broken_file_is_told_with_its_line(client, state, token) -> None:
    state.reload_problem = ConfigProblem(7, 3, "providers.beta.mode", "unknown mode", "did you mean `pooled`?")

    error = await ask(client, "/daemon/reload", AdminError, 422, method="POST", headers=token)

    assert error.code == "config_invalid"
    assert "line 7: providers.beta.mode: unknown mode" in error.message
    assert "nothing was changed" in error.hint
