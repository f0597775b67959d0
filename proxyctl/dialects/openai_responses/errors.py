"""Errors of the responses dialect: as an answer those of all OpenAI endpoints, in a stream an `error` event.

The event's members stand twice, bare as the official types have them and in an `error` object: one family of clients
raises only for the object, another validates nothing else (wire notes 2026-11, "streaming grammars").
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from proxyctl.core.errors import ErrorKind, Problem
from proxyctl.dialects.base import Fields, encode_json
from proxyctl.dialects.openai_chat import errors as chat_errors
from proxyctl.dialects.sse import frame
from proxyctl.dialects.typed import fits

encode_error = chat_errors.encode_error
own_error = chat_errors.own_error


class _ErrorEvent(Struct):
    type: Literal["error"]
    message: str


_event = msgspec.json.Decoder(_ErrorEvent)


def is_own_event(data: bytes) -> bool:
    """Whether clients find the message of an error event, in one of the two places where they look for it."""
    return fits(_event, data) or chat_errors.is_own_error(data)


LAST_NUMBER = 2**31 - 1
"""The number of an error event made by somebody who did not count the events before it: above all of them."""

_CODES: dict[ErrorKind, str] = {
    "rate_limit": "rate_limit_exceeded",
    "billing": "rate_limit_exceeded",
    "bad_request": "invalid_prompt",
    "context_length": "invalid_prompt",
}
"""What `response.error.code` may be is a closed list: these, and `server_error` for everything else."""


def encode_stream_error(problem: Problem, number: int = LAST_NUMBER) -> bytes:
    """The frame that ends a stream; `number` is its place among the stream's events."""
    error = msgspec.json.decode(encode_error(problem)[1])["error"]
    said = {name: error[name] for name in ("code", "message", "param")}
    document = {"type": "error", "sequence_number": number, **said, "error": error}
    return frame(encode_json(document), "error")


def response_error(problem: Problem) -> Fields:
    """The `error` of a response that failed."""
    return {"code": _CODES.get(problem.kind, "server_error"), "message": problem.sentence()}
