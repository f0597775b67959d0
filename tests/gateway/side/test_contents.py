"""Gemini's own verbs beside conversations, `embedContent` and `batchEmbedContents`, on every provider that embeds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxyctl.simulator.beside import vector
from tests.clients.targets import EMBEDDERS
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import Upstream, response

ELSEWHERE = [name for name in EMBEDDERS if name != "gemini"]


def path_of(provider: str, verb: str, base: str = "/v1beta/models/") -> str:
    return f"{base}{provider}:{EMBEDDERS.get(provider, ('claude-sonnet-5-5', 0))[0]}:{verb}"


def content(*texts: str, **more: Any) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text} for text in texts]}, **more}


def batch(provider: str, *requests: dict[str, Any]) -> dict[str, Any]:
    return {"requests": [{"model": f"models/{provider}:{EMBEDDERS[provider][0]}", **request} for request in requests]}


def sent(gateway: Gateway) -> list[dict[str, Any]]:
    return [msgspec.json.decode(entry.body) for entry in gateway.simulator.ledger.entries if entry.method == "POST"]


@pytest.mark.parametrize("provider", EMBEDDERS)
async def test_one_content_is_one_vector(gateway: Gateway, provider: str) -> None:
    answer = await gateway.http.post(path_of(provider, "embedContent"), json=content("some words"))

    assert answer.status_code == 200, answer.text
    assert answer.json()["embedding"]["values"] == vector("some words", EMBEDDERS[provider][1])
    assert answer.headers["x-proxyctl-provider"] == provider
    assert answer.headers["x-proxyctl-model"] == EMBEDDERS[provider][0]


@pytest.mark.parametrize("provider", EMBEDDERS)
async def test_a_batch_comes_back_in_its_order(gateway: Gateway, provider: str) -> None:
    body = batch(provider, content("first words"), content("second words"))

    answer = await gateway.http.post(path_of(provider, "batchEmbedContents", "/v1/models/"), json=body)

    assert answer.status_code == 200, answer.text
    size = EMBEDDERS[provider][1]
    expected = [{"values": vector("first words", size)}, {"values": vector("second words", size)}]
    assert answer.json()["embeddings"] == expected
    assert len(sent(gateway)) == 1


@pytest.mark.parametrize("provider", ELSEWHERE)
async def test_what_was_read_is_told_where_it_was_counted(gateway: Gateway, provider: str) -> None:
    answer = await gateway.http.post(path_of(provider, "embedContent"), json=content("four letters make a token"))

    assert answer.json()["usageMetadata"] == {"promptTokenCount": len("four letters make a token") // 4}
    assert "x-proxyctl-estimate" not in answer.headers


@pytest.mark.parametrize("path", ["/v1beta/", "/v1/", "/v1alpha/"])
async def test_names_with_slashes_need_no_models_before_them(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.post(path_of("together", "embedContent", path), json=content("some words"))

    assert answer.status_code == 200, answer.text


# To Gemini


async def test_geminis_own_form_reaches_it_as_it_came(gateway: Gateway) -> None:
    """Its address has the model; a body that names none is not touched, odd spacing and unknown fields included."""
    body = b'{ "content" : {"parts":[{"text":"caf\\u00e9"}]}, "taskType":"CLUSTERING","outputDimensionality":64}'

    answer = await gateway.http.post(path_of("gemini", "embedContent"), content=body)

    entry = gateway.simulator.ledger.entries[-1]
    assert answer.json() == {"embedding": {"values": vector("café", 64)}}
    assert (entry.path, entry.body) == ("/v1beta/models/gemini-embedding-001:embedContent", body)
    [record] = await gateway.records(1)
    assert record.lane == "passthrough"
    assert record.usage is not None
    assert (record.usage.input, record.usage.source) == (1, "estimated")


async def test_each_request_of_a_batch_names_the_model_as_google_does(gateway: Gateway) -> None:
    body = batch("gemini", content("one", taskType="RETRIEVAL_QUERY"), content("two", title="Two"))

    await gateway.http.post(path_of("gemini", "batchEmbedContents"), json=body)

    [upstream] = sent(gateway)
    named = [{**request, "model": "models/gemini-embedding-001"} for request in body["requests"]]
    assert upstream == {"requests": named}


async def test_googles_refusal_is_handed_on(gateway: Gateway) -> None:
    answer = await gateway.http.post(path_of("gemini", "embedContent"), json=content("x", taskType="NONSENSE"))

    assert answer.status_code == 400
    assert "NONSENSE" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"requests": 7}, {"requests": [7]}, {"requests": []}])
async def test_what_is_malformed_is_googles_to_refuse(gateway: Gateway, body: dict[str, Any]) -> None:
    answer = await gateway.http.post(path_of("gemini", "batchEmbedContents"), json=body)

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert len(sent(gateway)) == 1


async def test_more_than_text_reaches_google_too(gate: Gateway, upstream: Upstream) -> None:
    """And is estimated by the little of it that can be text."""
    await gate.configure(upstream.config(keyed=False, kind="gemini"))
    upstream.answer = response(b'{"embeddings":[{"values":[0.5]}]}')
    picture = {"inlineData": {"mimeType": "image/png", "data": "A" * 40_000}}
    body = {"requests": [{"model": "models/m", "content": {"parts": [picture]}}]}

    answer = await gate.http.post("/v1beta/models/gemini:m:batchEmbedContents", json=body)

    assert answer.status_code == 200
    assert [msgspec.json.decode(sent) for sent in upstream.bodies] == [body]
    [record] = await gate.records(1)
    assert record.usage is not None
    assert 0 < record.usage.input < 100


async def test_what_google_counts_is_recorded(gate: Gateway, upstream: Upstream) -> None:
    await gate.configure(upstream.config(keyed=False, kind="gemini"))
    upstream.answer = response(b'{"embedding":{"values":[0.5]},"usageMetadata":{"promptTokenCount":3},"more":1}')

    answer = await gate.http.post("/v1beta/models/gemini:m:embedContent", json=content("some words"))

    assert answer.json()["more"] == 1
    [record] = await gate.records(1)
    assert record.usage is not None
    assert (record.usage.input, record.usage.source) == (3, "reported")


@pytest.mark.parametrize("body", [b"{}", b'{"embeddings":[{"values":[1]}]}', b"[]", b"nonsense"])
async def test_an_answer_without_a_vector_is_none(gate: Gateway, upstream: Upstream, body: bytes) -> None:
    await gate.configure(upstream.config(keyed=False, kind="gemini"))
    upstream.answer = response(body)

    answer = await gate.http.post("/v1beta/models/gemini:m:embedContent", json=content("some words"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, 502)


# To others


@pytest.mark.parametrize(
    ("task", "input_type", "losses"),
    [
        ("RETRIEVAL_QUERY", "search_query", None),
        ("RETRIEVAL_DOCUMENT", "search_document", None),
        ("CODE_RETRIEVAL_QUERY", "search_query", None),
        ("CLASSIFICATION", "classification", None),
        ("CLUSTERING", "clustering", None),
        ("SEMANTIC_SIMILARITY", "search_document", "1"),
        (None, "search_document", None),
    ],
)
@pytest.mark.parametrize("written", ["taskType", "task_type", "embedContentConfig"])
async def test_a_task_is_coheres_input_type(
    gateway: Gateway, task: str | None, input_type: str, losses: str | None, written: str
) -> None:
    setting = {"embedContentConfig": {"taskType": task}} if written == "embedContentConfig" else {written: task}

    answer = await gateway.http.post(path_of("cohere", "embedContent"), json=content("x", **setting))

    assert sent(gateway)[0]["input_type"] == input_type
    assert answer.headers.get("x-proxyctl-losses") == losses


@pytest.mark.parametrize("name", ["outputDimensionality", "output_dimensionality"])
@pytest.mark.parametrize(("provider", "size"), [("cohere", 512), ("mistral", 256), ("local", 64)])
async def test_dimensions_are_asked_in_the_providers_words(
    gateway: Gateway, provider: str, size: int, name: str
) -> None:
    answer = await gateway.http.post(path_of(provider, "embedContent"), json=content("x", **{name: size}))

    assert answer.json()["embedding"]["values"] == vector("x", size)
    assert "x-proxyctl-losses" not in answer.headers


@pytest.mark.parametrize("provider", ["together", "groq"])
async def test_vectors_of_another_length_are_refused_and_not_made_up(gateway: Gateway, provider: str) -> None:
    answer = await gateway.http.post(path_of(provider, "embedContent"), json=content("x", outputDimensionality=8))

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert sent(gateway) == []


@pytest.mark.parametrize(
    ("provider", "paths"),
    [
        ("cohere", ["title", "novelty", "embedContentConfig.autoTruncate"]),
        ("local", ["taskType", "title", "novelty", "embedContentConfig.autoTruncate"]),
    ],
)
async def test_what_has_no_counterpart_is_a_loss(gateway: Gateway, provider: str, paths: list[str]) -> None:
    config = {"autoTruncate": True, "taskType": "CLUSTERING"}
    body = content("x", title="A title", novelty=1, embedContentConfig=config)

    answer = await gateway.http.post(path_of(provider, "embedContent"), json=body)

    assert answer.status_code == 200
    [record] = await gateway.records(1)
    assert sorted(loss.path for loss in record.losses) == sorted(paths)


async def test_parts_of_one_content_are_one_text(gateway: Gateway) -> None:
    """So Google's SDK sends several strings to a model that embeds more than text."""
    answer = await gateway.http.post(path_of("cohere", "embedContent"), json=content("What is", "your name?"))

    assert answer.json()["embedding"]["values"] == vector("What is\nyour name?", 1536)


