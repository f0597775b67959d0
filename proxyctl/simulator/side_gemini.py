"""Gemini's embeddings: `embedContent` and `batchEmbedContents`, vectors not of length 1 (wire notes 2026-11)."""

from typing import Any, TypeVar

import msgspec

from proxyctl.simulator.beside import vector
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import Model
from proxyctl.simulator.provider import SimulatedProvider
from proxyctl.simulator.reply import Reply, json_reply

EMBEDDING_SIZE = 3072
_MOST_REQUESTS = 100
T = TypeVar("T")
_TASKS = frozenset(
    (
        "RETRIEVAL_QUERY",
        "RETRIEVAL_DOCUMENT",
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
        "CLUSTERING",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    )
)


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parts: list[_Part]
    role: str | None = None


class EmbedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    content: _Content
    model: str | None = None
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    embed_content_config: dict[str, Any] | None = None


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    requests: list[EmbedRequest]


def embed(provider: SimulatedProvider, raw: HttpRequest, model: Model) -> Reply:
    return json_reply({"embedding": _embedded(provider, _read(provider, raw, EmbedRequest))}, model=model.id)


def embed_batch(provider: SimulatedProvider, raw: HttpRequest, model: Model) -> Reply:
    requests = _read(provider, raw, BatchRequest).requests
    if not 0 < len(requests) <= _MOST_REQUESTS:
        raise provider.refuse(400, f"at most {_MOST_REQUESTS} requests can be in one batch, and not 0")
    for index, request in enumerate(requests):
        if request.model != f"models/{model.id}":
            raise provider.refuse(400, f"requests[{index}].model: must be models/{model.id}")
    return json_reply({"embeddings": [_embedded(provider, request) for request in requests]}, model=model.id)


def _embedded(provider: SimulatedProvider, request: EmbedRequest) -> dict[str, Any]:
    asked = request.output_dimensionality
    size = EMBEDDING_SIZE if asked is None else asked
    text = "".join(part.text for part in request.content.parts)
    if not text:
        raise provider.refuse(400, "content is empty")
    if not 1 <= size <= EMBEDDING_SIZE:
        raise provider.refuse(400, f"outputDimensionality must be between 1 and {EMBEDDING_SIZE}")
    if request.task_type is not None and request.task_type not in _TASKS:
        raise provider.refuse(400, f"Invalid value at 'task_type': {request.task_type!r}")
    return {"values": vector(text, size)}


def _read(provider: SimulatedProvider, raw: HttpRequest, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise provider.refuse(400, f"Invalid JSON payload received. {exc}") from None
