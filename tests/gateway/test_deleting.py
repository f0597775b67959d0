"""Deleting a response: told as deleted when nobody has it any more, whoever kept it beside the gateway."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault
from proxyctl.simulator.server import Simulator
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import KEYED, Upstream, response

RESPONSES = "/v1/responses"
MODEL = "gpt-6.1-sol"
CONFIG = """
[server]
port = 0
[routing]
primary = "openai"
[providers.openai]
mode = "pooled"
base_url = "ROOT/openai/v1"
key = "$PROXYCTL_DEMO_KEY"
[providers.groq]
mode = "fallback"
base_url = "ROOT/groq/openai/v1"
key = "$PROXYCTL_DEMO_KEY"
"""


@pytest.fixture
async def gateway(start_gateway: StartGateway, simulator: Simulator) -> Gateway:
    return await start_gateway(CONFIG.replace("ROOT", simulator.root))


async def answered(gateway: Gateway, model: str = MODEL, **fields: Any) -> str:
    """The id of a new response."""
    answer = await gateway.http.post(RESPONSES, json={"model": model, "input": "Good morning"} | fields)
    assert answer.status_code == 200, answer.text
    last = answer.text.strip().splitlines()[-1]
    made: str = json.loads(last.removeprefix("data: "))["response"]["id"] if "stream" in fields else answer.json()["id"]
    return made


async def delete(gateway: Gateway, response_id: str) -> httpx.Response:
    return await gateway.http.delete(f"{RESPONSES}/{response_id}")


async def gone_on_with(gateway: Gateway, response_id: str, path: str = RESPONSES) -> httpx.Response:
    body = {"model": MODEL, "input": "And?", "previous_response_id": response_id}
    return await gateway.http.post(path, json=body)


def deletions(gateway: Gateway) -> list[tuple[str, str, str | None]]:
    """The provider, path and credential of each deletion that left the gateway."""
    entries = [entry for entry in gateway.simulator.ledger.entries if entry.method == "DELETE"]
    return [(entry.provider, entry.path, entry.headers.get("authorization")) for entry in entries]


@pytest.mark.parametrize("fields", [{}, {"stream": True}], ids=["whole", "streamed"])
async def test_a_passed_response_is_deleted_at_its_maker_too(gateway: Gateway, fields: dict[str, Any]) -> None:
    made = await answered(gateway, **fields)

    answer = await delete(gateway, made)

    assert (answer.status_code, answer.json()) == (200, {"id": made, "object": "response", "deleted": True})
    [(provider, path, credential)] = deletions(gateway)
    assert (provider, path) == ("openai", f"/v1/responses/{made}")
    assert (credential or "").startswith("Bearer ")
    refused = await gone_on_with(gateway, made)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
    assert (await delete(gateway, made)).status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(kind="status", provider="openai", status=500), 502, "upstream_error"),
        (Fault(kind="status", provider="openai", status=429, retry_after=7), 429, "rate_limit_exceeded"),
        (Fault(kind="status", provider="openai", status=401), 502, "upstream_auth"),
        (Fault(kind="reset", provider="openai"), 502, "upstream_disconnected"),
        (Fault(kind="html", provider="openai"), 502, "not_deleted"),
        (Fault(kind="garbage", provider="openai"), 502, "not_deleted"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else str(value),
)
async def test_what_its_maker_did_not_delete_stays_to_be_tried_again(
    gateway: Gateway, fault: Fault, status: int, code: str
) -> None:
    made = await answered(gateway)
    gateway.simulator.fault(fault)

    failed = await delete(gateway, made)

    assert failed.status_code == status, failed.text
    error = failed.json()["error"]
    assert error["message"].startswith("openai")
    assert error["code"] == code
    assert failed.headers.get("retry-after") == ("7" if status == 429 else None)
    assert (await gateway.http.get(f"{RESPONSES}/{made}")).json()["id"] == made
    assert (await gone_on_with(gateway, made)).status_code == 200
    assert (await delete(gateway, made)).json()["deleted"] is True


async def test_it_is_deleted_with_the_key_that_it_was_made_with(
    start_gateway: StartGateway, simulator: Simulator
) -> None:
    config = CONFIG.replace("ROOT", simulator.root).replace(
        'key = "$PROXYCTL_DEMO_KEY"\n[providers.groq]', 'keys = ["$KEY_ONE", "$KEY_TWO"]\n[providers.groq]'
    )
    gateway = await start_gateway(config, {"KEY_ONE": "key-one", "KEY_TWO": "key-two"})
    made = [await answered(gateway, input=f"conversation {number}") for number in range(4)]
    keys = [entry.headers["authorization"] for entry in simulator.ledger.entries if entry.method == "POST"]
    assert set(keys) == {"Bearer key-one", "Bearer key-two"}

    for response_id in made:
        assert (await delete(gateway, response_id)).json()["deleted"] is True

    assert [key for _, _, key in deletions(gateway)] == keys


async def test_what_its_maker_no_longer_has_is_deleted(gateway: Gateway) -> None:
    made = await answered(gateway)
    gateway.simulator.providers["openai"].clear()

    assert (await delete(gateway, made)).json()["deleted"] is True
    assert (await gateway.http.get(f"{RESPONSES}/{made}")).status_code == 404


async def test_what_only_the_gateway_keeps_is_deleted_here(gateway: Gateway) -> None:
    made = await answered(gateway, "groq:llama-3.3-70b-versatile")

    assert (await delete(gateway, made)).json()["deleted"] is True
    assert deletions(gateway) == []


async def test_a_maker_that_takes_no_part_in_routing_any_more_is_asked_all_the_same(gateway: Gateway) -> None:
    made = await answered(gateway)
    text = gateway.config_file.read_text()
    await gateway.configure(text.replace('primary = "openai"', 'primary = "groq"').replace('"pooled"', '"off"'))

    assert (await delete(gateway, made)).json()["deleted"] is True
    assert [provider for provider, _, _ in deletions(gateway)] == ["openai"]


async def test_a_maker_that_is_not_configured_any_more_cannot_be_asked(gateway: Gateway) -> None:
    made = await answered(gateway)
    before = gateway.config_file.read_text()
    await gateway.configure(before.replace("openai]", "renamed]\nkind = 'openai'").replace('"openai"', '"renamed"'))

    failed = await delete(gateway, made)

    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "not_deleted")
    await gateway.configure(before)
    assert (await delete(gateway, made)).json()["deleted"] is True
    assert len(deletions(gateway)) == 1


DOCUMENT = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": []}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (response(b'{"id":"resp_1","object":"response","deleted":true}'), 200),
        (response(b'{"id":"resp_1","object":"response","deleted":false}'), 502),
        (response(b'{"id":"resp_1"}'), 502),
        (response(b"[]"), 502),
        (response(b"", status="302 Found", more=b"location: /login\r\n"), 502),
    ],
    ids=["deleted", "not deleted", "silent", "a list", "redirected"],
)
async def test_deleted_is_what_its_maker_calls_deleted(
    start_gateway: StartGateway, upstream: Upstream, told: bytes, status: int
) -> None:
    gateway = await start_gateway(upstream.config(kind="openai", keyed=True), KEYED)
    upstream.answer = response(json.dumps(DOCUMENT).encode())
    made = await answered(gateway, "openai:m")
    upstream.answer = told

    answer = await delete(gateway, made)

    assert answer.status_code == status, answer.text
    assert upstream.heads[-1].startswith(b"DELETE /responses/resp_1 HTTP/1.1\r\n")
    assert ("deleted" in answer.json()) == (status == 200)
    assert (await gateway.http.get(f"{RESPONSES}/{made}")).status_code == (404 if status == 200 else 200)


async def test_what_its_maker_said_it_does_not_store_is_deleted_here(
    start_gateway: StartGateway, upstream: Upstream
) -> None:
    gateway = await start_gateway(upstream.config(kind="openai", keyed=True), KEYED)
    upstream.answer = response(json.dumps({**DOCUMENT, "store": False}).encode())
    made = await answered(gateway, "openai:m")

    assert (await delete(gateway, made)).json()["deleted"] is True
    assert [head[:4] for head in upstream.heads] == [b"POST"]


async def test_a_key_quoted_by_the_provider_is_not_told(start_gateway: StartGateway, upstream: Upstream) -> None:
    gateway = await start_gateway(upstream.config(kind="openai", keyed=True), KEYED)
    upstream.answer = response(json.dumps(DOCUMENT).encode())
    made = await answered(gateway, "openai:m")
    quoted = {"error": {"message": f"bad key {KEYED['HOSTILE_KEY']}", "type": "invalid_request_error"}}
    upstream.answer = response(json.dumps(quoted).encode(), status="401 Unauthorized")

    failed = await delete(gateway, made)

    assert failed.status_code == 502
    assert KEYED["HOSTILE_KEY"] not in failed.text


# What the gateway does not keep, and its maker may


async def test_what_is_gone_on_with_at_its_maker_alone_can_be_counted_there(gateway: Gateway) -> None:
    made = await answered(gateway, input="Good morning " * 50)
    kept = await gone_on_with(gateway, made, f"{RESPONSES}/input_tokens")
    assert gateway.state.kept.delete(made, "")

    created = await gone_on_with(gateway, made)
    counted = await gone_on_with(gateway, made, f"{RESPONSES}/input_tokens")

    assert (created.status_code, counted.status_code) == (200, 200), counted.text
    assert counted.json() == kept.json()
    assert counted.json()["input_tokens"] == created.json()["usage"]["input_tokens"] > 100


@pytest.mark.parametrize("model", [MODEL, "groq:llama-3.3-70b-versatile"], ids=["its maker", "another"])
async def test_what_nobody_knows_is_counted_by_nobody(gateway: Gateway, model: str) -> None:
    body = {"model": model, "input": "And?", "previous_response_id": "resp_nobody_knows"}

    answer = await gateway.http.post(f"{RESPONSES}/input_tokens", json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "previous_response_not_found",
        "previous_response_id",
    )
