"""Cohere's v2 endpoints beside chat: embed, rerank, transcriptions; unknown fields are a 422 (wire notes 2026-11)."""

from typing import Any, Literal, TypeVar

import msgspec

from proxyctl.simulator.beside import form_of, ranked, vector
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.provider import SimulatedProvider, seed_of
from proxyctl.simulator.reply import Reply, json_reply
from proxyctl.simulator.tokens import Tally, count_tokens
from proxyctl.simulator.violations import explain

EMBED_SIZES = {"embed-v4.0": (256, 512, 1024, 1536), "embed-english-v3.0": (1024,)}
RERANKERS = ("rerank-v5.0-pro", "rerank-v4.0-fast")
TRANSCRIBERS = ("cohere-transcribe-03-2026",)
_MOST_TEXTS = 96
T = TypeVar("T")


class EmbedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    input_type: Literal["search_document", "search_query", "classification", "clustering", "image"]
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[Any] | None = None
    embedding_types: list[Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]] | None = None
    output_dimension: int | None = None
    max_tokens: int | None = None
    truncate: Literal["NONE", "START", "END"] | None = None
    priority: int | None = None


class RerankRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    query: str
    documents: list[str]
    top_n: int | None = None
    max_tokens_per_doc: int | None = None
    relevant_spans: dict[str, Any] | None = None
    priority: int | None = None


def embed(provider: SimulatedProvider, raw: HttpRequest) -> Reply:
    request = _read(provider, raw, EmbedRequest)
    sizes = EMBED_SIZES.get(request.model)
    if sizes is None:
        raise _no_model(provider, request.model)
    if not request.texts or len(request.texts) > _MOST_TEXTS:
        raise provider.refuse(400, f"invalid request: total number of texts must be at most {_MOST_TEXTS}, and not 0")
    size = request.output_dimension or sizes[-1]
    if size not in sizes:
        raise provider.refuse(400, f"invalid request: output_dimension must be one of {list(sizes)}")
    tokens = sum(map(count_tokens, request.texts))
    value = {
        "id": provider.next_id(seed_of(raw.body)),
        "embeddings": {"float": [vector(text, size) for text in request.texts]},
        "texts": request.texts,
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": float(tokens)}},
        "response_type": "embeddings_by_type",
    }
    return json_reply(value, tally=Tally(tokens, 0, 0, 0), model=request.model)


def rerank(provider: SimulatedProvider, raw: HttpRequest) -> Reply:
    request = _read(provider, raw, RerankRequest)
    if request.model not in RERANKERS:
        raise _no_model(provider, request.model)
    if not request.documents or not request.query:
        raise provider.refuse(400, "invalid request: query and documents must not be empty")
    found = ranked(request.query, request.documents)[: request.top_n]
    value = {
        "id": provider.next_id(seed_of(raw.body)),
        "results": [{"index": index, "relevance_score": score} for index, score in found],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1.0}},
    }
    return json_reply(value, model=request.model)


def transcribe(provider: SimulatedProvider, raw: HttpRequest) -> Reply:
    fields, audio = form_of(raw)
    if fields.get("model", "") not in TRANSCRIBERS:
        raise _no_model(provider, fields.get("model", ""))
    if audio is None or "language" not in fields:
        raise provider.refuse(400, "invalid request: file and language are required")
    name, data = audio
    return json_reply({"text": f"You sent {len(data)} bytes as {name}."}, model=fields["model"])


def _no_model(provider: SimulatedProvider, name: str) -> Exception:
    return provider.refuse(404, f"model '{name}' not found, make sure the correct model ID was used")


def _read(provider: SimulatedProvider, raw: HttpRequest, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw.body, type=kind)
    except msgspec.ValidationError as exc:
        violation = explain(exc)
        raise provider.refuse(422, f"{violation.message} at '{violation.dotted}'") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise provider.refuse(400, "invalid json") from None
