"""Requests that are no conversations: what routing reads of them is a model's name, their errors are OpenAI's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw
from typing_extensions import override

from proxyctl.core.errors import BadRequestError, DecodeError, Problem
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.openai_chat import OpenAIChat
from proxyctl.dialects.openings import read_model
from proxyctl.gateway.inbound import ClientHeaders, Inbound

T = TypeVar("T")


class _Beside(OpenAIChat):
    """OpenAI's errors for a request that has a model and no messages."""

    @override
    def peek(self, fields: Mapping[str, Raw], *, size: int) -> Peek:
        return Peek(model=read_model(fields), size=size)

    @override
    def session(self, fields: Mapping[str, Raw]) -> str:
        return ""


class _Reranking(_Beside):
    """Clients of reranking read `message` beside the `error` that OpenAI's read."""

    @override
    def encode_error(self, problem: Problem, request_id: str) -> tuple[int, bytes]:
        status, body = super().encode_error(problem, request_id)
        document: Fields = msgspec.json.decode(body)
        return status, encode_json({"message": document["error"]["message"], "id": request_id, **document})


BESIDE = _Beside()
RERANKING = _Reranking()


class SideInbound(Inbound):
    """A JSON request on a side endpoint."""

    def __init__(self, headers: ClientHeaders, body: bytes, dialect: OpenAIChat = BESIDE) -> None:
        super().__init__(dialect, headers, body)


def decoded(decode: Callable[[Mapping[str, Raw]], T], fields: Mapping[str, Raw]) -> T:
    """Raises `BadRequestError` where `decode` raises `DecodeError`."""
    try:
        return decode(fields)
    except DecodeError as exc:
        raise BadRequestError(str(exc), param=exc.path or None) from exc
