"""Cohere's error bodies, `{"message": "…", "id": "…"}`, to a `Problem`.

Source: wire notes 2026-11, "Cohere v2", errors. A trial key's monthly quota answers 429 like its per-minute one, and
only the text tells them apart.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from proxyctl.core.errors import Problem
from proxyctl.dialects.failure import ErrorBody, classify, reclassified, unreadable

_INVALID_TOKEN = 498
_NOT_IMPLEMENTED = 501
_SPENT = re.compile(r"/ ?month|per month|monthly", re.IGNORECASE)


class _Error(Struct):
    message: str


def decode_error(status: int, body: bytes) -> Problem:
    """Never raises. `status` 200 means an error inside an answer, of which the body says no class."""
    try:
        message = msgspec.json.decode(body, type=_Error).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        problem = unreadable(status, body)
    else:
        problem = classify(status, ErrorBody(message=message))
    if status == _INVALID_TOKEN:
        return reclassified(problem, "upstream_auth")
    spent = problem.kind == "rate_limit" and _SPENT.search(problem.message)
    if spent or status == _NOT_IMPLEMENTED:
        return msgspec.structs.replace(problem, retryable=False)
    return problem
