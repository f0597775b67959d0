"""What every dialect offers, both ways, streamed and whole.

Verbs: `decode` is bytes to canonical, `encode` canonical to bytes, `peek` reads just enough, `watch` observes a passing
answer without changing it. A stream's decoder, encoder and watch hold that one stream's state and do no I/O, so a test
is frames in a file and events in a list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import Answer, ChatRequest, DialectName, FinishReason
from proxyctl.core.errors import Problem
from proxyctl.core.events import Event, MessageEnd, PartEnd
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.core.usage import Usage
from proxyctl.dialects.traits import ModelTraits

Fields = dict[str, Any]
"""A JSON object's top level. Values are `msgspec.Raw` where nobody needed to look inside."""


_CHARS_PER_TOKEN = 4

UNPROVEN = "the provider refuses what proves this thinking"


class AnswerContext(Struct, frozen=True, kw_only=True):
    """What an encoder must know that the answer does not say.

    `model` is the name shown to the caller when the provider names none; `created` is in whole seconds;
    `include_usage` says whether the caller asked for usage in the stream (it only matters to OpenAI's chat);
    `input_estimate` stands in for the input's size where the dialect wants one before the provider reports it;
    `show_thinking` whether the caller asked to see thinking text; `custom_tools` are the names of the caller's
    free-text tools (`Tool.kind == "custom"`), whose calls go back as text; `asked` is the request's top level, for a
    dialect whose answers repeat what was asked; `answer_id` is what its id is made of where callers may come back
    with it: providers give the same one twice.
    """

    model: str
    created: int
    include_usage: bool = False
    input_estimate: int = 0
    show_thinking: bool = True
    custom_tools: frozenset[str] = frozenset()
    asked: Mapping[str, Raw] = {}
    answer_id: str = ""

    def estimated_usage(self, written: int) -> Usage:
        """Counts for a provider that reported none; `written` is the answer's length in characters."""
        return Usage(input=self.input_estimate, output=-(-written // _CHARS_PER_TOKEN), source="estimated")


class StreamDecoder(Protocol):
    """Frames' data to events. It never raises on what a provider sends: trouble is a `StreamFailed`."""

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take one frame's data (JSON text, or `[DONE]`), return the events that it makes."""
        ...

    def end(self) -> Sequence[Event]:
        """The body is over: return the closing events, `StreamFailed` when the dialect's terminal never came."""
        ...


@runtime_checkable
class ContinuingDecoder(StreamDecoder, Protocol):
    """A decoder of answers that may pause: `continuation` is what asks for the rest, `""` when nothing does."""

    @property
    def continuation(self) -> str: ...

    def resume(self) -> None:
        """What is fed from now on continues the answer; without it, `end` tells one that was cut by length."""
        ...


class StreamEncoder(Protocol):
    """Events to bytes. `feed` returns nothing (`b""`) when an event has no wire form of its own."""

    def feed(self, event: Event) -> bytes: ...

    def end(self) -> bytes:
        """Bytes after the last event (a terminator), only when the stream ended well."""
        ...


@runtime_checkable
class RememberingEncoder(StreamEncoder, Protocol):
    """An encoder that must know the whole answer: `response` is what it amounts to so far.

    It can end a failed stream better than `InboundDialect.encode_stream_error`, which has not seen it: feed it the
    `StreamFailed`.
    """

    response: Fields

    def pieces(self, event: PartEnd | MessageEnd) -> Iterator[bytes]:
        """Like `feed`, but one wire event at a time: each may repeat the whole answer, and is made when it is its turn.

        They must all be taken before anything else is fed.
        """
        ...


class Watch(ABC):
    """Observes a passing stream, frame by frame, for the tap: decodes only the frames that matter.

    Attributes are what is known so far: `started` (content that a person would see has come, or the end has),
    `complete` (the dialect's terminal has been seen), `finish`, `usage`, `model`, `problem` (an error inside), `told`
    (that error is in the dialect's own form and was handed on: the caller knows), `over` (a complete answer's last
    frame has passed: what may follow is nobody's), `document` (the whole answer's JSON, in a dialect whose last event
    repeats it).
    """

    __slots__ = ("complete", "document", "finish", "model", "over", "problem", "started", "told", "usage")

    def __init__(self) -> None:
        self.started = False
        self.complete = False
        self.over = False
        self.finish: FinishReason | None = None
        self.usage: Usage | None = None
        self.model = ""
        self.problem: Problem | None = None
        self.told = False
        self.document = b""

    @abstractmethod
    def feed(self, frame: bytes) -> bool:
        """Take one whole frame; false means: do not hand it on (a usage frame that only we asked for)."""

    @abstractmethod
    def ordinary(self, chunk: bytes) -> int:
        """How many frames a chunk holds, if it is whole frames of plain content once `started`; else 0: feed them.

        `chunk` begins where a frame does. What is called ordinary is handed on without being split.
        """


class AnswerFacts(Struct, frozen=True, kw_only=True):
    """What the tap reads from a whole answer that passes through. `empty`: neither content nor a finish reason."""

    model: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None
    problem: Problem | None = None
    empty: bool = False


class Dialect(ABC):
    """One wire format. Stateless: one instance serves everybody."""

    name: ClassVar[DialectName]


class UpstreamDialect(Dialect):
    """A dialect that providers speak: requests are encoded to it, answers and errors decoded from it.

    `document_urls`: a document may be named by its address (for images, a model's traits say it). `conversation` is
    the member of a body that holds proofs of earlier thinking, `""` in a dialect that has none.
    """

    document_urls: ClassVar[bool] = False
    conversation: ClassVar[str] = ""

    @abstractmethod
    def encode_request(self, request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
        """Build the upstream body. Raises `UnsupportedError` for what must be refused, not dropped."""

    @abstractmethod
    def decode_answer(self, body: bytes) -> Answer:
        """Raises `DecodeError` when the body is no answer of this dialect."""

    @abstractmethod
    def stream_decoder(self) -> StreamDecoder: ...

    @abstractmethod
    def decode_error(self, status: int, body: bytes) -> Problem:
        """Read a provider's error body in this dialect; never raises: what is unreadable becomes its text.

        `status` is the HTTP status, 200 for an error object inside an answer or a stream.
        """

    def without_thinking(self, conversation: Raw, losses: Losses) -> Raw:
        """The conversation without earlier thinking and what proves it, for a provider that refuses the proof.

        What cannot be read stays as it is: then the provider says so.
        """
        del losses
        return conversation


class Continuing(ABC):
    """An upstream dialect whose answers may pause at the most that one HTTP answer holds, and are then asked on."""

    @abstractmethod
    def continuation(self, body: bytes) -> str:
        """What asks for the rest of a whole answer, `""` when it is complete. Never raises."""

    @abstractmethod
    def continued_request(self, body: bytes, token: str) -> bytes:
        """The body that asks for the rest, from the request's own."""

    @abstractmethod
    def decode_pieces(self, bodies: Sequence[bytes]) -> Answer:
        """Like `decode_answer`, of all bodies as one answer, their usage added up."""


class InboundDialect(Dialect):
    """A dialect that clients speak: requests are decoded from it, answers and errors encoded to it."""

    @abstractmethod
    def peek(self, fields: Mapping[str, Raw], *, size: int) -> Peek:
        """Read what routing needs from a request's top level. Raises `DecodeError` on wrong types or no model.

        A dialect whose requests name the model in their address leaves `model` and `stream` empty, here and in
        `decode_request`: the gateway fills in what the address says.
        """

    @abstractmethod
    def session(self, fields: Mapping[str, Raw]) -> str:
        """A stable key of the conversation: its session or user id, else a hash of system and first user message.

        Costs a look into the messages, so it is called only when routing has a choice to make. Never raises.
        """

    @abstractmethod
    def decode_request(self, body: bytes) -> ChatRequest:
        """Raises `DecodeError` with the path of the first thing that is not as documented."""

    def shows_thinking(self, request: ChatRequest) -> bool:
        """Whether thinking text goes to this caller: it does unless it was asked not to."""
        return request.reasoning is None or request.reasoning.visible is not False

    @abstractmethod
    def encode_answer(self, answer: Answer, context: AnswerContext, losses: Losses) -> bytes: ...

    @abstractmethod
    def stream_encoder(self, context: AnswerContext, losses: Losses) -> StreamEncoder: ...

    @abstractmethod
    def watch(self, *, hide_usage: bool) -> Watch:
        """A new watch for one passing stream; `hide_usage` when usage was asked for on our own account only."""

    @abstractmethod
    def answer_facts(self, body: bytes) -> AnswerFacts:
        """Read a whole answer for the tap. Raises `DecodeError` when it is none."""

    @abstractmethod
    def encode_error(self, problem: Problem, request_id: str) -> tuple[int, bytes]:
        """An error answer for the caller: its HTTP status in this dialect (overload is 529 or 503) and its body."""

    @abstractmethod
    def own_error(self, body: bytes, problem: Problem) -> bytes:
        """A provider's error body as clients of this dialect find its message in it.

        As it came where it has the dialect's own shape, else `problem`, which was read from it, in that shape.
        """

    @abstractmethod
    def encode_stream_error(self, problem: Problem, request_id: str) -> bytes:
        """The frame that tells a caller, in mid-stream, that the answer is not complete. No terminator follows."""


NOTHING = frozenset({b"null", b"false", b"[]", b"{}", b'""'})
"""The JSON texts of a field that says nothing: leaving it out loses nothing."""

_fields_decoder = msgspec.json.Decoder(dict[str, Raw])
encode_json = msgspec.json.Encoder().encode


def decode_fields(body: bytes) -> dict[str, Raw]:
    """Decode only a JSON object's top level; raises `msgspec.DecodeError` for anything else, bad UTF-8 included."""
    return _fields_decoder.decode(body)


def uncarried(body: bytes, carried: Container[str], uncounted: Container[str]) -> list[str]:
    """The names of top-level fields that say something and stand neither in `carried` nor in `uncounted`."""
    return [
        name
        for name, value in decode_fields(body).items()
        if name not in carried and name not in uncounted and bytes(value) not in NOTHING
    ]
