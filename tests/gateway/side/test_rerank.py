"""Reranking: one form in, whichever provider; scores and indexes as the provider gave them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxyctl.simulator import Fault
from tests.gateway.conftest import Gateway
from tests.gateway.hostile import Upstream, response

PATHS = ["/v1/rerank", "/v2/rerank", "/rerank"]
MODELS = ["cohere:rerank-v5.0-pro", "together:Salesforce/Llama-Rank-V1", "local:local-rerank"]
DOCUMENTS = ["nothing of it", "red apples and pears", "red pears"]


def ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "query": "red apples", "documents": DOCUMENTS, **more}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
async def test_results_come_best_first(gateway: Gateway, model: str, path: str) -> None:
    answer = await gateway.http.post(path, json=ask(model, top_n=2))

    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert [(one["index"], one["relevance_score"]) for one in body["results"]] == [(1, 1.0), (2, 0.5)]
    assert body["id"]
    assert f"{answer.headers['x-proxyctl-provider']}:{body['model']}" == model
    assert "document" not in body["results"][0]


@pytest.mark.parametrize("model", MODELS)
async def test_documents_are_handed_back_when_asked_for(gateway: Gateway, model: str) -> None:
    answer = await gateway.http.post(PATHS[0], json=ask(model, return_documents=True, top_n=1))

    assert [one["document"] for one in answer.json()["results"]] == [{"text": DOCUMENTS[1]}]
    assert "x-proxyctl-losses" not in answer.headers


@pytest.mark.parametrize("model", MODELS)
async def test_documents_may_be_objects(gateway: Gateway, model: str) -> None:
    documents = [{"text": text, "id": index} for index, text in enumerate(DOCUMENTS)]

    answer = await gateway.http.post(PATHS[0], json=ask(model, documents=documents, return_documents=True, top_n=1))

    assert [one["document"] for one in answer.json()["results"]] == [documents[1]]


async def test_a_document_without_text_is_sent_as_json(gateway: Gateway) -> None:
    await gateway.http.post(PATHS[0], json=ask(MODELS[0], documents=[{"title": "red"}]))

    assert msgspec.json.decode(gateway.simulator.ledger.entries[-1].body)["documents"] == ['{"title":"red"}']


async def test_what_the_provider_does_not_take_is_a_loss(gateway: Gateway) -> None:
    answer = await gateway.http.post(PATHS[0], json=ask(MODELS[0], rank_fields=["text"], made_up=True))
    other = await gateway.http.post(PATHS[0], json=ask(MODELS[1], max_tokens_per_doc=10))

    assert answer.headers["x-proxyctl-losses"] == "2"
    assert other.headers["x-proxyctl-losses"] == "1"


async def test_meta_and_usage_are_told_as_far_as_they_are_known(gateway: Gateway) -> None:
    searched = await gateway.http.post(PATHS[0], json=ask(MODELS[0]))
    counted = await gateway.http.post(PATHS[0], json=ask(MODELS[1]))

    assert searched.json()["meta"]["billed_units"] == {"search_units": 1.0}
    assert "usage" not in searched.json()
    assert counted.json()["usage"]["total_tokens"] > 0
    newest, older = await gateway.records(2)
    assert newest.usage is not None
    assert (older.usage, older.cost) == (None, None)


async def test_a_failure_moves_on_to_the_aliases_next_target(gateway: Gateway) -> None:
    text = gateway.config_file.read_text()
    await gateway.configure(f'{text}\n[aliases]\norder = ["{MODELS[0]}", "{MODELS[2]}"]\n')
    gateway.simulator.fault(Fault(kind="status", provider="cohere", status=429, times=None))

    answer = await gateway.http.post(PATHS[1], json=ask("order"))

    assert (answer.status_code, answer.headers["x-proxyctl-provider"]) == (200, "local")


@pytest.mark.parametrize(
    "more",
    [
        {"query": 1},
        {"documents": []},
        {"documents": [1]},
        {"documents": "x"},
        {"top_n": 0},
        {"return_documents": "yes"},
    ],
)
async def test_malformed_requests_are_told_in_both_forms(gateway: Gateway, more: dict[str, Any]) -> None:
    answer = await gateway.http.post(PATHS[1], json=ask(MODELS[0], **more))

    body = answer.json()
    assert answer.status_code == 400
    assert body["message"] == body["error"]["message"]
    assert body["id"].startswith("px_")


@pytest.mark.parametrize("name", ["model", "query", "documents"])
async def test_required_fields_are_required(gateway: Gateway, name: str) -> None:
    body = ask(MODELS[0])
    del body[name]

    answer = await gateway.http.post(PATHS[1], json=body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)


async def test_a_provider_without_reranking_says_so(gateway: Gateway) -> None:
    answer = await gateway.http.post(PATHS[0], json=ask("groq:llama-3.3-70b-versatile"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported")


@pytest.mark.parametrize("said", [b'{"results":[{"index":9,"relevance_score":1}]}', b'{"results":[{}]}', b"[]"])
async def test_a_result_that_points_nowhere_is_no_answer(gate: Gateway, upstream: Upstream, said: bytes) -> None:
    upstream.answer = response(said)

    answer = await gate.http.post(PATHS[0], json=ask("local:m"))

    assert answer.status_code == 502
