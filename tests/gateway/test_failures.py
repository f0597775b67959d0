"""What the caller sees when the provider misbehaves: a clear error, and never a cut answer shown as a whole one."""

from __future__ import annotations

import json

import httpx
import pytest

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway

GROQ = "groq:llama-3.3-70b-versatile"
GEMINI = "gemini:gemini-3.8-flash"
BOTH_LANES = pytest.mark.parametrize("model", [GROQ, GEMINI])


async def ask(
    gateway: Gateway, model: str, *, stream: bool = False, path: str = "/v1/chat/completions"
) -> httpx.Response:
    body = gateway.chat(model, "Tell me a story", stream=stream, max_tokens=500)
    return await gateway.http.post(path, json=body)


@BOTH_LANES
@pytest.mark.parametrize("kind", ["reset", "html", "garbage"])
async def test_an_unreadable_answer_is_a_502(gateway: Gateway, model: str, kind: str) -> None:
    gateway.simulator.fault(Fault(kind=kind, times=None))  # type: ignore[arg-type]

    response = await ask(gateway, model)

    assert response.status_code == 502, response.text
    assert response.json()["error"]["type"] == "server_error"
    assert response.headers["x-should-retry"] == "false"
    [record] = await gateway.records(1)
    assert record.outcome == "error"


@pytest.mark.parametrize(("model", "kind"), [(GROQ, "cut"), (GEMINI, "cut"), (GEMINI, "missing_terminator")])
async def test_a_cut_stream_ends_in_the_dialects_error(gateway: Gateway, model: str, kind: str) -> None:
    gateway.simulator.fault(Fault(kind=kind, after_frames=3, times=None))  # type: ignore[arg-type]

    response = await ask(gateway, model, stream=True)

    assert response.status_code == 200
    frames = [line for line in response.text.splitlines() if line.startswith("data: ")]
    assert "[DONE]" not in response.text
    assert json.loads(frames[-1][6:])["error"]["code"]
    assert not any('"finish_reason":"stop"' in frame for frame in frames)
    [record] = await gateway.records(1)
    assert record.outcome == "interrupted"
    assert record.usage is not None
    assert record.usage.source != "reported"


async def test_a_missing_done_after_a_finish_reason_is_complete(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="missing_terminator", times=None))

    response = await ask(gateway, GROQ, stream=True)

    assert '"finish_reason":"stop"' in response.text
    assert "error" not in response.text
    [record] = await gateway.records(1)
    assert record.outcome == "ok"


@pytest.mark.parametrize("model", ["anthropic:claude-sonnet-5-5", GROQ])
async def test_a_cut_stream_of_messages_ends_in_an_error_event(gateway: Gateway, model: str) -> None:
    gateway.simulator.fault(Fault(kind="cut", after_frames=4, times=None))

    response = await ask(gateway, model, stream=True, path="/v1/messages")

    names = [line[7:] for line in response.text.splitlines() if line.startswith("event: ")]
    assert names[-1] == "error"
    assert "message_stop" not in names


