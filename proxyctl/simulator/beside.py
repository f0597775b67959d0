"""What the OpenAI-style providers have beside chat: embeddings, reranking, legacy completions, audio forms.

Each is one object that a provider's file puts under its route. Vectors and scores follow stated rules, so that a test
can work them out: a vector is the text's hash stretched to its length, a score the share of the query's words that the
document has. Source: wire notes 2026-11, "side endpoints", and the official SDKs' types.
"""

import base64
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from hashlib import shake_128
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from typing_extensions import override

from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.provider import seed_of
from proxyctl.simulator.reply import Reply, json_reply
from proxyctl.simulator.tokens import Tally, count_tokens

if TYPE_CHECKING:
    from proxyctl.simulator.chat_style import ChatStyle

AUDIO_BYTES_PER_SECOND = 16_000
Json = dict[str, Any]


class Beside(ABC):
    """One route of a provider beside chat."""

    @abstractmethod
    def answer(self, provider: "ChatStyle", request: HttpRequest) -> Reply: ...


class EmbeddingsRequest(msgspec.Struct, frozen=True):
    """The two fields that everybody takes."""

    model: str
    input: str | list[str | int | list[int]]

    def inputs(self) -> list[str] | list[list[int]]:
        """The texts, or the token lists; nothing where the kinds are mixed."""
        if isinstance(self.input, str):
            return [self.input]
        numbers = [one for one in self.input if isinstance(one, int)]
        texts = [one for one in self.input if isinstance(one, str)]
        lists = [one for one in self.input if isinstance(one, list)]
        kinds: list[list[str] | list[list[int]]] = [[numbers] if numbers else [], texts, lists]
        found = [kind for kind in kinds if kind]
        return found[0] if len(found) == 1 else []


class FormattedEmbeddings(EmbeddingsRequest, frozen=True):
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None


class OpenEmbeddings(FormattedEmbeddings, frozen=True):
    dimensions: int | None = None


class StrictEmbeddings(EmbeddingsRequest, frozen=True, forbid_unknown_fields=True):
    """Mistral's: other names, and a 422 for everything else."""

    encoding_format: Literal["float", "base64"] = "float"
    output_dimension: int | None = None
    output_dtype: Literal["float", "int8", "uint8", "binary", "ubinary"] = "float"
    metadata: Json | None = None


class Embeddings(Beside):
    """`sizes` are the vectors' lengths by model. `tokens`: inputs may be token lists."""

    def __init__(
        self, sizes: Mapping[str, int], kind: type[EmbeddingsRequest], *, most: int = 2048, tokens: bool = False
    ) -> None:
        self._sizes = sizes
        self._kind = kind
        self._most = most
        self._tokens = tokens

    @override
    def answer(self, provider: "ChatStyle", request: HttpRequest) -> Reply:
        asked = provider.read(request.body, self._kind)
        size = self._sizes.get(asked.model)
        if size is None:
            raise provider.no_model(asked.model)
        inputs = asked.inputs()
        if not 0 < len(inputs) <= self._most or "" in inputs:
            raise provider.refuse(400, f"input must hold 1 to {self._most} texts, none of them empty")
        if not self._tokens and not isinstance(inputs[0], str):
            raise provider.refuse(400, "input must be a string or a list of strings")
        size = getattr(asked, "dimensions", None) or getattr(asked, "output_dimension", None) or size
        as_text = getattr(asked, "encoding_format", "float") == "base64"
        vectors = [vector(str(one), size) for one in inputs]
        prompt = sum(count_tokens(one) if isinstance(one, str) else len(one) for one in inputs)
        value = {
            "id": f"embd-{provider.next_id(seed_of(request.body))}",
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": packed(one) if as_text else one}
                for index, one in enumerate(vectors)
            ],
            "model": asked.model,
            "usage": {"prompt_tokens": prompt, "total_tokens": prompt},
        }
        return json_reply(value, tally=Tally(prompt, 0, 0, 0), model=asked.model)


class RerankRequest(msgspec.Struct, frozen=True):
    model: str
    query: str
    documents: list[str | Json]
    top_n: int | None = None
    return_documents: bool = False
    rank_fields: list[str] | None = None


