"""What is asked and what is heard, in no dialect's words: the features of the matrix are written in these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from tests.clients.targets import ARGUMENTS

from .wire import Recorder

Json = dict[str, Any]
Turn = Any
"""An item of a conversation in the dialect's own form, as its SDK takes it."""


class Forecast(BaseModel):
    """The schema of a structured answer."""

    city: str
    days: int


FORECAST = Forecast.model_validate(ARGUMENTS)
TOOLS = {"get_weather": "The weather of a city.", "get_tides": "The tides of a city."}
"""Names and descriptions; both take a forecast's fields, as in `SCHEMA`."""


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    arguments: Json


@dataclass(frozen=True)
class Heard:
    """An answer, as an SDK or a grammar checker understood it. `finish` is in the dialect's own word."""

    text: str
    thinking: str
    calls: tuple[Call, ...]
    finish: str


@dataclass(frozen=True)
class Told:
    """An answer to go on with: `turns` are its part of the next request, `parsed` what the SDK made of its schema."""

    heard: Heard
    turns: Sequence[Turn]
    parsed: Forecast | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    model: str
    turns: Sequence[Turn]
    tools: Sequence[str] = ()
    thinks: bool = False
    structured: bool = False


class Caller(Protocol):
    """One dialect's official SDK, pointed at the daemon.

    `ask` judges each answer by the SDK's types and by our own grammar, and asserts that both understood the same.
    """

    recorder: Recorder

    @property
    def ends(self) -> tuple[str, str]:
        """The finish of an answer, and the one of a turn that calls tools."""
        ...

    @property
    def failures(self) -> Mapping[int, type[Exception]]:
        """The exceptions that it documents for a 400, a 404, a 429 and (0) a stream that breaks."""
        ...

    def asking(self, text: str, image: bytes | None = None) -> Turn: ...

    def results(self, results: Sequence[tuple[Call, str]]) -> Sequence[Turn]: ...

    def ask(self, question: Question, *, streamed: bool) -> Told: ...

    def check_broken(self, body: bytes) -> str:
        """Hold a stream that ended in an error against the grammar; the error's message."""
        ...
