"""Anthropic's strictness and its event grammar, beyond what its SDK would notice."""

import base64
from typing import Any

import httpx
import pytest

from proxyctl.simulator import Fault, Simulator

SONNET = "claude-sonnet-5-5"
OPUS = "claude-opus-5-5"
OLD = "claude-haiku-4-5"
HI: dict[str, Any] = {"role": "user", "content": "Hello you"}
SCHEMA = {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]}
TOOL = {"name": "get", "description": "d", "input_schema": SCHEMA}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"k": "v"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12C"}
NEW = "2026-10-21"


async def ask(
    http: httpx.AsyncClient, model: str = SONNET, version: str = NEW, beta: str = "", path: str = "", **body: Any
) -> httpx.Response:
    value = {"model": model, "max_tokens": 300, "messages": [HI], **body}
    value = {name: entry for name, entry in value.items() if entry is not ...}
    headers = {"anthropic-version": version, **({"anthropic-beta": beta} if beta else {})}
    return await http.post(f"/anthropic/v1/messages{path}", json=value, headers=headers)


def refusal(response: httpx.Response) -> str:
    body = response.json()
    assert (response.status_code, body["type"]) == (400, "error"), response.text
    assert body["error"]["type"] == "invalid_request_error"
    assert body["request_id"]
    return str(body["error"]["message"])


def turns(*contents: Any) -> dict[str, Any]:
    """User and assistant in turn."""
    return {
        "messages": [{"role": ("user", "assistant")[at % 2], "content": entry} for at, entry in enumerate(contents)]
    }


def thinking_signed(model: str) -> dict[str, Any]:
    signature = "EsSim" + base64.b64encode(f"{model}:00".encode()).decode()
    return {"type": "thinking", "thinking": "", "signature": signature}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"max_tokens": 10_000_000}, "maximum allowed number of output tokens"),
        ({"max_tokens": "5"}, "valid integer"),
        ({"temperature": 1}, "temperature: Extra inputs are not permitted"),
        ({"top_p": 0.5}, "top_p: Extra inputs"),
        ({"top_k": 5}, "top_k: Extra inputs"),
        ({"stop": ["x"]}, "stop: Extra inputs"),
        ({"metadata": {"tag": "x"}}, "metadata.tag: Extra inputs"),
        ({"stop_sequences": [" "]}, "non-whitespace"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"context_management": {}}, "context_management: Extra inputs"),
        ({"messages": []}, "at least one message"),
        ({"messages": "hello"}, "messages: Expected `array`"),
        (turns(""), "non-empty content"),
        (turns([{"type": "text", "text": ""}]), "text content blocks must be non-empty"),
        (turns([{"type": "text", "text": "x", "name": "y"}]), "messages.0.content.0.text.name: Extra inputs"),
        (turns([{"type": "text", "text": "x", "citations": [{}]}]), "citations: must be empty"),
        (turns([{"type": "image_url", "image_url": {}}]), "Input tag 'image_url'"),
        (turns([{"type": "image", "source": {"type": "base64", "media_type": "image/bmp"}}]), "media_type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}, HI]}, "first message must use"),
        ({"messages": [{**HI, "name": "bob"}]}, "messages.0.name: Extra inputs"),
        (turns("Hi", "Sure, "), "does not support assistant message prefill"),
        (turns("Hi", [{"type": "document", "source": {"type": "text"}}], "x"), "`document` blocks are not permitted"),
        (turns("Hi", [CALL], [RESULT]), "must define `tools`"),
        ({**turns("Hi", [CALL], "and?"), "tools": [TOOL]}, "without `tool_result` blocks immediately after: toolu_1"),
        (
            {**turns("Hi", [CALL], [{"type": "text", "text": "x"}, RESULT]), "tools": [TOOL]},
            "without `tool_result` blocks",
        ),
        ({**turns("Hi", "ok", [RESULT]), "tools": [TOOL]}, "unexpected `tool_use_id`"),
        ({**turns("Hi", [CALL], [RESULT, RESULT]), "tools": [TOOL]}, "single result"),
        ({**turns("Hi", [{**CALL, "input": "{}"}], [RESULT]), "tools": [TOOL]}, "tool_use.input"),
        ({**turns("Hi", [{**CALL, "id": "a b"}], [RESULT]), "tools": [TOOL]}, "tool_use.id"),
        ({**turns("Hi", [CALL], [{**RESULT, "name": "get"}]), "tools": [TOOL]}, "tool_result.name: Extra inputs"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name"),
        ({"tools": [{**TOOL, "parameters": {}}]}, "tools.0.custom.parameters: Extra inputs"),
        ({"tools": [{"name": "get"}]}, "input_schema: Field required"),
        ({"tools": [{"name": "get", "input_schema": {}}]}, "input_schema.type"),
        ({"tools": [{"type": "function", "function": {}}]}, "Input tag 'function'"),
        ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
        ({"tool_choice": {"type": "auto"}}, "only be specified while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}}, "forced tool use"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "get"}}, "forced tool use"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice: Expected `object | null`"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "`enabled` is not supported on this model"),
        ({"thinking": {"type": "disabled"}}, "`disabled` is not supported"),
        ({"thinking": {"type": "adaptive", "display": "full"}}, "thinking.display"),
        ({"thinking": {"type": "adaptive", "budget_tokens": 5}}, "budget_tokens: Extra inputs"),
        (turns("Hi", [{"type": "thinking", "thinking": "", "signature": "gws1.abc"}], "x"), "Invalid `signature`"),
        (turns("Hi", [thinking_signed(OPUS), {"type": "text", "text": "a"}], "x"), "Invalid `signature`"),
        ({"output_config": {"effort": "minimal"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "'additionalProperties' must be"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "string", "pattern": "x"}}}},
            "property 'pattern' is not supported",
        ),
        (turns([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5), "maximum of 4 blocks"),
    ],
)
async def test_refused_like_the_real_one(http: httpx.AsyncClient, body: dict[str, Any], said: str) -> None:
    assert said in refusal(await ask(http, **body))


