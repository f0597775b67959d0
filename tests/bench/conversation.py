"""CPU of translating one long tool conversation, from each dialect that callers speak to each that providers do.

The conversation is an agent's: calls with arguments, results with text, 100 messages, some 200 kB. Each caller's body
is written by the dialect's own encoder: this measures, and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from proxyctl.core.chat import (
    ChatRequest,
    DialectName,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import encode_json
from proxyctl.dialects.registry import INBOUND, UPSTREAM
from proxyctl.dialects.traits import PERMISSIVE

MESSAGES = 100
_RESULT = "def area(width: float, height: float) -> float:\n    return width * height  # ünits: m²\n" * 20
_SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}}


def conversation() -> ChatRequest:
    """A question, and 33 rounds of two calls at once with their results."""
    messages = [Message("user", (TextPart(text="Tidy up this project."),))]
    while len(messages) < MESSAGES:
        number = len(messages)
        messages += _round(number)
    return ChatRequest(
        model="m",
        messages=tuple(messages[:MESSAGES]),
        system=(TextPart(text="You are a careful engineer. " * 40),),
        tools=tuple(Tool(name=name, description="d" * 400, schema=_SCHEMA) for name in ("read", "write", "run")),
        max_output=8000,
    )


def _round(number: int) -> Iterator[Message]:
    ids = (f"call_{number}_a", f"call_{number}_b")
    calls: tuple[Part, ...] = tuple(
        ToolCallPart(id=one, name="read", arguments='{"path":"src/module.py","lines":40}') for one in ids
    )
    yield Message("assistant", (TextPart(text="I read the next two files."), *calls))
    yield Message(
        "user", tuple(ToolResultPart(call_id=one, name="read", parts=(TextPart(text=_RESULT),)) for one in ids)
    )


def milliseconds(rounds: int) -> dict[tuple[DialectName, DialectName], float]:
    """The best of some rounds, by caller's and provider's dialect."""
    request = conversation()
    fastest = {}
    for caller in UPSTREAM.keys() & INBOUND.keys():
        body = encode_json(UPSTREAM[caller].encode_request(request, PERMISSIVE, Losses()))
        for provider in UPSTREAM:
            if provider != caller:
                fastest[caller, provider] = min(_once(caller, provider, body) for _ in range(rounds)) * 1000
    return fastest


def _once(caller: DialectName, provider: DialectName, body: bytes) -> float:
    begun = time.process_time()
    request = INBOUND[caller].decode_request(body)
    encode_json(UPSTREAM[provider].encode_request(request, PERMISSIVE, Losses()))
    return time.process_time() - begun
