from __future__ import annotations

import msgspec
import pytest
from quart import Quart

from proxyctl.admin.schema import AdminError
from proxyctl.core.exchange import ExchangeRecord
from proxyctl.metering.recorder import Recorder
from proxyctl.metering.store.base import RecordQuery, StoreError
from proxyctl.metering.store.memory import MemoryStore


async def error(answer) -> AdminError:
    assert answer.content_type == "application/json"
    return msgspec.json.decode(await answer.get_data(), type=AdminError)


@pytest.mark.parametrize("path", ["/", "/providers", "/providers/", "/providers/status/", "/providers/a/b/c", "/%ff"])
async def test_an_unknown_path_is_a_404_in_our_shape(client, path) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    assert (await error(answer)).code == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/providers/status", "GET, HEAD, OPTIONS"),
        ("POST", "/providers/metrics", "GET, HEAD, OPTIONS"),
        ("GET", "/daemon/stop", "OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_a_405_that_says_which_are_right(client, token, method, path, allowed) -> None:
    answer = await client.open(path, method=method, headers=token)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert (await error(answer)).code == "method_not_allowed"


async def test_answers_are_not_kept_by_anybody(client) -> None:
    assert (await client.get("/providers/status")).headers["cache-control"] == "no-store"


async def test_a_fault_of_our_own_is_logged_and_told_without_its_trace(
    app: Quart, state, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(name: str) -> None:
        raise ZeroDivisionError(f"secret detail of {name}")

    monkeypatch.setattr(state, "standing", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    answer = await app.test_client().get("/providers/status")

    assert answer.status_code == 500
    body = await answer.get_data()
    assert msgspec.json.decode(body, type=AdminError).code == "internal"
    assert b"secret detail" not in body
    assert "secret detail" in caplog.text


async def test_a_store_that_cannot_be_read_is_a_503(client, state) -> None:
    class Unreadable(MemoryStore):
        async def page(self, query: RecordQuery) -> tuple[ExchangeRecord, ...]:
            raise StoreError(f"the database is locked: {query.limit}")

    state.recorder = Recorder(Unreadable())

    answer = await client.get("/providers/logs")

    assert answer.status_code == 503
    assert (await error(answer)).message == "the database is locked: 50"