@pytest.mark.parametrize(
    "body",
    [
        turns("Hi", [thinking_signed(SONNET), {"type": "text", "text": "a"}], "x"),
        {**turns("Hi", [CALL], [RESULT, {"type": "text", "text": "and now?"}]), "tools": [TOOL]},
        {"messages": [HI, HI, {"role": "system", "content": "Be brief."}]},
        {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]},
        {"max_tokens": 0},
        {"thinking": {"type": "between_tools"}, "metadata": {"user_id": "u"}, "service_tier": "auto"},
    ],
)
async def test_taken(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await ask(http, **body)).status_code == 200


@pytest.mark.parametrize(
    ("model", "version", "body", "said"),
    [
        (OLD, NEW, {"temperature": 0.5}, "Extra inputs"),
        (OLD, "2023-06-01", {"temperature": 0.5}, None),
        (OLD, "2023-06-01", {"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
        (OLD, "2023-06-01", {"temperature": 1.5}, "range: 0..1"),
        (SONNET, "2023-06-01", {"temperature": 0}, "not supported on this model"),
        (OLD, NEW, {"tools": [TOOL], "tool_choice": {"type": "any"}}, None),
        (OLD, NEW, turns("Hi", "Sure, "), None),
        (OLD, NEW, {"thinking": {"type": "adaptive"}}, "`adaptive` is not supported"),
        (OLD, NEW, {"thinking": {"type": "enabled", "budget_tokens": 100}}, "greater than or equal to 1024"),
        (OLD, NEW, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than"),
        (OLD, NEW, {"messages": [HI, {"role": "system", "content": "x"}]}, "role 'system' is not supported"),
        (
            OLD,
            NEW,
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "max_tokens": 2000,
                "tools": [TOOL],
                "tool_choice": {"type": "any"},
            },
            "may not be enabled when tool_choice forces",
        ),
        (
            OLD,
            NEW,
            {
                **turns("Hi", [CALL], [RESULT]),
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "max_tokens": 2000,
                "tools": [TOOL],
            },
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
        ),
        (
            OLD,
            NEW,
            {
                **turns("Hi", [thinking_signed(OLD), CALL], [RESULT], [CALL], [RESULT]),
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "max_tokens": 2000,
                "tools": [TOOL],
            },
            None,
        ),
    ],
)
async def test_rules_that_depend_on_model_and_version(
    http: httpx.AsyncClient, model: str, version: str, body: dict[str, Any], said: str | None
) -> None:
    response = await ask(http, model, version, **body)

    if said is None:
        assert response.status_code == 200, response.text
    else:
        assert said in refusal(response)


@pytest.mark.parametrize(
    ("model", "thinking", "blocks", "shown"),
    [
        (SONNET, None, ["thinking", "text"], False),
        (SONNET, {"type": "between_tools"}, ["text"], False),
        (SONNET, {"type": "adaptive", "display": "summarized"}, ["thinking", "text"], True),
        ("claude-opus-5", {"type": "disabled"}, ["text"], False),
        ("claude-opus-4-8", None, ["text"], False),
        ("claude-opus-4-8", {"type": "adaptive"}, ["thinking", "text"], False),
        ("claude-sonnet-4-6", {"type": "enabled", "budget_tokens": 1024}, ["thinking", "text"], True),
        (OLD, None, ["text"], False),
    ],
)
async def test_when_it_thinks_and_whether_it_shows(
    http: httpx.AsyncClient, model: str, thinking: Any, blocks: list[str], shown: bool
) -> None:
    response = await ask(http, model, max_tokens=2000, thinking=... if thinking is None else thinking)

    content = response.json()["content"]
    assert [block["type"] for block in content] == blocks
    assert bool(content[0].get("thinking")) is shown


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"anthropic-version": NEW}, 401, "x-api-key header is required"),
        ({"x-api-key": "bad", "authorization": "Bearer good", "anthropic-version": NEW}, 401, "invalid x-api-key"),
        ({"authorization": "Bearer good"}, 400, "anthropic-version: header is required"),
        ({"x-api-key": "good", "anthropic-version": "1"}, 400, "not a valid version"),
        ({"x-api-key": "good", "anthropic-version": NEW, "anthropic-beta": "magic-1"}, 400, "`magic-1`"),
    ],
)
async def test_headers(simulator: Simulator, headers: dict[str, str], status: int, said: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(
            f"{simulator.url('anthropic')}/v1/messages",
            json={"model": SONNET, "max_tokens": 5, "messages": [HI]},
            headers=headers,
        )

    assert response.status_code == status
    assert said in response.json()["error"]["message"]


async def test_either_key_carrier_will_do(simulator: Simulator) -> None:
    for header in ({"x-api-key": "good"}, {"authorization": "Bearer good"}):
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.get(
                f"{simulator.url('anthropic')}/v1/models", headers={**header, "anthropic-version": "2023-06-01"}
            )
        assert response.status_code == 200


async def test_what_the_ai_sdk_asks_for_with_thinking_is_taken(http: httpx.AsyncClient) -> None:
    binding = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}

    response = await ask(http, beta="thinking-binding-controls-2026-08-01", thinking=binding)

    assert response.status_code == 200, response.text


