"""OpenAI as upstream, through the gateway: which endpoint is called, and what survives (cases 36, 50 to 52)."""

import json
from typing import Any

import openai
import pytest

from proxyctl.gateway.kept_responses import portable
from proxyctl.simulator.server import Simulator
from tests.gateway.conftest import Gateway, StartGateway

TOOL = {
    "name": "get_weather",
    "description": "d",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CHAT_TOOL = {"type": "function", "function": TOOL}
OTHERS = "\n".join(
    f'[providers.{name}]\nmode = "fallback"\nbase_url = "ROOT/{path}"\nkey = "$PROXYCTL_DEMO_KEY"\n'
    for name, path in (("openai", "openai/v1"), ("gemini", "gemini"))
)
CONFIG = f'[server]\nport = 0\n[routing]\nprimary = "openai"\n{OTHERS}'


@pytest.fixture
async def gateway(start_gateway: StartGateway, simulator: Simulator) -> Gateway:
    return await start_gateway(CONFIG.replace("ROOT", simulator.root))


def sent(gateway: Gateway) -> list[tuple[str, dict[str, Any]]]:
    entries = [entry for entry in gateway.simulator.ledger.entries if entry.provider == "openai"]
    return [(entry.path, json.loads(entry.body)) for entry in entries if entry.method == "POST"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chat_caller_s_tools_go_to_the_endpoint_that_takes_them(gateway: Gateway, stream: bool) -> None:
    """Case 52, in several turns, read by the official SDK."""
    client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0)
    messages: list[Any] = [{"role": "user", "content": "Weather in Lisbon, and in parallel in Porto"}]

    first = await _asked(client, messages, stream=stream)
    assert (first["finish"], [call["function"]["name"] for call in first["calls"]]) == (
        "tool_calls",
        ["get_weather"] * 2,
    )
    messages.append({"role": "assistant", "content": None, "tool_calls": first["calls"]})
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in first["calls"]]
    second = await _asked(client, messages, stream=stream)

    assert second["finish"] == "stop"
    assert "got this from the tool" in second["text"]
    (path, body), (again, following) = sent(gateway)
    assert (path, again) == ("/v1/responses", "/v1/responses")
    assert body["tools"] == [{"type": "function", **TOOL, "strict": False}]
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    kinds = [item.get("type", item.get("role")) for item in following["input"]]
    assert kinds[0] == "user"
    assert kinds[-4:] == ["function_call"] * 2 + ["function_call_output"] * 2
    await client.close()


async def _asked(client: openai.AsyncOpenAI, messages: list[Any], *, stream: bool) -> dict[str, Any]:
    tools: Any = [CHAT_TOOL]
    if not stream:
        whole = await client.chat.completions.create(model="gpt-6.1-sol", messages=messages, tools=tools)
        choice = whole.choices[0]
        calls = [call.model_dump() for call in choice.message.tool_calls or ()]
        return {"finish": choice.finish_reason, "calls": calls, "text": choice.message.content}
    async with client.chat.completions.stream(model="gpt-6.1-sol", messages=messages, tools=tools) as chunks:
        final = (await chunks.get_final_completion()).choices[0]
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in final.message.tool_calls or ()
    ]
    return {"finish": final.finish_reason, "calls": calls, "text": final.message.content}


@pytest.mark.parametrize(
    ("model", "more", "path"),
    [
        ("gpt-5.6-luna", {"tools": [CHAT_TOOL], "reasoning_effort": "none"}, "/v1/chat/completions"),
        ("gpt-5.6-luna", {"tools": [CHAT_TOOL]}, "/v1/responses"),
        ("gpt-5.4-mini", {"tools": [CHAT_TOOL]}, "/v1/chat/completions"),
        ("gpt-6.1-sol", {"max_tokens": 100, "temperature": 0.2}, "/v1/chat/completions"),
        ("gpt-6.2-sol", {"reasoning_effort": "max"}, "/v1/responses"),
    ],
)
async def test_which_endpoint_a_chat_caller_s_request_goes_to(
    gateway: Gateway, model: str, more: dict[str, Any], path: str
) -> None:
    answer = await gateway.http.post("/v1/chat/completions", json=gateway.chat(model, **more))

    assert answer.status_code == 200, answer.text
    assert [called for called, _ in sent(gateway)] == [path]


async def test_an_anthropic_caller_carries_the_encrypted_thinking_through_its_tool_loop(gateway: Gateway) -> None:
    body: dict[str, Any] = {
        "model": "gpt-6.1-sol",
        "max_tokens": 4000,
        "thinking": {"type": "adaptive"},
        "tools": [{"name": "get_weather", "input_schema": TOOL["parameters"]}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Weather in Lisbon", "cache_control": {"type": "ephemeral"}}],
            }
        ],
    }

    first = (await gateway.http.post("/v1/messages", json=body)).json()
    call = next(block for block in first["content"] if block["type"] == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}
    body["messages"] += [{"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
    second = await gateway.http.post("/v1/messages", json=body)

    assert second.status_code == 200, second.text
    _, following = sent(gateway)[-1]
    thought = next(item for item in following["input"] if item.get("type") == "reasoning")
    assert thought["encrypted_content"].startswith("rse_")
    assert "cache_control" not in json.dumps(following)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_passed_answer_is_gone_on_with_at_its_maker_in_the_callers_words(
    gateway: Gateway, stream: bool
) -> None:
    body = {"model": "gpt-6.1-sol", "input": "Good morning", "stream": stream}

    first = await gateway.http.post("/v1/responses", json=body)
    made = response_id(first.text, stream=stream)
    second = await gateway.http.post("/v1/responses", json={**body, "input": "And?", "previous_response_id": made})

    assert (first.status_code, second.status_code) == (200, 200), second.text
    assert sent(gateway)[-1] == ("/v1/responses", {**body, "input": "And?", "previous_response_id": made})


async def test_a_passed_answer_is_gone_on_with_elsewhere(gateway: Gateway) -> None:
    """The provider is another one now: it is told all that was said."""
    first = await gateway.http.post("/v1/responses", json={"model": "gpt-6.1-sol", "input": "Good morning"})
    made = response_id(first.text, stream=False)

    second = await gateway.http.post(
        "/v1/responses", json={"model": "gemini:gemini-3.8-flash", "input": "And?", "previous_response_id": made}
    )

    assert second.status_code == 200, second.text
    entry = gateway.simulator.ledger.entries[-1]
    assert (entry.provider, b"Good morning" in entry.body, b"And?" in entry.body) == ("gemini", True, True)


async def test_a_maker_that_forgot_is_told_so_in_the_dialect(gateway: Gateway) -> None:
    unknown = {"model": "gpt-6.1-sol", "input": "And?", "previous_response_id": "resp_nobody_knows"}

    answer = await gateway.http.post("/v1/responses", json=unknown)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "previous_response_not_found")


def response_id(text: str, *, stream: bool) -> str:
    if not stream:
        found: str = json.loads(text)["id"]
        return found
    last = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")][-1]
    ended: str = json.loads(last)["response"]["id"]
    return ended


def test_answered_items_travel_without_what_only_their_maker_can_look_up() -> None:
    message = b'{"type":"message","id":"msg_1","role":"assistant","content":[]}'
    proof = b'{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"}'

    assert portable(message) == b'{"type":"message","role":"assistant","content":[]}'
    assert portable(b'{"type":"reasoning","id":"rs_1","summary":[]}') is None
    assert portable(proof) == proof
    assert portable(b'{"type":"web_search_call","id":"ws_1"}') == b'{"type":"web_search_call","id":"ws_1"}'
    assert portable(b"5") == b"5"
