"""Lists of models from servers that say anything: the asker lives on, and shows what it can."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.hostile import KEY, KEYED, Upstream, response

ANTHROPIC = {"anthropic-version": "2023-06-01"}
MODELS = '{"object":"list","data":[%s]}'


@pytest.mark.parametrize(
    "answer",
    [
        response(b"<html>"),
        response(b"\xff\xfe"),
        response(b'{"data":[{"id":"\xff"}],"models":[{"name":"\xff"}]}'),
        response(b"[" * 100_000),
        response(b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        response(b'{"data":[{"id":5}],"models":[{"name":5}]}'),
        response(b""),
        response(b"", status="302 Found", more=b"location: http://127.0.0.1:1/\r\n"),
        response(b'{"error":{"message":"no"}}', status="401 No"),
        b"not HTTP\r\n\r\n",
    ],
    ids=[
        "page",
        "no text",
        "no UTF-8",
        "open lists",
        "deep",
        "wrong type",
        "nothing",
        "elsewhere",
        "refused",
        "no HTTP",
    ],
)
@pytest.mark.parametrize("kind", ["local", "anthropic", "gemini"])
async def test_garbage_for_a_list_is_a_failed_check(
    start_gateway, upstream: Upstream, answer: bytes, kind: str
) -> None:
    upstream.lists = answer
    gate: Gateway = await start_gateway(upstream.config(keyed=True, kind=kind), KEYED)
    live = gate.state.live

    health = await gate.state.discovery.check(live, live.targets[kind])

    assert health.health == "failing"
    assert health.detail
    assert len(health.detail) <= 500
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "discovery" and task.done()]


async def test_a_list_that_quotes_our_key_keeps_it_secret(start_gateway, upstream: Upstream) -> None:
    upstream.lists = response(b'{"error":{"message":"no such key: %b"}}' % KEY.encode(), status="401 No")
    gate: Gateway = await start_gateway(upstream.config(keyed=True), KEYED)
    live = gate.state.live

    health = await gate.state.discovery.check(live, live.targets["local"])

    assert KEY not in health.detail
    assert KEY not in (await gate.http.get("/providers/health")).text


@pytest.mark.parametrize("created", [0, 1_764_547_200, 10**30, 1_764_547_200_000, -1, 10**15, -(10**15)])
async def test_any_time_of_creation_can_be_listed(start_gateway, upstream: Upstream, created: int) -> None:
    upstream.lists = response((MODELS % f'{{"id":"m","created":{created}}}').encode())
    gate: Gateway = await start_gateway(upstream.config())
    await gate.state.discovery.refresh(gate.state.live)

    listed = await gate.http.get("/v1/models", headers=ANTHROPIC)

    assert listed.status_code == 200, listed.text
    assert [model["id"] for model in listed.json()["data"]] == ["m"]
    assert listed.json()["data"][0]["created_at"].endswith("Z")


async def test_pages_without_end_are_given_up(start_gateway, upstream: Upstream) -> None:
    upstream.lists = response(b'{"data":[{"id":"claude-x"}],"has_more":true,"last_id":"claude-x"}')
    gate: Gateway = await start_gateway(upstream.config(keyed=True, kind="anthropic"), KEYED)
    await gate.state.discovery.refresh(gate.state.live)

    assert {model.id for model in gate.state.discovery.found["anthropic"]} == {"claude-x"}


async def test_reloads_leave_no_finished_work_behind(gate: Gateway) -> None:
    for _ in range(20):
        await gate.state.reload()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "refresh"))

    assert len(gate.state._background) <= 4