class Rerank(Beside):
    """Documents may be objects, and are handed back when asked for."""

    def __init__(self, models: Sequence[str]) -> None:
        self._models = models

    @override
    def answer(self, provider: "ChatStyle", request: HttpRequest) -> Reply:
        asked = provider.read(request.body, RerankRequest)
        if asked.model not in self._models:
            raise provider.no_model(asked.model)
        texts = [one if isinstance(one, str) else str(one.get("text", "")) for one in asked.documents]
        results = [
            {
                "index": index,
                "relevance_score": score,
                **({"document": {"text": texts[index]}} if asked.return_documents else {}),
            }
            for index, score in ranked(asked.query, texts)[: asked.top_n]
        ]
        prompt = sum(map(count_tokens, [asked.query, *texts]))
        usage = {"prompt_tokens": prompt, "completion_tokens": 0, "total_tokens": prompt}
        value = {
            "object": "rerank",
            "id": provider.next_id(seed_of(request.body)),
            "model": asked.model,
            "results": results,
            "usage": usage,
        }
        return json_reply(value, tally=Tally(prompt, 0, 0, 0), model=asked.model)


class Audio(Beside):
    """A form with a file. `formats` are the answers that can be asked for; `counted`: with model and usage, always."""

    def __init__(self, models: Sequence[str], *, formats: Sequence[str], counted: bool = False) -> None:
        self._models = models
        self._formats = formats
        self._counted = counted

    @override
    def answer(self, provider: "ChatStyle", request: HttpRequest) -> Reply:
        fields, audio = form_of(request)
        if audio is None:
            raise provider.refuse(400, "file or url must be provided")
        model = fields.get("model", "")
        if model not in self._models:
            raise provider.no_model(model)
        wanted = fields.get("response_format", self._formats[0])
        if wanted not in self._formats:
            raise provider.refuse(400, f"response_format must be one of {list(self._formats)}")
        name, data = audio
        text = f"You sent {len(data)} bytes as {name}."
        seconds = -(-len(data) // AUDIO_BYTES_PER_SECOND)
        if wanted == "text":
            return Reply(status=200, headers=(("content-type", "text/plain; charset=utf-8"),), body=text.encode())
        value: Json = {"text": text}
        if wanted == "verbose_json":
            value |= {"task": "transcribe", "language": fields.get("language", "en"), "duration": seconds}
            value["segments"] = []
        if self._counted:
            usage = {"prompt_audio_seconds": seconds, "prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 13}
            value |= {"model": model, "language": fields.get("language"), "segments": [], "usage": usage}
        return json_reply(value, model=model)


def vector(text: str, size: int) -> list[float]:
    """Numbers from -1 to 1, exact as 32-bit floats, always the same for a text; a short one begins like a long one."""
    return [byte / 128 - 1 for byte in shake_128(text.encode("utf-8", "surrogatepass")).digest(size)]


def packed(numbers: list[float]) -> str:
    """Little-endian 32-bit floats in base64."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def ranked(query: str, documents: Sequence[str]) -> list[tuple[int, float]]:
    """Index and score of each document, best first; the earlier one among equals."""
    wanted = set(query.lower().split())
    scores = [len(wanted & set(text.lower().split())) / max(1, len(wanted)) for text in documents]
    return sorted(enumerate(scores), key=lambda entry: -entry[1])


def form_of(request: HttpRequest) -> tuple[dict[str, str], tuple[str, bytes] | None]:
    """The text fields of a multipart form, and its file's name and bytes."""
    head = f"content-type: {request.headers.get('content-type', '')}\r\n\r\n".encode("latin-1")
    message: Message = BytesParser().parsebytes(head + request.body)
    fields: dict[str, str] = {}
    audio: tuple[str, bytes] | None = None
    for part in message.get_payload() if message.is_multipart() else ():
        if not isinstance(part, Message):
            continue
        name = str(part.get_param("name", "", "content-disposition"))
        data = part.get_payload(decode=True)
        content = data if isinstance(data, bytes) else b""
        if (filename := part.get_filename()) is not None:
            audio = (filename, content) if name == "file" else audio
        else:
            fields[name] = content.decode("utf-8", "replace")
    return fields, audio
