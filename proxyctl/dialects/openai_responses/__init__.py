"""OpenAI's responses dialect."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw
from typing_extensions import override

from proxyctl.core.chat import Answer, ChatRequest
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import AnswerContext, AnswerFacts, Fields, InboundDialect, UpstreamDialect
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.openai_responses import answer as answers
from proxyctl.dialects.openai_responses import errors, peek, request
from proxyctl.dialects.openai_responses.emit import ResponsesStreamEncoder
from proxyctl.dialects.openai_responses.encode import encode_request
from proxyctl.dialects.openai_responses.stream import ResponsesStreamDecoder
from proxyctl.dialects.openai_responses.unproven import without_reasoning
from proxyctl.dialects.openai_responses.watch import ResponsesWatch
from proxyctl.dialects.traits import ModelTraits


class OpenAIResponses(InboundDialect, UpstreamDialect):
    """Spoken on both sides."""

    name = "openai-responses"
    conversation = "input"
    document_urls = True

    @override
    def peek(self, fields: Mapping[str, Raw], *, size: int) -> Peek:
        return peek.peek(fields, size=size)

    @override
    def session(self, fields: Mapping[str, Raw]) -> str:
        return peek.session(fields)

    @override
    def decode_request(self, body: bytes) -> ChatRequest:
        return request.decode_request(body)

    @override
    def encode_request(self, request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
        return encode_request(request, traits, losses)

    @override
    def without_thinking(self, conversation: Raw, losses: Losses) -> Raw:
        return without_reasoning(conversation, losses)

    @override
    def decode_answer(self, body: bytes) -> Answer:
        return answers.decode_answer(body)

    @override
    def encode_answer(self, answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
        return answers.encode_answer(answer, context, losses)

    @override
    def stream_decoder(self) -> ResponsesStreamDecoder:
        return ResponsesStreamDecoder()

    @override
    def stream_encoder(self, context: AnswerContext, losses: Losses) -> ResponsesStreamEncoder:
        return ResponsesStreamEncoder(context, losses)

    @override
    def watch(self, *, hide_usage: bool) -> ResponsesWatch:
        del hide_usage  # usage is part of the dialect: nobody asks for it
        return ResponsesWatch()

    @override
    def answer_facts(self, body: bytes) -> AnswerFacts:
        return answers.answer_facts(body)

    @override
    def decode_error(self, status: int, body: bytes) -> Problem:
        return decode_error(status, body)

    @override
    def encode_error(self, problem: Problem, request_id: str) -> tuple[int, bytes]:
        del request_id  # it travels in a header of this dialect
        return errors.encode_error(problem)

    @override
    def own_error(self, body: bytes, problem: Problem) -> bytes:
        return errors.own_error(body, problem)

    @override
    def encode_stream_error(self, problem: Problem, request_id: str) -> bytes:
        del request_id
        return errors.encode_stream_error(problem)


OPENAI_RESPONSES = OpenAIResponses()