@pytest.mark.parametrize("given", ["bare", {"parts": {"text": "bare"}}, [{"parts": [{"text": "bare"}]}]])
async def test_short_forms_are_understood(gateway: Gateway, given: Any) -> None:
    answer = await gateway.http.post(path_of("mistral", "embedContent"), json={"content": given})

    assert answer.json()["embedding"]["values"] == vector("bare", 1024)


async def test_requests_with_other_settings_go_in_another_call(gateway: Gateway) -> None:
    asked = [content("a"), content("b"), content("c", outputDimensionality=256), content("d")]

    answer = await gateway.http.post(path_of("cohere", "batchEmbedContents"), json=batch("cohere", *asked))

    assert [call["texts"] for call in sent(gateway)] == [["a", "b"], ["c"], ["d"]]
    lengths = [len(one["values"]) for one in answer.json()["embeddings"]]
    assert lengths == [1536, 1536, 256, 1536]
    [record] = await gateway.records(1)
    assert len(record.attempts) == 1


async def test_a_full_batch_is_split_where_the_provider_takes_less(gateway: Gateway) -> None:
    asked = [content(f"text {index}", outputDimensionality=256) for index in range(100)]

    answer = await gateway.http.post(path_of("cohere", "batchEmbedContents"), json=batch("cohere", *asked))

    assert [len(call["texts"]) for call in sent(gateway)] == [96, 4]
    assert answer.json()["embeddings"][98]["values"] == vector("text 98", 256)


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("embedContent", {}, "content"),
        ("embedContent", {"content": {"parts": []}}, "content"),
        ("embedContent", content(""), "content"),
        ("embedContent", {"content": 7}, "content"),
        ("embedContent", {"content": [{"parts": ["a"]}, {"parts": ["b"]}]}, "content"),
        ("embedContent", content("x", outputDimensionality=0), "outputDimensionality"),
        ("embedContent", content("x", outputDimensionality="long"), "outputDimensionality"),
        ("embedContent", content("x", taskType=7), "taskType"),
        ("embedContent", content("x", embedContentConfig=[]), "embedContentConfig"),
        ("embedContent", {"content": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}}, "content.parts[0]"),
        ("batchEmbedContents", {}, "requests"),
        ("batchEmbedContents", {"requests": []}, "requests"),
        ("batchEmbedContents", {"requests": [content("x"), 7]}, "requests[1]"),
        ("batchEmbedContents", {"requests": [content("x"), content("x", title=[])]}, "requests[1].title"),
        ("batchEmbedContents", {"requests": [content("x")] * 101}, "requests"),
    ],
)
async def test_malformed_requests_get_googles_error(gateway: Gateway, verb: str, body: Any, field: str) -> None:
    answer = await gateway.http.post(path_of("cohere", verb), json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    violations = [one for detail in error["details"] for one in detail.get("fieldViolations", ())]
    assert [violation["field"] for violation in violations] == [field]
    assert sent(gateway) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"content":' + b"[" * 3000 + b"]" * 3000 + b"}"])
async def test_a_bad_body_is_never_a_fault_of_ours(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.http.post(path_of("cohere", "embedContent"), content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_who_embeds_nothing_says_so(gateway: Gateway) -> None:
    answer = await gateway.http.post(path_of("anthropic", "embedContent"), json=content("x"))

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "no embeddings" in answer.json()["error"]["message"]


async def test_a_model_that_nobody_has_is_not_found(gateway: Gateway) -> None:
    answer = await gateway.http.post("/v1beta/models/nobody-has-this:embedContent", json=content("x"))

    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


async def test_strict_refuses_what_would_be_lost(gateway: Gateway) -> None:
    body = content("x", title="A title")

    answer = await gateway.http.post(path_of("cohere", "embedContent"), json=body, headers={"x-proxyctl-strict": "1"})

    assert answer.status_code == 400
    assert "title" in answer.json()["error"]["message"]


async def test_only_post_and_only_json(gateway: Gateway) -> None:
    got = await gateway.http.get(path_of("cohere", "embedContent"))
    typed = await gateway.http.post(
        path_of("cohere", "embedContent"), content=b"{}", headers={"content-type": "text/plain"}
    )

    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert (typed.status_code, typed.json()["error"]["code"]) == (415, 415)
