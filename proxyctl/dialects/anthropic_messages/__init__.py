"""Anthropic's messages dialect."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw
from typing_extensions import override

from proxyctl.core.chat import Answer, ChatRequest
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages import answer as answers
from proxyctl.dialects.anthropic_messages import errors, peek, request
from proxyctl.dialects.anthropic_messages.emit import MessagesStreamEncoder
from proxyctl.dialects.anthropic_messages.encode import encode_request
from proxyctl.dialects.anthropic_messages.stream import MessagesStreamDecoder
from proxyctl.dialects.anthropic_messages.unproven import without_thinking
from proxyctl.dialects.anthropic_messages.watch import MessagesWatch
from proxyctl.dialects.base import AnswerContext, AnswerFacts, Fields, InboundDialect, UpstreamDialect
from proxyctl.dialects.error_body import decode_error
from proxyctl.dialects.traits import ModelTraits


class AnthropicMessages(InboundDialect, UpstreamDialect):
    """Spoken on both sides."""

    name = "anthropic-messages"
    conversation = "messages"
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
        return without_thinking(conversation, losses)

    @override
    def decode_answer(self, body: bytes) -> Answer:
        return answers.decode_answer(body)

    @override
    def encode_answer(self, answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
        return answers.encode_answer(answer, context, losses)

    @override
    def stream_decoder(self) -> MessagesStreamDecoder:
        return MessagesStreamDecoder()

    @override
    def stream_encoder(self, context: AnswerContext, losses: Losses) -> MessagesStreamEncoder:
        return MessagesStreamEncoder(context, losses)

    @override
    def watch(self, *, hide_usage: bool) -> MessagesWatch:
        del hide_usage  # usage is always part of this dialect's streams
        return MessagesWatch()

    @override
    def answer_facts(self, body: bytes) -> AnswerFacts:
        return answers.answer_facts(body)

    @override
    def decode_error(self, status: int, body: bytes) -> Problem:
        return decode_error(status, body)

    @override
    def encode_error(self, problem: Problem, request_id: str) -> tuple[int, bytes]:
        return errors.encode_error(problem, request_id)

    @override
    def own_error(self, body: bytes, problem: Problem) -> bytes:
        return errors.own_error(body, problem)

    @override
    def encode_stream_error(self, problem: Problem, request_id: str) -> bytes:
        return errors.encode_stream_error(problem, request_id)


ANTHROPIC_MESSAGES = AnthropicMessages()
