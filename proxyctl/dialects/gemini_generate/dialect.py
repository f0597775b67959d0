"""The `gemini-generate` dialect as its callers see it: one stateless object, each verb in its own module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Raw
from typing_extensions import override

from proxyctl.core.chat import Answer, ChatRequest, DialectName
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import (
    AnswerContext,
    AnswerFacts,
    Continuing,
    Fields,
    InboundDialect,
    StreamDecoder,
    UpstreamDialect,
    decode_fields,
    encode_json,
)
from proxyctl.dialects.gemini_generate import answer as answers
from proxyctl.dialects.gemini_generate import errors, incoming, outgoing, peek
from proxyctl.dialects.gemini_generate.emit import GeminiStreamEncoder
from proxyctl.dialects.gemini_generate.request import encode_request
from proxyctl.dialects.gemini_generate.stream import GeminiStreamDecoder
from proxyctl.dialects.gemini_generate.unproven import without_thoughts
from proxyctl.dialects.gemini_generate.watch import GeminiWatch
from proxyctl.dialects.traits import ModelTraits


class GeminiGenerate(InboundDialect, UpstreamDialect, Continuing):
    """Spoken on both sides. A request's model and whether it streams stand in its address."""

    name: ClassVar[DialectName] = "gemini-generate"
    conversation = "contents"

    @override
    def peek(self, fields: Mapping[str, Raw], *, size: int) -> Peek:
        return peek.peek(fields, size=size)

    @override
    def session(self, fields: Mapping[str, Raw]) -> str:
        return peek.session(fields)

    @override
    def decode_request(self, body: bytes) -> ChatRequest:
        return incoming.decode_request(body)

    @override
    def shows_thinking(self, request: ChatRequest) -> bool:
        """Only to who asked: a client that did not would take the first part for the answer."""
        return request.reasoning is not None and request.reasoning.visible is True

    @override
    def encode_request(self, request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
        return encode_request(request, traits, losses)

    @override
    def without_thinking(self, conversation: Raw, losses: Losses) -> Raw:
        return without_thoughts(conversation, losses)

    @override
    def decode_answer(self, body: bytes) -> Answer:
        return answers.decode_answer(body)

    @override
    def continuation(self, body: bytes) -> str:
        return answers.continuation(body)

    @override
    def continued_request(self, body: bytes, token: str) -> bytes:
        """The same request with its token (wire notes 2026-11, "streaming grammars")."""
        return encode_json({**decode_fields(body), "continuationToken": token})

    @override
    def decode_pieces(self, bodies: Sequence[bytes]) -> Answer:
        return answers.decode_answer(*bodies)

    @override
    def encode_answer(self, answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
        return outgoing.encode_answer(answer, context, losses)

    @override
    def stream_decoder(self) -> StreamDecoder:
        return GeminiStreamDecoder()

    @override
    def stream_encoder(self, context: AnswerContext, losses: Losses) -> GeminiStreamEncoder:
        return GeminiStreamEncoder(context, losses)

    @override
    def watch(self, *, hide_usage: bool) -> GeminiWatch:
        del hide_usage  # usage is always part of this dialect's streams
        return GeminiWatch()

    @override
    def answer_facts(self, body: bytes) -> AnswerFacts:
        return answers.answer_facts(body)

    @override
    def decode_error(self, status: int, body: bytes) -> Problem:
        return errors.decode_error(status, body)

    @override
    def encode_error(self, problem: Problem, request_id: str) -> tuple[int, bytes]:
        return errors.encode_error(problem, request_id)

    @override
    def own_error(self, body: bytes, problem: Problem) -> bytes:
        return errors.own_error(body, problem)

    @override
    def encode_stream_error(self, problem: Problem, request_id: str) -> bytes:
        return errors.encode_stream_error(problem, request_id)


GEMINI_GENERATE = GeminiGenerate()
