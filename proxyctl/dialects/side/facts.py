"""What a provider offers beside chat, as values that its file states and the gateway carries out.

A counter, an embedder and a reranker each know one wire form: they write the call's body and read the answer's. They
are pure and hold no state. `path` is below the provider's base URL; `{model}` in it stands for the model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from msgspec import Struct

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.embeddings import Embedded, EmbeddingsRequest
from proxyctl.dialects.side.rerank import Reranked, RerankRequest


class Counter(ABC):
    """A provider's own way to count a prompt. `dialect` is the one whose requests it counts."""

    dialect: ClassVar[DialectName]
    path: ClassVar[str]

    @abstractmethod
    def encode(self, fields: Fields, model: str) -> Fields:
        """The counting call's body, from a request's body in `dialect`."""

    @abstractmethod
    def decode(self, body: bytes) -> int:
        """The tokens of the prompt. Raises `DecodeError` when the body says none."""


class Embedder(ABC):
    """One form of embeddings. `batch` is how many inputs one call may have, at most.

    `dialect` is the one whose callers know the form, and a refusal in its words. `single` is the path for a call with
    one input, where that is another one.
    """

    dialect: ClassVar[DialectName]

    def __init__(self, path: str, *, batch: int, single: str = "") -> None:
        self.path = path
        self.batch = batch
        self.single = single or path

    @abstractmethod
    def encode(self, request: EmbeddingsRequest, model: str, losses: Losses) -> Fields:
        """The body for at most `batch` inputs. Raises `UnsupportedError` for what must be refused, not dropped."""

    @abstractmethod
    def decode(self, body: bytes) -> Embedded:
        """Raises `DecodeError` when the body is no answer of this form."""


class Reranker(ABC):
    """One form of reranking; all of them are so near to the callers' that refusals are handed on."""

    def __init__(self, path: str) -> None:
        self.path = path

    @abstractmethod
    def encode(self, request: RerankRequest, model: str, losses: Losses) -> Fields: ...

    @abstractmethod
    def decode(self, body: bytes) -> Reranked:
        """Raises `DecodeError` when the body is no answer of this form."""


class SideEndpoints(Struct, frozen=True, kw_only=True):
    """What a provider has beside chat; `None` or `""` where it has nothing.

    `transcription` and `translation` are the paths of its audio forms.
    """

    counter: Counter | None = None
    embedder: Embedder | None = None
    reranker: Reranker | None = None
    transcription: str = ""
    translation: str = ""


NOTHING_BESIDE = SideEndpoints()
