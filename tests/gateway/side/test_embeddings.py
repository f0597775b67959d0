"""Embeddings in OpenAI's form from every provider that has them: the vectors that it gave, in the order asked."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
from typing import Any

import msgspec
import pytest

from proxyctl.core.usage import Usage
from proxyctl.simulator import Fault
from proxyctl.simulator.beside import vector
from tests.clients.targets import EMBEDDERS
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import KEY, KEYED, Upstream, response

EMBED = "/v1/embeddings"
WORDS = ["first words", "second words"]


def expected(provider: str, text: str, size: int) -> list[float]:
    numbers = vector(text, size)
    if provider != "gemini":
        return numbers
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]


def ask(provider: str, given: Any = WORDS, **more: Any) -> dict[str, Any]:
    return {"model": f"{provider}:{EMBEDDERS[provider][0]}", "input": given, **more}


@pytest.mark.parametrize("provider", EMBEDDERS)
async def test_vectors_come_in_the_order_of_the_inputs(gateway: Gateway, provider: str) -> None:
    answer = await gateway.http.post(EMBED, json=ask(provider))

    body = answer.json()
    assert answer.status_code == 200, answer.text
    model, size = EMBEDDERS[provider]
    assert [item["index"] for item in body["data"]] == [0, 1]
    for item, text in zip(body["data"], WORDS, strict=True):
        assert item["embedding"] == pytest.approx(expected(provider, text, size))
    assert (body["object"], body["model"]) == ("list", model)
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 0
    assert answer.headers["x-proxyctl-provider"] == provider
    assert ("x-proxyctl-estimate" in answer.headers) is (provider == "gemini")


@pytest.mark.parametrize("provider", EMBEDDERS)
async def test_base64_is_little_endian_floats_whoever_embeds(gateway: Gateway, provider: str) -> None:
    answer = await gateway.http.post(EMBED, json=ask(provider, "some words", encoding_format="base64", user="me"))

    [item] = answer.json()["data"]
    packed = base64.b64decode(item["embedding"])
    size = EMBEDDERS[provider][1]
    assert list(struct.unpack(f"<{size}f", packed)) == pytest.approx(expected(provider, "some words", size))
    assert "x-proxyctl-losses" not in answer.headers


@pytest.mark.parametrize(("provider", "size"), [("gemini", 768), ("cohere", 512), ("mistral", 256), ("local", 64)])
async def test_dimensions_are_asked_in_the_providers_words(gateway: Gateway, provider: str, size: int) -> None:
    answer = await gateway.http.post(EMBED, json=ask(provider, "some words", dimensions=size))

    [item] = answer.json()["data"]
    assert item["embedding"] == pytest.approx(expected(provider, "some words", size))


@pytest.mark.parametrize(
    ("provider", "more"),
    [
        ("together", {"dimensions": 64}),
        ("groq", {"dimensions": 64}),
        ("gemini", {"input": [1, 2, 3]}),
        ("cohere", {"input": [[1, 2], [3]]}),
        ("mistral", {"input": [1, 2]}),
        ("anthropic", {}),
    ],
)
async def test_what_a_provider_cannot_do_is_refused_before_it_is_asked(
    gateway: Gateway, provider: str, more: dict[str, Any]
) -> None:
    asked = {"model": f"{provider}:{EMBEDDERS.get(provider, ('claude-sonnet-5-5', 0))[0]}", "input": "x", **more}

    answer = await gateway.http.post(EMBED, json=asked)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unsupported"
    assert not [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]


async def test_token_lists_go_to_a_server_that_takes_them(gateway: Gateway) -> None:
    answer = await gateway.http.post(EMBED, json=ask("local", [[1, 2, 3], [4]]))

    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens"] == 4


@pytest.mark.parametrize(("provider", "calls"), [("cohere", 3), ("gemini", 2), ("local", 1)])
async def test_many_inputs_go_in_several_calls_and_come_as_one(gateway: Gateway, provider: str, calls: int) -> None:
    texts = [f"text number {index}" for index in range(200)]

    answer = await gateway.http.post(EMBED, json=ask(provider, texts, dimensions=256))

    data = answer.json()["data"]
    assert [item["index"] for item in data] == list(range(200))
    assert data[150]["embedding"] == pytest.approx(expected(provider, texts[150], 256))
    assert len([entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]) == calls
    [record] = await gateway.records(1)
    assert len(record.attempts) == 1


async def test_further_fields_reach_who_knows_them_and_are_losses_elsewhere(gateway: Gateway) -> None:
    asked = ask("cohere", "words", input_type="search_query", made_up=1)

    answer = await gateway.http.post(EMBED, json=asked)

    sent = msgspec.json.decode(gateway.simulator.ledger.entries[-1].body)
    assert sent["input_type"] == "search_query"
    assert answer.headers["x-proxyctl-losses"] == "1"
    [record] = await gateway.records(1)
    assert [loss.path for loss in record.losses] == ["made_up"]


async def test_the_record_has_usage_and_cost(gateway: Gateway) -> None:
    await gateway.http.post(EMBED, json=ask("cohere", "x" * 4000))

    [record] = await gateway.records(1)
    assert record.usage is not None
    assert (record.usage.input_total, record.usage.output_total, record.usage.source) == (1000, 0, "reported")
    assert record.cost is not None
    assert record.cost > 0
    assert (record.outcome, record.provider, record.served_model) == ("ok", "cohere", "embed-v4.0")


async def test_what_nobody_counted_is_recorded_as_an_estimate(gateway: Gateway) -> None:
    await gateway.http.post(EMBED, json=ask("gemini", "x" * 400))

    [record] = await gateway.records(1)
    assert record.usage is not None
    assert (record.usage.input_total, record.usage.source) == (100, "estimated")


@pytest.mark.parametrize("kind", ["status", "reset", "html", "garbage"])
async def test_a_failure_moves_on_to_the_aliases_next_target(gateway: Gateway, kind: Any) -> None:
    text = gateway.config_file.read_text()
    await gateway.configure(f'{text}\n[aliases]\nvectors = ["mistral:mistral-embed", "local:text-embedding-3-small"]\n')
    gateway.simulator.fault(Fault(kind=kind, provider="mistral", times=None))

    answer = await gateway.http.post(EMBED, json={"model": "vectors", "input": "words"})

    assert answer.status_code == 200
    assert answer.headers["x-proxyctl-provider"] == "local"
    [record] = await gateway.records(1)
    assert [attempt.provider for attempt in record.attempts][-1] == "local"


async def test_what_was_counted_before_a_later_call_failed_is_kept(gate: Gateway, upstream: Upstream) -> None:
    """It is paid, although nobody gets its vectors."""
    counted = {"prompt_tokens": 7, "total_tokens": 7}
    first = {"object": "list", "data": [{"index": 0, "embedding": [1.0]}], "model": "m", "usage": counted}
    answers = iter((response(msgspec.json.encode(first)), response(b"{}", status="400 Bad Request")))

    async def answer(_body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    upstream.answer, upstream.keep = answer, True
    content = {"parts": [{"text": "words"}]}
    requests = [{"content": content}, {"content": content, "outputDimensionality": 1}]
    told = await gate.http.post("/v1beta/models/local:m:batchEmbedContents", json={"requests": requests})

    assert told.status_code == 400
    [record] = await gate.records(1)
    [attempt] = record.attempts
    assert (attempt.outcome, attempt.usage) == ("error", Usage(input=7, source="partial"))
    assert record.usage is None


async def test_no_other_models_vectors_stand_in(gateway: Gateway) -> None:
    """A name with a tier has stand-ins for chat; vectors of another model cannot be compared with the asked ones."""
    answer = await gateway.http.post(EMBED, json={"model": "gpt-4.1-mini", "input": "words"})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"model":"m"}',
        b'{"input":"x"}',
        b'{"model":"m","input":[]}',
        b'{"model":"m","input":""}',
        b'{"model":"m","input":["x",1]}',
        b'{"model":"m","input":[1,"x"]}',
        b'{"model":"m","input":{"a":1}}',
        b'{"model":"m","input":"x","dimensions":0}',
        b'{"model":"m","input":"x","encoding_format":"hex"}',
        b'{"model":"m","input":"x","user":5}',
        b'{"model":7,"input":"x"}',
    ],
)
async def test_malformed_requests_are_told_in_openais_form(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.http.post(EMBED, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "said",
    [
        b'{"data":[]}',
        b'{"data":[{"embedding":[1],"index":0},{"embedding":[2],"index":1}]}',
        b'{"data":[{"embedding":"not base64!","index":0}]}',
        b'{"data":"x"}',
        b"{",
        b"[]",
    ],
)
async def test_an_answer_without_the_vectors_is_no_answer(gate: Gateway, upstream: Upstream, said: bytes) -> None:
    upstream.answer = response(said)

    answer = await gate.http.post(EMBED, json={"model": "local:m", "input": "words"})

    assert answer.status_code == 502
    assert answer.json()["error"]["message"]


async def test_the_providers_own_refusal_is_handed_on_without_our_key(start_gateway: Any, upstream: Upstream) -> None:
    gate = await start_gateway(upstream.config(keyed=True), KEYED)
    said = b'{"error":{"message":"no such size for ' + KEY.encode() + b'","type":"invalid_request_error"}}'
    upstream.answer = response(said, status="400 Bad Request")

    answer = await gate.http.post(EMBED, json={"model": "local:m", "input": "words", "dimensions": 3})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("no such size")
    assert KEY not in answer.text


async def test_a_body_over_the_limit_is_refused(gateway: Gateway) -> None:
    text = gateway.config_file.read_text().replace("[server]", "[server]\nmax_body_mib = 1", 1)
    await gateway.configure(text)

    answer = await gateway.http.post(EMBED, json=ask("local", "x" * (1 << 20)))

    assert answer.status_code == 413


async def test_a_strict_caller_is_refused_what_would_be_lost(gateway: Gateway) -> None:
    answer = await gateway.http.post(EMBED, json=ask("gemini", made_up=1), headers={"x-proxyctl-strict": "1"})

    assert answer.status_code == 400
    assert "made_up" in answer.json()["error"]["message"]
    assert not [entry for entry in gateway.simulator.ledger.entries if entry.method == "POST"]
