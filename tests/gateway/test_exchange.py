"""One request through the whole gateway, over sockets: both lanes, streamed and not, and what is kept of it."""

from __future__ import annotations

import json

import pytest

from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway

OPENAI_MODELS = [
    ("groq:llama-3.3-70b-versatile", "passthrough"),
    ("together:openai/gpt-oss-120b", "passthrough"),
    ("mistral:mistral-small-2603", "passthrough"),
    ("gemini-3.8-flash", "translate"),
    ("anthropic:claude-sonnet-5-5", "translate"),
    ("cohere:command-a-03-2025", "translate"),
]


def frames_of(text: str) -> list[str]:
    return [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize(("model", "lane"), OPENAI_MODELS)
async def test_a_chat_completion_is_answered_and_recorded(gateway: Gateway, model: str, lane: str) -> None:
    response = await gateway.http.post("/v1/chat/completions", json=gateway.chat(model))

    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] == "stop"
    [record] = await gateway.records(1)
    assert (record.outcome, record.lane, record.status) == ("ok", lane, 200)
    assert record.provider == response.headers["x-proxyctl-provider"]
    assert record.served_model == response.headers["x-proxyctl-model"] == answer["model"]
    assert record.id == response.headers["x-proxyctl-request-id"]
    assert record.usage is not None
    assert record.usage.total == answer["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(("model", "lane"), OPENAI_MODELS)
async def test_a_stream_ends_with_its_terminal_and_counts_the_same(gateway: Gateway, model: str, lane: str) -> None:
    whole = await gateway.http.post("/v1/chat/completions", json=gateway.chat(model))

    response = await gateway.http.post("/v1/chat/completions", json=gateway.chat(model, stream=True))

    assert response.headers["content-type"].startswith("text/event-stream")
    frames = frames_of(response.text)
    assert frames[-1] == "[DONE]"
    chunks = [json.loads(frame) for frame in frames[:-1]]
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
    assert text == whole.json()["choices"][0]["message"]["content"]
    newest, oldest = await gateway.records(2)
    assert (newest.outcome, newest.lane, newest.stream) == ("ok", lane, True)
    assert newest.usage is not None
    assert oldest.usage is not None
    assert newest.usage.output_total == oldest.usage.output_total
    assert newest.first_token_ms is not None


async def test_usage_is_recorded_but_not_shown_unless_asked_for(gateway: Gateway) -> None:
    model = "groq:llama-3.3-70b-versatile"

    quiet = await gateway.http.post("/v1/chat/completions", json=gateway.chat(model, stream=True))
    asked = gateway.chat(model, stream=True, stream_options={"include_usage": True})
    loud = await gateway.http.post("/v1/chat/completions", json=asked)

    assert not [f for f in frames_of(quiet.text) if '"choices":[]' in f.replace(" ", "")]
    assert len([f for f in frames_of(loud.text) if '"choices":[]' in f.replace(" ", "")]) == 1
    for record in await gateway.records(2):
        assert record.usage is not None
        assert record.usage.source == "reported"


async def test_the_callers_bytes_pass_through_untouched(start_gateway, simulator) -> None:
    """Unknown fields, spacing and key order survive because nobody rebuilt them."""
    gateway = await start_gateway(
        f'[routing]\nprimary = "local"\n'
        f'[providers.local]\nmode = "pooled"\nbase_url = "{simulator.url("local")}"\nkey = "$PROXYCTL_DEMO_KEY"\n'
    )
    await gateway.state.discovery.refresh(gateway.state.live)
    model = next(iter(gateway.state.catalogue.models("local")))
    body = (
        b'{ "model":"%s", "x_unknown": [1.0, 1e3], "messages":[{"role":"user","content":"\xc3\xa4"}] }' % model.encode()
    )

    response = await gateway.http.post(
        "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )

    assert response.status_code == 200, response.text
    [sent] = [entry for entry in simulator.ledger.entries if entry.method == "POST"]
    assert sent.body == body


async def test_only_the_gateways_credential_travels(gateway: Gateway) -> None:
    await gateway.http.post(
        "/v1/chat/completions",
        json=gateway.chat("groq:llama-3.3-70b-versatile"),
        headers={"authorization": "Bearer client-key", "cookie": "a=b", "x-custom": "1", "openai-organization": "o"},
    )

    [sent] = [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
    assert sent.headers["authorization"] == "Bearer demo-key-of-the-simulator"
    assert not {"cookie", "x-custom", "openai-organization"} & set(sent.headers)


@pytest.mark.parametrize(
    "model", ["claude-sonnet-5-5", "gemini-3.8-flash", "groq:openai/gpt-oss-120b", "mistral:mistral-large-4"]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_messages_are_answered_by_every_kind_of_provider(gateway: Gateway, model: str, stream: bool) -> None:
    body = gateway.chat(model, max_tokens=300, stream=stream)

    response = await gateway.http.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})

    assert response.status_code == 200, response.text
    if stream:
        names = [line[7:] for line in response.text.splitlines() if line.startswith("event: ")]
        assert names[0] == "message_start"
        assert names[-1] == "message_stop"
        assert "[DONE]" not in response.text
    else:
        assert response.json()["type"] == "message"
        assert response.json()["stop_reason"] == "end_turn"
        assert response.json()["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("model", [model for model, _ in OPENAI_MODELS])
async def test_a_tool_loop_goes_round(gateway: Gateway, model: str) -> None:
    tools = [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
            },
        }
    ]
    body = gateway.chat(model, "What is the weather in Paris?", tools=tools)
    first = await gateway.http.post("/v1/chat/completions", json=body)
    assert first.status_code == 200, first.text
    message = first.json()["choices"][0]["message"]
    assert first.json()["choices"][0]["finish_reason"] == "tool_calls"
    [call] = message["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert "city" in json.loads(call["function"]["arguments"])

    body["messages"] += [message, {"role": "tool", "tool_call_id": call["id"], "content": "12C and rain"}]
    second = await gateway.http.post("/v1/chat/completions", json=body)

    assert second.status_code == 200, second.text
    assert "12C and rain" in second.json()["choices"][0]["message"]["content"]


async def test_the_answer_comes_from_the_fallback_and_says_so(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="gemini", status=503, times=None))

    response = await gateway.http.post("/v1/chat/completions", json=gateway.chat("gemini-3.8-flash"))

    assert response.status_code == 200, response.text
    assert response.headers["x-proxyctl-provider"] != "gemini"
    assert response.headers["x-proxyctl-substitute"] == "gemini-3.8-flash"
    assert response.json()["model"] == response.headers["x-proxyctl-model"]
    [record] = await gateway.records(1)
    assert record.substitute
    assert [attempt.outcome for attempt in record.attempts] == ["error", "error", "ok"]
    assert record.cost == record.attempts[-1].cost
    metrics = (await gateway.http.get("/providers/metrics/gemini")).json()
    assert (metrics["attempts"], metrics["attempt_failures"], metrics["succeeded"]) == (2, 2, 0)


@pytest.mark.parametrize("model", ["gemini:gemini-3.8-flash", "anthropic:claude-sonnet-5-5"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_plain_answers_proof_of_thinking_is_no_loss(gateway: Gateway, model: str, stream: bool) -> None:
    body = gateway.chat(model, reasoning_effort="high", stream=stream)

    answer = await gateway.http.post("/v1/chat/completions", json=body)

    assert answer.status_code == 200
    [record] = await gateway.records(1)
    assert not [loss for loss in record.losses if "signature" in loss.path]
    assert "x-proxyctl-losses" not in answer.headers


async def test_losses_are_counted_in_a_header(gateway: Gateway) -> None:
    body = gateway.chat("anthropic:claude-opus-5-5", temperature=0.2, logit_bias={"1": 2})

    response = await gateway.http.post("/v1/chat/completions", json=body)

    assert response.status_code == 200, response.text
    assert int(response.headers["x-proxyctl-losses"]) >= 2
    [record] = await gateway.records(1)
    assert any(loss.path == "temperature" for loss in record.losses)
