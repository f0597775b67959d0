"""OpenAI's legacy completions dialect, which clients speak: a bare prompt in, text out.

Servers that have the endpoint are passed the request; for the others a plain prompt is one message of a user. Errors
are chat's. Source: wire notes 2026-11, "side endpoints", and the official SDK's types.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw
from typing_extensions import override

from proxyctl.core.chat import Answer, ChatRequest
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import AnswerContext, AnswerFacts, InboundDialect
from proxyctl.dialects.openai_chat import errors
from proxyctl.dialects.openai_completions import answer as answers
from proxyctl.dialects.openai_completions import request
from proxyctl.dialects.openai_completions.emit import CompletionStreamEncoder
from proxyctl.dialects.openai_completions.watch import CompletionWatch


class OpenAICompletions(InboundDialect):
    """Spoken by clients."""

    name = "openai-completions"

    @override
    def peek(self, fields: Mapping[str, Raw], *, size: int) -> Peek:
        return request.peek(fields, size=size)

    @override
    def session(self, fields: Mapping[str, Raw]) -> str:
        del fields  # a prompt is no conversation
        return ""

    @override
    def decode_request(self, body: bytes) -> ChatRequest:
        return request.decode_request(body)

    @override
    def encode_answer(self, answer: Answer, context: AnswerContext, losses: Losses) -> bytes:
        return answers.encode_answer(answer, context, losses)

    @override
    def stream_encoder(self, context: AnswerContext, losses: Losses) -> CompletionStreamEncoder:
        return CompletionStreamEncoder(context, losses)

    @override
    def watch(self, *, hide_usage: bool) -> CompletionWatch:
        del hide_usage  # usage is never asked for on our own account here
        return CompletionWatch()

    @override
    def answer_facts(self, body: bytes) -> AnswerFacts:
        return answers.answer_facts(body)

    @override
    def encode_error(self, problem: Problem, request_id: str) -> tuple[int, bytes]:
        del request_id
        return errors.encode_error(problem)

    @override
    def own_error(self, body: bytes, problem: Problem) -> bytes:
        return errors.own_error(body, problem)

    @override
    def encode_stream_error(self, problem: Problem, request_id: str) -> bytes:
        del request_id
        return errors.encode_stream_error(problem)


OPENAI_COMPLETIONS = OpenAICompletions()