async def test_beta_fields_need_their_header(http: httpx.AsyncClient) -> None:
    edits = {"edits": [{"type": "clear_thinking_20251015"}]}

    taken = await ask(http, beta="context-management-2025-06-27,effort-2025-11-24", context_management=edits)

    assert taken.status_code == 200


async def test_threads_are_refused_so_that_the_sdk_sends_everything(http: httpx.AsyncClient) -> None:
    response = await ask(http, beta="message-threads-2026-08-12", thread={"type": "create"})

    details = response.json()["error"]["details"]
    assert details == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


@pytest.mark.parametrize("path", ["", "/count_tokens"])
async def test_unknown_model(http: httpx.AsyncClient, path: str) -> None:
    response = await ask(http, "claude-2", path=path)

    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")


async def test_counting_takes_no_limit(http: httpx.AsyncClient) -> None:
    refused = await ask(http, path="/count_tokens")
    counted = await ask(http, path="/count_tokens", max_tokens=...)

    assert "max_tokens: Extra inputs" in refusal(refused)
    assert counted.json() == {"input_tokens": len("Hello you") // 4}


async def test_event_grammar(frames: Any) -> None:
    """start, blocks one after the other with contiguous indexes, delta, stop; each event named by its type."""
    got = await frames(
        "/anthropic/v1/messages",
        {"model": SONNET, "max_tokens": 300, "messages": [HI], "tools": [TOOL], "stream": True},
        anthropic_version=NEW,
    )

    assert all(name == data["type"] for name, data in got)
    names = [name for name, _ in got]
    assert (names[0], names[-2], names[-1]) == ("message_start", "message_delta", "message_stop")
    assert names.count("message_stop") == names.count("message_start") == 1
    assert "ping" in names
    open_block: int | None = None
    finished = 0
    for name, data in got[1:-2]:
        if name == "content_block_start":
            assert (open_block, data["index"]) == (None, finished)
            open_block = data["index"]
        elif name == "content_block_stop":
            assert data["index"] == open_block
            open_block, finished = None, finished + 1
        elif name == "content_block_delta":
            assert data["index"] == open_block
    assert (open_block, finished) == (None, 3)


async def test_stream_details(frames: Any) -> None:
    body = {"model": SONNET, "max_tokens": 300, "messages": [HI], "tools": [TOOL], "stream": True}

    got = [data for _, data in await frames("/anthropic/v1/messages", body, anthropic_version=NEW)]

    started = got[0]["message"]
    assert started["usage"]["input_tokens"] > 0
    assert (started["content"], started["stop_reason"]) == ([], None)
    blocks = [data["content_block"] for data in got if data["type"] == "content_block_start"]
    assert blocks[0] == {"type": "thinking", "thinking": "", "signature": ""}
    assert blocks[1] == {"type": "text", "text": ""}
    assert blocks[2]["input"] == {}
    deltas = [data["delta"] for data in got if data["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas].count("signature_delta") == 1
    assert "".join(delta.get("partial_json", "") for delta in deltas) == '{"k":"k"}'
    assert got[-2]["delta"]["stop_reason"] == "tool_use"
    assert got[-2]["usage"]["output_tokens"] > 0


async def test_call_without_arguments_streams_nothing(frames: Any) -> None:
    tool = {"name": "now", "input_schema": {"type": "object", "properties": {}}}
    body = {"model": OLD, "max_tokens": 300, "messages": [HI], "tools": [tool], "stream": True}

    got = [data for _, data in await frames("/anthropic/v1/messages", body, anthropic_version=NEW)]

    assert "".join(data.get("delta", {}).get("partial_json", "") for data in got) == ""


async def test_tool_result_with_an_image(http: httpx.AsyncClient, png: bytes) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png).decode()}
    result = {**RESULT, "content": [{"type": "image", "source": source}]}

    response = await ask(http, tools=[TOOL], **turns("Hi", [CALL], [result]))

    assert f"image/png) of {len(png)} bytes" in response.json()["content"][-1]["text"]


async def test_one_call_when_parallel_use_is_disabled(http: httpx.AsyncClient) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}

    response = await ask(http, tools=[TOOL], tool_choice=choice, messages=[{"role": "user", "content": "in parallel"}])

    assert [block["type"] for block in response.json()["content"]].count("tool_use") == 1


async def test_too_long_a_prompt(http: httpx.AsyncClient) -> None:
    response = await ask(http, OLD, system="s" * 900_000)

    assert refusal(response).startswith("prompt is too long: 225002 tokens > 200000 maximum")


async def test_spend_limit_has_its_own_code(simulator: Simulator, http: httpx.AsyncClient) -> None:
    simulator.fault(Fault(kind="status", provider="anthropic", status=429, code="enforced_spend_limit_reached"))

    response = await ask(http)

    assert response.json()["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert "retry-after" not in response.headers


async def test_answers_carry_limits_and_a_request_id(http: httpx.AsyncClient) -> None:
    headers = (await ask(http)).headers

    assert headers["request-id"].startswith("req_")
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "399500"
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x"])
async def test_page_size_is_checked(http: httpx.AsyncClient, query: str) -> None:
    response = await http.get(f"/anthropic/v1/models?{query}", headers={"anthropic-version": NEW})

    assert refusal(response).startswith("limit:")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"messages": []}', b'{"model": 5}'])
async def test_bodies_that_are_no_request(http: httpx.AsyncClient, content: bytes) -> None:
    response = await http.post("/anthropic/v1/messages", content=content, headers={"anthropic-version": NEW})

    assert refusal(response)
