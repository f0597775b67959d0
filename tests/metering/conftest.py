"""Records to count: made by hand, so that a test says every figure that it expects back."""

from __future__ import annotations

from itertools import count
from typing import Any, Protocol

import pytest

from proxyctl.core.exchange import AttemptRecord, ExchangeRecord
from proxyctl.core.usage import Usage

_numbers = count(1)


class MakeAttempt(Protocol):
    def __call__(self, provider: str = "alpha", **fields: Any) -> AttemptRecord: ...


class MakeRecord(Protocol):
    def __call__(self, *attempts: AttemptRecord, **fields: Any) -> ExchangeRecord: ...


def _attempt(provider: str = "alpha", **fields: Any) -> AttemptRecord:
    base = {
        "model": "alpha-1",
        "lane": "passthrough",
        "outcome": "ok",
        "started_at": 1000.0,
        "duration_ms": 100.0,
        "usage": Usage(input=10, output=5) if fields.get("outcome", "ok") == "ok" else None,
    }
    return AttemptRecord(provider=provider, **{**base, **fields})


def _record(*attempts: AttemptRecord, **fields: Any) -> ExchangeRecord:
    last = attempts[-1] if attempts else None
    answered = last is not None and last.outcome != "error"
    base: dict[str, Any] = {
        "id": f"px_{next(_numbers)}",
        "started_at": 1000.0,
        "dialect": "openai-chat",
        "requested_model": "alpha-1",
        "outcome": last.outcome if last else "refused",
        "status": 200 if answered else 502,
        "stream": False,
        "duration_ms": 120.0,
        "provider": last.provider if last else "",
        "upstream_model": last.model if last else "",
        "served_model": last.served_model if last and answered else "",
        "usage": last.usage if last and answered else None,
        "cost": last.cost if last and answered else None,
        "error_kind": last.error_kind if last else "bad_request",
        "attempts": attempts,
    }
    return ExchangeRecord(**{**base, **fields})


@pytest.fixture
def make_attempt() -> MakeAttempt:
    return _attempt


@pytest.fixture
def make_record() -> MakeRecord:
    return _record
