"""Counting a prompt: by the provider that would serve it where it can count, else by an estimate that says so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxyctl.simulator import Fault
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import Upstream, response

COUNT = "/v1/messages/count_tokens"
TEXT = "How many tokens are these forty characters"
TOOL = {"name": "get_weather", "description": "Weather", "input_schema": {"type": "object", "properties": {}}}


def ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": TEXT}], **more}


async def test_the_provider_counts_a_request_of_its_own_dialect(gateway: Gateway) -> None:
    answer = await gateway.http.post(COUNT, json=ask("claude-sonnet-5-5", system="Be brief."))

    assert (answer.status_code, answer.json()) == (200, {"input_tokens": (len(TEXT) + len("Be brief.")) // 4})
    assert answer.headers["x-proxyctl-provider"] == "anthropic"
    assert "x-proxyctl-estimate" not in answer.headers
    assert gateway.simulator.ledger.entries[-1].path == "/v1/messages/count_tokens"


OWN_TOOL = {"type": "web_search_20250305", "name": "web_search"}


async def test_what_only_its_dialect_can_say_is_counted_there(gateway: Gateway) -> None:
    answer = await gateway.http.post(COUNT, json=ask("claude-sonnet-5-5", tools=[OWN_TOOL]))

    assert answer.status_code == 200, answer.text
    assert "x-proxyctl-estimate" not in answer.headers
    assert gateway.simulator.ledger.entries[-1].path == "/v1/messages/count_tokens"


async def test_what_only_its_dialect_can_say_is_estimated_where_nobody_counts(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="anthropic", status=500, times=None, scope="list"))

    answer = await gateway.http.post(COUNT, json=ask("claude-sonnet-5-5", tools=[OWN_TOOL]))
    elsewhere = await gateway.http.post(COUNT, json=ask("gemini:gemini-3.8-flash", tools=[OWN_TOOL]))

    assert (answer.status_code, answer.headers["x-proxyctl-estimate"]) == (200, "1")
    assert answer.json()["input_tokens"] > len(TEXT) // 4
    assert elsewhere.status_code == 400


async def test_a_value_of_a_header_that_the_counter_does_not_know_is_left_out(gateway: Gateway) -> None:
    """As it is for a message."""
    headers = {"anthropic-beta": "interleaved-thinking-2025-05-14,time-travel-2031-01-01"}

    answer = await gateway.http.post(COUNT, json=ask("claude-sonnet-5-5"), headers=headers)

    assert answer.status_code == 200, answer.text
    asked = [entry.headers["anthropic-beta"] for entry in gateway.simulator.ledger.entries if entry.path == COUNT]
    assert asked == [headers["anthropic-beta"], "interleaved-thinking-2025-05-14"]


async def test_what_only_an_answer_needs_does_not_reach_the_counter(gateway: Gateway) -> None:
    answer = await gateway.http.post(COUNT, json=ask("claude-sonnet-5-5", max_tokens=5, stream=True))

    assert answer.status_code == 200
    assert b"max_tokens" not in gateway.simulator.ledger.entries[-1].body


async def test_another_provider_counts_the_whole_request_in_its_own_words(gateway: Gateway) -> None:
    plain = await gateway.http.post(COUNT, json=ask("gemini:gemini-3.8-flash"))
    tooled = await gateway.http.post(COUNT, json=ask("gemini:gemini-3.8-flash", tools=[TOOL], system="Be brief."))

    assert plain.json() == {"input_tokens": len(TEXT) // 4}
    assert tooled.json()["input_tokens"] > plain.json()["input_tokens"]
    assert tooled.headers["x-proxyctl-provider"] == "gemini"
    assert gateway.simulator.ledger.entries[-1].path == "/v1beta/models/gemini-3.8-flash:countTokens"


async def test_a_counter_beside_an_endpoint_that_is_not_used_counts_for_the_one_that_is(gateway: Gateway) -> None:
    thinks = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}

    plain = await gateway.http.post(COUNT, json=ask("mistral:mistral-medium-3-5"))
    tooled = await gateway.http.post(
        COUNT, json=ask("mistral:mistral-medium-3-5", tools=[TOOL], system="Be brief.", **thinks)
    )

    assert "x-proxyctl-estimate" not in tooled.headers
    assert tooled.json()["input_tokens"] > plain.json()["input_tokens"] >= len(TEXT) // 4
    counted = gateway.simulator.ledger.entries[-1]
    assert counted.path == "/v1/responses/input_tokens"
    assert b'"reasoning":{"effort":"high"}' in counted.body


async def test_a_provider_without_a_counter_is_estimated_and_said_to_be(gateway: Gateway) -> None:
    answer = await gateway.http.post(COUNT, json=ask("groq:llama-3.3-70b-versatile"))

    assert answer.status_code == 200
    assert answer.json()["input_tokens"] == len(TEXT) // 4 + 5
    assert answer.headers["x-proxyctl-estimate"] == "1"
    assert answer.headers["x-proxyctl-provider"] == "groq"


@pytest.mark.parametrize("status", [404, 429, 500, 401])
async def test_a_counter_that_fails_weighs_against_nobody(gateway: Gateway, status: int) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="anthropic", status=status, times=None, scope="list"))

    counted = await gateway.http.post(COUNT, json=ask("anthropic:claude-sonnet-5-5"))
    served = await gateway.http.post("/v1/messages", json=ask("anthropic:claude-sonnet-5-5", max_tokens=50))

    assert (counted.status_code, counted.headers["x-proxyctl-estimate"]) == (200, "1")
    assert served.status_code == 200
    assert gateway.state.availability.is_quiet


async def test_a_request_that_the_provider_calls_malformed_is_refused(gateway: Gateway) -> None:
    body = ask("anthropic:claude-sonnet-5-5", tool_choice={"type": "any"}, tools=[TOOL])

    answer = await gateway.http.post(COUNT, json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "claude-sonnet-5-5"}, 400),
        ({"messages": []}, 400),
        (ask("groq:llama-3.3-70b-versatile", system=7), 400),
        (ask("nobody-has-this"), 404),
    ],
)
async def test_malformed_requests_get_the_dialects_own_error(gateway: Gateway, body: Any, status: int) -> None:
    answer = await gateway.http.post(COUNT, json=body)

    assert answer.status_code == status
    assert answer.json()["type"] == "error"


async def test_counts_leave_no_record(gateway: Gateway) -> None:
    await gateway.http.post(COUNT, json=ask("claude-sonnet-5-5"))
    await gateway.http.post(COUNT, json={"model": "claude-sonnet-5-5"})
    await gateway.http.post("/v1/messages", json=ask("claude-sonnet-5-5", max_tokens=50))

    assert [record.status for record in await gateway.records(1)] == [200]


async def test_an_unusable_provider_is_estimated_too(gateway: Gateway) -> None:
    gateway.simulator.fault(Fault(kind="status", provider="mistral", status=429, retry_after=60, times=None))
    chat = {"model": "mistral:mistral-large-4", "messages": [{"role": "user", "content": "hi"}]}
    assert (await gateway.http.post("/v1/chat/completions", json=chat)).status_code == 429

    answer = await gateway.http.post(COUNT, json=ask("mistral:mistral-large-4"))

    assert (answer.status_code, answer.headers["x-proxyctl-estimate"]) == (200, "1")


async def test_only_post_and_only_json(gateway: Gateway) -> None:
    got = await gateway.http.get(COUNT)
    typed = await gateway.http.post(COUNT, content=b"{}", headers={"content-type": "text/plain"})

    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert typed.status_code == 415


async def test_the_responses_dialect_counts_in_its_own_words(gateway: Gateway) -> None:
    body = {"model": "gemini:gemini-3.8-flash", "input": TEXT}

    answer = await gateway.http.post("/v1/responses/input_tokens", json=body)

    assert answer.json() == {"object": "response.input_tokens", "input_tokens": len(TEXT) // 4}


async def test_a_counter_that_answers_nonsense_is_estimated(gate: Gateway, upstream: Upstream) -> None:
    await gate.configure(upstream.config(keyed=False, kind="anthropic"))
    upstream.answer = response(b'{"tokens":1}')

    answer = await gate.http.post(COUNT, json=ask("anthropic:claude-sonnet-5-5"))

    assert (answer.status_code, answer.headers["x-proxyctl-estimate"]) == (200, "1")
    assert len(upstream.bodies) == 1


# Gemini's own protocol


def contents(**more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": TEXT}]}], **more}


def gemini(model: str, base: str = "/v1beta/models/") -> str:
    return f"{base}{model}:countTokens"


SYSTEM = {"parts": [{"text": "Be brief."}]}


@pytest.mark.parametrize("base", ["/v1beta/models/", "/v1/models/", "/v1alpha/models/"])
async def test_gemini_counts_bare_contents(gateway: Gateway, base: str) -> None:
    answer = await gateway.http.post(gemini("gemini-3.8-flash", base), json=contents())

    assert (answer.status_code, answer.json()) == (200, {"totalTokens": len(TEXT) // 4})
    assert answer.headers["x-proxyctl-provider"] == "gemini"
    assert "x-proxyctl-estimate" not in answer.headers
    assert gateway.simulator.ledger.entries[-1].path == "/v1beta/models/gemini-3.8-flash:countTokens"


@pytest.mark.parametrize(
    "written",
    [
        {"generateContentRequest": contents(model="models/gemini-3.8-flash", systemInstruction=SYSTEM)},
        {"generate_content_request": contents(model="models/gemini-3.8-flash", system_instruction=SYSTEM)},
    ],
)
@pytest.mark.parametrize("model", ["gemini-3.8-flash", "anthropic:claude-sonnet-5-5"])
async def test_a_whole_request_is_counted_whole(gateway: Gateway, written: dict[str, Any], model: str) -> None:
    answer = await gateway.http.post(gemini(model), json=written)

    assert answer.json() == {"totalTokens": (len(TEXT) + len("Be brief.")) // 4}
    assert "x-proxyctl-estimate" not in answer.headers


async def test_what_else_gemini_says_of_a_prompt_is_handed_on(gate: Gateway, upstream: Upstream) -> None:
    await gate.configure(upstream.config(keyed=False, kind="gemini"))
    counted = b'{"totalTokens":31,"cachedContentTokenCount":7,"promptTokensDetails":[{"modality":"TEXT"}]}'
    upstream.answer = response(counted)

    own = await gate.http.post(gemini("gemini:m"), json=contents())
    foreign = await gate.http.post(COUNT, json=ask("gemini:m"))

    assert own.content == counted
    assert foreign.json() == {"input_tokens": 31}


@pytest.mark.parametrize("model", ["groq:llama-3.3-70b-versatile", "together:Qwen/Qwen3.8-Flash"])
async def test_others_prompts_are_estimated_for_googles_clients(gateway: Gateway, model: str) -> None:
    answer = await gateway.http.post(gemini(model), json=contents())

    assert answer.json() == {"totalTokens": len(TEXT) // 4 + 5}
    assert answer.headers["x-proxyctl-estimate"] == "1"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"contents":7}', b'{"generateContentRequest":7}', b'{"generateContentRequest":{}}']
)
async def test_a_count_of_nothing_is_refused_as_google_would(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.http.post(gemini("groq:llama-3.3-70b-versatile"), content=body)

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


# Conversations that the gateway keeps


async def test_a_kept_conversation_belongs_to_the_prompt(gateway: Gateway) -> None:
    model = "gemini:gemini-3.8-flash"
    first = (await gateway.http.post("/v1/responses", json={"model": model, "input": TEXT})).json()
    [said] = [part["text"] for item in first["output"] for part in item.get("content", ())]
    body = {"model": model, "input": "And now?", "previous_response_id": first["id"]}

    counted = await gateway.http.post("/v1/responses/input_tokens", json=body)
    again = await gateway.http.post("/v1/responses/input_tokens", json=body)
    served = (await gateway.http.post("/v1/responses", json=body)).json()

    expected = (len(TEXT) + len(said) + len("And now?")) // 4
    assert counted.json()["input_tokens"] == again.json()["input_tokens"] == expected
    assert served["usage"]["input_tokens"] == expected


async def test_counting_keeps_nothing(gateway: Gateway) -> None:
    body = {"model": "groq:llama-3.3-70b-versatile", "input": TEXT, "store": True}
    before = len(gateway.state.kept)

    answer = await gateway.http.post("/v1/responses/input_tokens", json=body)

    assert answer.status_code == 200
    assert len(gateway.state.kept) == before


async def test_a_reference_counts_as_what_it_stands_for(gateway: Gateway) -> None:
    model = "gemini:gemini-3.8-flash"
    first = (await gateway.http.post("/v1/responses", json={"model": model, "input": TEXT})).json()
    [item] = first["output"]
    said = item["content"][0]["text"]
    question = {"role": "user", "content": "And now?"}
    body = {"model": model, "input": [{"type": "item_reference", "id": item["id"]}, question]}

    counted = await gateway.http.post("/v1/responses/input_tokens", json=body)

    assert counted.json()["input_tokens"] == (len(said) + len("And now?")) // 4


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5.6"])
async def test_a_counter_is_asked_in_its_own_words(gate: Gateway, upstream: Upstream, model: str) -> None:
    """Whichever of its endpoints the provider would serve the message on: the prompt is the same."""
    await gate.configure(upstream.config(keyed=False, kind="openai"))
    upstream.answer = response(b'{"object":"response.input_tokens","input_tokens":31}')
    body = ask(f"openai:{model}", tools=[TOOL], system="Be brief.", max_tokens=50)

    answer = await gate.http.post(COUNT, json=body)

    assert answer.json() == {"input_tokens": 31}
    assert "x-proxyctl-estimate" not in answer.headers
    [asked] = [msgspec.json.decode(sent) for sent in upstream.bodies]
    assert (asked["model"], asked["instructions"]) == (model, "Be brief.")
    assert TEXT in str(asked["input"])
    assert [tool["name"] for tool in asked["tools"]] == ["get_weather"]
    assert "max_output_tokens" not in asked


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "500 Internal Server Error"])
async def test_a_counter_that_refuses_what_we_wrote_is_estimated(
    gate: Gateway, upstream: Upstream, status: str
) -> None:
    """The caller did not write it: it could not mend it either."""
    await gate.configure(upstream.config(keyed=False, kind="openai"))
    upstream.answer = response(b'{"error":{"message":"no"}}', status=status)

    answer = await gate.http.post(COUNT, json=ask("openai:gpt-4.1"))

    assert (answer.status_code, answer.headers["x-proxyctl-estimate"]) == (200, "1")
