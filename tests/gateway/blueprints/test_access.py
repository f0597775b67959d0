from __future__ import annotations

import msgspec
import pytest

from proxyctl.admin.schema import AdminError

WRITES = [
    "/providers/metrics/reset",
    "/providers/beta/reset",
    "/providers/beta/test",
    "/daemon/reload",
    "/daemon/stop",
]
READS = [
    "/providers/status",
    "/providers/metrics",
    "/providers/metrics/alpha",
    "/providers/logs",
    "/providers/logs/alpha",
    "/providers/costs",
    "/providers/health",
    "/providers/models",
    "/providers/plan?model=x",
    "/daemon/status",
    "/openapi.json",
]


async def refused(answer) -> AdminError:
    return msgspec.json.decode(await answer.get_data(), type=AdminError)


@pytest.mark.parametrize("path", WRITES)
async def test_changing_something_needs_the_token(client, state, path) -> None:
    answer = await client.post(path)

    assert answer.status_code == 403
    assert (await refused(answer)).code == "management_token_required"
    assert not state.stop_requested
    assert state.checked == []


@pytest.mark.parametrize("path", WRITES)
async def test_a_wrong_token_is_none(client, path) -> None:
    answer = await client.post(path, headers={"authorization": "Bearer wrong"})

    assert answer.status_code == 403


@pytest.mark.parametrize("path", WRITES)
async def test_the_token_opens_everything(client, token, path) -> None:
    assert (await client.post(path, headers=token)).status_code in (200, 202)


@pytest.mark.parametrize("path", READS)
async def test_reading_is_open_on_this_machine(client, path) -> None:
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", READS)
async def test_a_gateway_with_keys_wants_one_for_reading(keyed_client, gateway_key, token, path) -> None:
    answer = await keyed_client.get(path)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (await refused(answer)).code == "invalid_api_key"
    assert (await keyed_client.get(path, headers=gateway_key)).status_code == 200
    assert (await keyed_client.get(path, headers=token)).status_code == 200


@pytest.mark.parametrize("path", WRITES)
async def test_a_key_of_the_gateway_may_change_things(keyed_client, gateway_key, path) -> None:
    assert (await keyed_client.post(path)).status_code == 401
    assert (await keyed_client.post(path, headers=gateway_key)).status_code in (200, 202)


async def test_healthz_is_open_to_all(keyed_client) -> None:
    assert (await keyed_client.get("/healthz")).status_code == 200


async def test_what_does_not_exist_is_not_told_to_strangers(keyed_client) -> None:
    assert (await keyed_client.get("/providers/nothing/here")).status_code == 401


async def test_no_secret_is_ever_shown(client, state, record) -> None:
    state.meter.observe(record())

    for path in READS:
        assert b"token-of-this-run" not in await (await client.get(path)).get_data()
