"""The `gemini-generate` dialect as its callers see it: one stateless object, each verb in its own module."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from proxyctl.core.chat import Answer, ChatRequest, DialectName
from proxyctl.core.errors import Problem
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields, StreamDecoder, UpstreamDialect
from proxyctl.dialects.gemini_generate.answer import decode_answer
from proxyctl.dialects.gemini_generate.errors import decode_error
from proxyctl.dialects.gemini_generate.request import encode_request
from proxyctl.dialects.gemini_generate.stream import GeminiStreamDecoder
from proxyctl.dialects.traits import ModelTraits


class GeminiGenerate(UpstreamDialect):
    name: ClassVar[DialectName] = "gemini-generate"

    @override
    def encode_request(self, request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
        return encode_request(request, traits, losses)

    @override
    def decode_answer(self, body: bytes) -> Answer:
        return decode_answer(body)

    @override
    def stream_decoder(self) -> StreamDecoder:
        return GeminiStreamDecoder()

    @override
    def decode_error(self, status: int, body: bytes) -> Problem:
        return decode_error(status, body)


GEMINI_GENERATE = GeminiGenerate()