async def test_an_upstream_400_in_the_callers_dialect_passes_byte_for_byte(gateway: Gateway) -> None:
    body = gateway.chat("groq:openai/gpt-oss-120b", logprobs=True)
    response = await gateway.http.post("/v1/chat/completions", json={**body, "n": 2})

    [record] = await gateway.records(1)
    if response.status_code == 400 and record.attempts:
        [entry] = [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
        assert response.json()["error"]["message"]
        assert record.error_kind == "bad_request"
        assert entry.status == 400
    else:
        assert response.status_code in (200, 400)


async def test_a_refused_credential_is_the_gateways_fault(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(environ={"PROXYCTL_DEMO_KEY": "a-bad-key"})

    response = await ask(gateway, GROQ)

    assert response.status_code == 502
    error = response.json()["error"]
    assert "credential" in error["message"]
    assert "a-bad-key" not in response.text
    health = (await gateway.http.get("/providers/status")).json()
    [groq] = [row for row in health["providers"] if row["name"] == "groq"]
    assert groq["credentials"][0]["problem"]


async def test_a_rate_limit_names_its_wait(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="groq", status=429, retry_after=7, times=None))

    response = await ask(gateway, GROQ)

    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 7


async def test_an_unreachable_provider_is_said_to_be(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(
        '[routing]\nprimary = "dead"\n[providers.dead]\nmode = "pooled"\n'
        'base_url = "http://127.0.0.1:9/v1"\nkeyless = true\n'
    )

    response = await ask(gateway, "dead:any-model")

    assert response.status_code == 502
    assert "dead" in response.json()["error"]["message"]
    assert (await gateway.http.get("/healthz")).status_code == 200


@BOTH_LANES
@pytest.mark.parametrize("kind", ["split_utf8", "crlf", "comments", "huge_frame"])
async def test_odd_but_legal_streams_arrive_whole(gateway: Gateway, model: str, kind: str) -> None:
    gateway.simulator.fault(Fault(kind=kind, times=None))  # type: ignore[arg-type]

    response = await ask(gateway, model, stream=True)

    assert response.text.rstrip().endswith("data: [DONE]")
    assert "\ufffd" not in response.text
    [record] = await gateway.records(1)
    assert record.outcome == "ok"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[1]", {}, 400),
        (b'{"messages":[]}', {}, 400),
        (b'{"model":5,"messages":[]}', {}, 400),
        (b'{"model":"gemini-3.8-flash","messages":"x"}', {}, 400),
        (b'{"model":"gemini-3.8-flash","messages":[{"role":"alien","content":"x"}]}', {}, 400),
        (b'{"model":"nonsense","messages":[]}', {}, 404),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"content-encoding": "br"}, 415),
        (b"nope", {"content-encoding": "gzip"}, 400),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_bad_requests_get_a_clear_error_in_their_dialect(
    gateway: Gateway, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = await gateway.http.post(path, content=content, headers={"content-type": "application/json", **headers})

    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["message"]
    assert (response.json().get("type") == "error") is (path == "/v1/messages")
    assert (await gateway.http.post("/v1/chat/completions", json=gateway.chat(GROQ))).status_code == 200


async def test_too_large_a_body_is_refused_before_it_is_read(start_gateway: StartGateway, simulator) -> None:
    from proxyctl.simulator.setup import demo_config

    gateway = await start_gateway(demo_config(simulator.root, 0).replace("[server]", "[server]\nmax_body_mib = 1"))

    response = await gateway.http.post("/v1/chat/completions", json=gateway.chat(GROQ, "x" * 2_000_000))

    assert response.status_code == 413


async def test_unknown_paths_and_methods_are_told_in_the_callers_dialect(gateway: Gateway) -> None:
    lost = await gateway.http.get("/v1/nothing")
    wrong = await gateway.http.get("/v1/messages", headers={"anthropic-version": "2023-06-01"})

    assert (lost.status_code, wrong.status_code) == (404, 405)
    assert "error" in lost.json()
    assert wrong.json()["type"] == "error"


async def test_prefix_errors_name_the_command_and_the_key(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(
        '[routing]\nprimary = "gemini"\n[providers.gemini]\nmode = "pooled"\n'
        '[providers.groq]\nmode = "off"\nkey = "$PROXYCTL_DEMO_KEY"\n'
    )

    off = await ask(gateway, GROQ)
    keyless = await ask(gateway, GEMINI)

    assert off.status_code == keyless.status_code == 400
    assert "proxyctl providers set groq" in off.text
    assert "GEMINI_API_KEY" in keyless.text


async def test_a_page_from_elsewhere_and_a_rebound_name_are_refused(gateway: Gateway) -> None:
    for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
        for path in ("/v1/models", "/providers/status"):
            response = await gateway.http.get(path, headers=headers)
            assert response.status_code == 403, path
