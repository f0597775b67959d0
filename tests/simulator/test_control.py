"""The control API, and the simulator's own account of what it saw."""

import base64
from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

CHAT = "/local/v1/chat/completions"
BODY = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello you"}]}


async def test_faults_are_planned_shown_and_removed(http: httpx.AsyncClient) -> None:
    planned = [
        {"kind": "status", "provider": "local", "status": 503, "times": 2},
        {"kind": "reset", "provider": "groq", "model": "x"},
    ]

    assert (await http.post("/_control/faults", json=planned)).json() == {"ok": True}
    assert (await http.post(CHAT, json=BODY)).status_code == 503
    shown = (await http.get("/_control/faults")).json()
    assert [(fault["kind"], fault["times"]) for fault in shown] == [("status", 1), ("reset", 1)]
    await http.delete("/_control/faults")
    assert (await http.get("/_control/faults")).json() == []
    assert (await http.post(CHAT, json=BODY)).status_code == 200


async def test_one_fault_may_stand_alone(http: httpx.AsyncClient) -> None:
    await http.post("/_control/faults", json={"kind": "status", "provider": "local", "status": 500})

    assert (await http.post(CHAT, json=BODY)).status_code == 500


@pytest.mark.parametrize("body", [{"kind": "magic"}, {"kind": "reset", "often": 3}, {}, [5]])
async def test_a_fault_that_does_not_exist_is_refused(http: httpx.AsyncClient, body: Any) -> None:
    response = await http.post("/_control/faults", json=body)

    assert response.status_code == 400
    assert response.json()["error"]


async def test_requests_are_kept_as_they_came(http: httpx.AsyncClient) -> None:
    await http.post(CHAT + "?beta=true", json=BODY, headers={"X-Custom": "Value"})
    await http.get("/groq/openai/v1/models")

    first, second = (await http.get("/_control/requests")).json()

    assert (first["provider"], first["method"], first["path"]) == ("local", "POST", "/v1/chat/completions?beta=true")
    assert first["headers"]["x-custom"] == "Value"
    assert b"Hello you" in base64.b64decode(first["body"])
    assert (first["model"], first["status"], first["finished"]) == ("gpt-4.1", 200, True)
    assert first["usage"]["prompt"] == len("Hello you") // 4
    assert (second["provider"], second["usage"]) == ("groq", None)
    only = (await http.get("/_control/requests?provider=groq")).json()
    later = (await http.get(f"/_control/requests?since={first['number']}")).json()
    assert only == later == [second]


async def test_usage_is_summed(http: httpx.AsyncClient) -> None:
    answers = [(await http.post(CHAT, json=BODY)).json()["usage"] for _ in range(3)]

    usage = (await http.get("/_control/usage")).json()["local"]["gpt-4.1"]

    assert usage["requests"] == 3
    assert usage["output"] == sum(answer["completion_tokens"] for answer in answers)


async def test_pace(http: httpx.AsyncClient, simulator: Simulator) -> None:
    await http.post("/_control/pace", json={"words": 30})

    assert simulator.pace.words == 30
    assert len((await http.post(CHAT, json=BODY)).json()["choices"][0]["message"]["content"].split()) == 30
    assert (await http.post("/_control/pace", json={"speed": 1})).status_code == 400


async def test_reset(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault(Fault(kind="reset", provider="gemini"))
    await http.post(CHAT, json=BODY)

    await http.post("/_control/reset")

    assert (await http.get("/_control/requests")).json() == []
    assert (await http.get("/_control/usage")).json() == {}
    assert (await http.get("/_control/faults")).json() == []


async def test_providers_and_unknown_paths(http: httpx.AsyncClient, simulator: Simulator) -> None:
    urls = (await http.get("/_control/providers")).json()

    assert urls["groq"] == simulator.url("groq") == f"{simulator.root}/groq/openai/v1"
    assert urls["gemini"] == f"{simulator.root}/gemini"
    assert (await http.get("/_control/nothing")).status_code == 404
    assert (await http.get("/nobody/v1/models")).json()["providers"] == list(urls)


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        (Fault(kind="status", provider="*"), True),
        (Fault(kind="status", provider="local", model="gpt-4.1"), True),
        (Fault(kind="status", provider="local", model="other"), False),
        (Fault(kind="status", provider="groq"), False),
        (Fault(kind="status", provider="local", scope="list"), False),
        (Fault(kind="status", provider="local", scope="any"), True),
    ],
)
async def test_whom_a_fault_strikes(http: httpx.AsyncClient, simulator: Simulator, fault: Fault, hit: bool) -> None:
    simulator.fault(fault)

    assert (await http.post(CHAT, json=BODY)).status_code == (503 if hit else 200)


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("local", "/local/v1/models"),
        ("gemini", "/gemini/v1beta/models"),
        ("anthropic", "/anthropic/v1/models"),
        ("cohere", "/cohere/v1/models"),
    ],
)
async def test_lists_have_faults_of_their_own(
    http: httpx.AsyncClient, simulator: Simulator, provider: str, path: str
) -> None:
    simulator.fault(Fault(kind="status", provider=provider, status=500, scope="list", times=None))

    assert (await http.get(path)).status_code == 500
    assert (await http.get(path)).status_code == 500


async def test_gemini_model_for_a_fault_stands_in_the_path(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault(Fault(kind="status", provider="gemini", model="gemini-3.8-flash", times=None))
    body = {"contents": [{"parts": [{"text": "x"}]}]}
    headers = {"x-goog-api-key": "k"}

    struck = await http.post("/gemini/v1/models/gemini-3.8-flash:generateContent", json=body, headers=headers)
    spared = await http.post("/gemini/v1/models/gemini-3.7-flash:generateContent", json=body, headers=headers)

    assert (struck.status_code, spared.status_code) == (503, 200)
    assert simulator.ledger.entries[0].model == "gemini-3.8-flash"


async def test_unreadable_body_meets_a_fault_for_every_model(http: httpx.AsyncClient, simulator: Simulator) -> None:
    simulator.fault(Fault(kind="status", provider="local"), Fault(kind="status", provider="local", model="gpt-4.1"))

    assert (await http.post(CHAT, content=b"{")).status_code == 503
    assert (await http.post(CHAT, content=b"{")).status_code == 400
