"""What agents try before they ask, or beside it: answered so that they go on at once, and no failure in the record."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import Gateway

WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
    "openai-beta": "responses_websockets=2026-02-06",
}


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions", "/v1/embeddings"])
async def test_a_websocket_is_refused_and_leaves_no_record(gateway: Gateway, path: str) -> None:
    """Codex falls back to a POST at once after a 426; after a 404 or a 405 it tries six times more."""
    refused = await gateway.http.get(path, headers=WEBSOCKET)
    await gateway.http.post("/v1/chat/completions", json=gateway.chat("groq:llama-3.3-70b-versatile"))

    assert (refused.status_code, refused.headers["upgrade"]) == (426, "HTTP/1.1")
    assert refused.json()["error"]["code"] == "no_websocket"
    assert [record.outcome for record in await gateway.records(1)] == ["ok"]


async def test_without_an_upgrade_the_method_is_what_is_wrong(gateway: Gateway) -> None:
    refused = await gateway.http.get("/v1/responses")

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    [record] = await gateway.records(1)
    assert record.outcome == "refused"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_hello_is_answered(gateway: Gateway, method: str) -> None:
    answer = await gateway.http.request(method, "/api/hello")

    assert answer.status_code == 200
    assert answer.content == (b"" if method == "HEAD" else b'{"ok":true}')


async def test_hello_takes_nothing_else(gateway: Gateway) -> None:
    assert (await gateway.http.post("/api/hello", json={})).status_code == 404
