"""Embeddings as callers of Gemini's own protocol ask for them: `embedContent` and `batchEmbedContents`.

The model stands in the address, and once more in each request of a batch. Every request has its own settings, which
elsewhere belong to a whole call: requests that agree are read as one. Towards Gemini the body passes as it came.
Source: wire notes 2026-11, "Gemini" and "embeddings".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace
from typing_extensions import override

from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.core.exchange import Peek
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import NOTHING, Fields, encode_json
from proxyctl.dialects.gemini_generate import asked
from proxyctl.dialects.gemini_generate.beside import named
from proxyctl.dialects.gemini_generate.dialect import GeminiGenerate
from proxyctl.dialects.gemini_generate.spelling import either, snake
from proxyctl.dialects.raw_lists import raw_list_decoder
from proxyctl.dialects.side.embeddings import EmbeddingsRequest, Vector
from proxyctl.dialects.typed import decode_typed

MOST_REQUESTS = 100
"""Requests in one batch, by Google's own limit: each may become a call elsewhere."""
_SETTINGS = ("taskType", "title", "outputDimensionality")
_CARRIED = frozenset(("model", "content", "embedContentConfig", *_SETTINGS))
_KNOWN = _CARRIED | {snake(name) for name in _CARRIED}

_text = msgspec.json.Decoder(str | None)
_number = msgspec.json.Decoder(int | None, strict=False)
_object = msgspec.json.Decoder(dict[str, Raw])
_content = msgspec.json.Decoder(asked.Content)
_nested = msgspec.json.Decoder(dict[str, Raw] | None)


class EmbedContents(GeminiGenerate):
    """A request without a conversation: only the address is read of it until somebody has to translate it."""

    @override
    def peek(self, fields: Mapping[str, Raw], *, size: int) -> Peek:
        del fields
        return Peek(model="", size=size)

    @override
    def session(self, fields: Mapping[str, Raw]) -> str:
        return ""


EMBED_CONTENTS = EmbedContents()


def decode_requests(fields: Mapping[str, Raw], *, batch: bool) -> tuple[EmbeddingsRequest, ...]:
    """The requests in their order, neighbours with the same settings as one.

    Raises `DecodeError` with the path of what is wrong, `UnsupportedError` for what is no text.
    """
    if not batch:
        return (_request(fields, ""),)
    written = _list(fields)
    if not 0 < len(written) <= MOST_REQUESTS:
        raise DecodeError(f"1 to {MOST_REQUESTS} requests are required", path="requests")
    runs: list[EmbeddingsRequest] = []
    for index, request in enumerate(written):
        path = f"requests[{index}]"
        written_fields = decode_typed(_object, request, under=path)
        one = _request(written_fields, f"{path}.")
        if runs and replace(runs[-1], inputs=()) == replace(one, inputs=()):
            runs[-1] = replace(one, inputs=(*runs[-1].texts(), *one.texts()))
        else:
            runs.append(one)
    return tuple(runs)


def encode_answer(vectors: Sequence[Vector], usage: Usage, *, batch: bool) -> bytes:
    """The answer for a caller of this protocol."""
    embeddings = [{"values": vector} for vector in vectors]
    answer: Fields = {"embeddings": embeddings} if batch else {"embedding": embeddings[0]}
    return encode_json({**answer, "usageMetadata": {"promptTokenCount": usage.input_total}})


def for_model(body: bytes, fields: Mapping[str, Raw], model: str, *, batch: bool) -> bytes:
    """The body as it came, with the model that it names where it names one: it must be that of the address.

    What is malformed is left so: the provider knows best how to refuse it.
    """
    if not batch:
        return body if _agrees(fields, model) else encode_json({**fields, "model": named(model)})
    try:
        requests = [decode_typed(_object, request) for request in _list(fields)]
    except DecodeError:
        return body
    if all("model" in request and _agrees(request, model) for request in requests):
        return body
    return encode_json({**fields, "requests": [{**request, "model": named(model)} for request in requests]})


class _Counts(Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Passed(Struct, rename="camel"):
    embedding: dict[str, Raw] | None = None
    embeddings: list[Raw] | None = None
    usage_metadata: _Counts | None = None


_passed = msgspec.json.Decoder(_Passed)


def usage_of(body: bytes, *, batch: bool) -> Usage | None:
    """What a passing answer says was counted, if anything. Raises `DecodeError` when it is no answer."""
    answer = decode_typed(_passed, body)
    if (answer.embeddings if batch else answer.embedding) is None:
        raise DecodeError("no vectors in the answer", path="embeddings" if batch else "embedding")
    counted = answer.usage_metadata.prompt_token_count if answer.usage_metadata is not None else None
    return None if counted is None else Usage(input=max(0, counted))


def _request(fields: Mapping[str, Raw], under: str) -> EmbeddingsRequest:
    """One request; a setting may stand in `embedContentConfig` too, and counts outside of it."""
    nested = decode_typed(_nested, either(fields, "embedContentConfig"), under=f"{under}embedContentConfig") or {}
    settings: dict[str, bytes] = {}
    for name in _SETTINGS:
        outside = either(fields, name)
        settings[name] = either(nested, name) if outside == b"null" else outside
    dimensions = decode_typed(_number, settings["outputDimensionality"], under=f"{under}outputDimensionality")
    if dimensions is not None and dimensions < 1:
        raise DecodeError("it must be at least 1", path=f"{under}outputDimensionality")
    return EmbeddingsRequest(
        inputs=(_joined(fields.get("content", Raw(b"null")), f"{under}content"),),
        dimensions=dimensions,
        task=decode_typed(_text, settings["taskType"], under=f"{under}taskType"),
        title=decode_typed(_text, settings["title"], under=f"{under}title"),
        uncarried=(*_others(fields, ""), *_others(nested, "embedContentConfig.")),
    )


def _others(fields: Mapping[str, Raw], under: str) -> list[str]:
    return [under + name for name, value in fields.items() if name not in _KNOWN and bytes(value) not in NOTHING]


def _joined(content: Raw, path: str) -> str:
    """A content's texts as one, each part on a line of its own."""
    try:
        contents = raw_list_decoder.decode(asked.long_form(content))
    except (msgspec.DecodeError, RecursionError) as exc:
        raise DecodeError(f"not valid JSON: {exc}", path=path) from exc
    if len(contents) != 1:
        raise DecodeError("one content is required", path=path)
    texts: list[str] = []
    for index, part in enumerate(decode_typed(_content, contents[0], under=path).parts or ()):
        if part.text is None:
            raise UnsupportedError("this provider embeds texts only", param=f"{path}.parts[{index}]")
        texts.append(part.text)
    joined = "\n".join(texts)
    if not joined.strip():
        raise DecodeError("it must not be empty", path=path)
    return joined


def _list(fields: Mapping[str, Raw]) -> list[bytes]:
    """Raises `DecodeError` when `requests` is no list."""
    return [
        bytes(one) for one in decode_typed(raw_list_decoder, bytes(fields.get("requests", b"null")), under="requests")
    ]


def _agrees(fields: Mapping[str, Raw], model: str) -> bool:
    """Whether a request names this model, or none."""
    return "model" not in fields or bytes(fields["model"]) == msgspec.json.encode(named(model))
