"""The `cohere-chat` dialect as its callers see it: one stateless object, each verb in its own module."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from proxyctl.core.chat import Answer, ChatRequest, DialectName
from proxyctl.core.errors import Problem
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields, StreamDecoder, UpstreamDialect
from proxyctl.dialects.cohere_chat.answer import decode_answer
from proxyctl.dialects.cohere_chat.errors import decode_error
from proxyctl.dialects.cohere_chat.request import encode_request
from proxyctl.dialects.cohere_chat.stream import CohereStreamDecoder
from proxyctl.dialects.traits import ModelTraits


class CohereChat(UpstreamDialect):
    name: ClassVar[DialectName] = "cohere-chat"

    @override
    def encode_request(self, request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
        return encode_request(request, traits, losses)

    @override
    def decode_answer(self, body: bytes) -> Answer:
        return decode_answer(body)

    @override
    def stream_decoder(self) -> StreamDecoder:
        return CohereStreamDecoder()

    @override
    def decode_error(self, status: int, body: bytes) -> Problem:
        return decode_error(status, body)


COHERE_CHAT = CohereChat()
