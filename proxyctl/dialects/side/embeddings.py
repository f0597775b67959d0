"""Embeddings as OpenAI's clients ask for them: `input` in four shapes, vectors as numbers or as base64.

OpenAI's SDK asks for base64 unless told otherwise, and few other servers write it: so every provider is asked for
numbers, and base64 (little-endian 32-bit floats) is made here. Source: wire notes 2026-11, "embeddings".
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.openings import optional, raw, read_model
from proxyctl.dialects.typed import decode_typed

Vector = list[float]
Tokens = list[int]
_KNOWN = frozenset({"model", "input", "encoding_format", "dimensions", "user"})
_QUIET = frozenset({"user"})

_input = msgspec.json.Decoder(str | list[Raw])
_text = msgspec.json.Decoder(str)
_tokens = msgspec.json.Decoder(list[int])
_format = msgspec.json.Decoder(Literal["float", "base64"] | None)
_dimensions = msgspec.json.Decoder(int | None)


class EmbeddingsRequest(Struct, frozen=True, kw_only=True):
    """`inputs` are texts or token lists, all of one kind. `extras` are further top-level fields, as they came.

    `task` (in Google's words) and `title` are what the vectors are for and what a document is called, where the
    caller's dialect can say it. `uncarried` are the paths of fields that no other form has.
    """

    inputs: tuple[str, ...] | tuple[Tokens, ...]
    encoding: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None
    task: str | None = None
    title: str | None = None
    extras: Mapping[str, Raw] = {}
    uncarried: tuple[str, ...] = ()

    def texts(self) -> tuple[str, ...]:
        """The inputs. Raises `UnsupportedError` when they are tokens: numbers of somebody else's tokenizer."""
        texts = tuple(one for one in self.inputs if isinstance(one, str))
        if not texts:
            raise UnsupportedError("this provider takes no token lists as input", param="input", hint="send texts")
        return texts


class Embedded(Struct, frozen=True, kw_only=True):
    """Vectors in the order of the inputs. `usage` is `None` when the provider counted nothing."""

    vectors: Sequence[Vector]
    model: str = ""
    usage: Usage | None = None


def decode_request(fields: Mapping[str, Raw]) -> EmbeddingsRequest:
    """Raises `DecodeError` with the path of the first thing that is not as documented."""
    read_model(fields)
    if "input" not in fields:
        raise DecodeError("it is required", path="input")
    dimensions = optional(_dimensions, fields, "dimensions")
    if dimensions is not None and dimensions < 1:
        raise DecodeError("it must be at least 1", path="dimensions")
    user = raw(fields, "user")
    return EmbeddingsRequest(
        inputs=_inputs(raw(fields, "input")),
        encoding=optional(_format, fields, "encoding_format") or "float",
        dimensions=dimensions,
        user=decode_typed(_text, user, under="user") if user != b"null" else None,
        extras={name: value for name, value in fields.items() if name not in _KNOWN and bytes(value) != b"null"},
    )


def _inputs(written: bytes) -> tuple[str, ...] | tuple[Tokens, ...]:
    value = decode_typed(_input, written, under="input")
    if isinstance(value, str):
        return (_filled(value, "input"),)
    if not value:
        raise DecodeError("it must not be empty", path="input")
    first = bytes(value[0]).strip()
    if first.startswith(b"["):
        return tuple(decode_typed(_tokens, bytes(one), under=f"input[{at}]") for at, one in enumerate(value))
    if first.startswith(b'"'):
        return tuple(
            _filled(decode_typed(_text, bytes(one), under=f"input[{at}]"), f"input[{at}]")
            for at, one in enumerate(value)
        )
    return (decode_typed(_tokens, written, under="input"),)


def _filled(text: str, path: str) -> str:
    if not text:
        raise DecodeError("it must not be an empty text", path=path)
    return text


def encode_answer(vectors: Sequence[Vector], *, model: str, usage: Usage, encoding: str) -> bytes:
    """The answer for an OpenAI client, in the encoding that it asked for."""
    as_text = encoding == "base64"
    return encode_json(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": to_base64(vector) if as_text else vector}
                for index, vector in enumerate(vectors)
            ],
            "model": model,
            "usage": {"prompt_tokens": usage.input_total, "total_tokens": usage.input_total},
        }
    )


def to_base64(vector: Vector) -> str:
    """Little-endian 32-bit floats, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def from_base64(text: str) -> Vector:
    """Raises `DecodeError` when it is no base64 of 32-bit floats."""
    try:
        packed = base64.b64decode(text, validate=True)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    except (ValueError, struct.error) as exc:
        raise DecodeError(f"not base64 of 32-bit floats: {exc}", path="embedding") from exc


def normalised(vector: Vector) -> Vector:
    """The vector with length 1; one of nothing but zeros stays as it is."""
    length = math.sqrt(math.fsum(number * number for number in vector))
    return [number / length for number in vector] if length else vector


def lost_fields(request: EmbeddingsRequest) -> list[str]:
    """The further fields that a form of other words cannot carry."""
    return [name for name in request.extras if name not in _QUIET]


def lose_hints(request: EmbeddingsRequest, losses: Losses) -> None:
    """Note what a form without tasks and titles leaves out."""
    for name, hint in (("taskType", request.task), ("title", request.title)):
        if hint is not None:
            losses.add(name, "it has no counterpart there")


def whole(inputs: int, vectors: Sequence[Vector]) -> None:
    """Raise `DecodeError` unless there is one vector for each input: a shifted list would be a lie."""
    if len(vectors) != inputs:
        raise DecodeError(f"{len(vectors)} vectors for {inputs} inputs", path="data")


class _Item(Struct):
    embedding: list[float] | str
    index: int | None = None


class _Counts(Struct):
    prompt_tokens: int | float | None = None
    total_tokens: int | float | None = None


class _Answer(Struct):
    data: list[_Item]
    model: str | None = None
    usage: _Counts | None = None


_answer = msgspec.json.Decoder(_Answer)


def decode_openai_answer(body: bytes) -> Embedded:
    """Read an OpenAI-style answer, in the order of its indexes. Raises `DecodeError` when it is none."""
    answer = decode_typed(_answer, body)
    items = answer.data
    if all(item.index is not None for item in items):
        items = sorted(items, key=lambda item: item.index or 0)
    counts = answer.usage
    counted = None
    if counts is not None:
        counted = counts.prompt_tokens if counts.prompt_tokens is not None else counts.total_tokens
    return Embedded(
        vectors=[from_base64(item.embedding) if isinstance(item.embedding, str) else item.embedding for item in items],
        model=answer.model or "",
        usage=None if counted is None else Usage(input=max(0, int(counted))),
    )


def openai_fields(request: EmbeddingsRequest, model: str) -> Fields:
    """The body in OpenAI's own words, asking for numbers. One text is sent as a list of one."""
    fields: Fields = {"model": model, "input": list(request.inputs), "encoding_format": "float"}
    if request.dimensions is not None:
        fields["dimensions"] = request.dimensions
    if request.user is not None:
        fields["user"] = request.user
    return {**fields, **request.extras}
