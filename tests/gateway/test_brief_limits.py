"""A rate limit of a moment is waited out on the same key; a prompt that is too long goes to a larger context only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai import AsyncOpenAI, InternalServerError

from proxyctl.core.errors import ErrorKind, Problem, UnavailableError
from proxyctl.gateway.reply import problem_headers
from proxyctl.simulator.faults import Fault
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.hostile import Upstream, completion, response

CHAT = "/v1/chat/completions"
MODELS = {
    "gemini": "gemini-3.8-flash",
    "anthropic": "claude-opus-5-5",
    "openai": "gpt-4.1",
    "groq": "llama-3.3-70b-versatile",
    "together": "moonshotai/Kimi-K3",
    "cohere": "command-a-03-2025",
    "mistral": "mistral-large-4",
}
BRIEF = 0.01


def tried(gateway: Gateway) -> list[str]:
    return [entry.provider for entry in gateway.simulator.ledger.entries if entry.method == "POST"]


def limit(gateway: Gateway, provider: str, seconds: float, times: int | None) -> None:
    gateway.simulator.fault(Fault(kind="status", provider=provider, status=429, retry_after=seconds, times=times))


async def with_alias(gateway: Gateway, *targets: str, routing: str = "") -> None:
    text = gateway.config_file.read_text().replace("[routing]\n", f"[routing]\n{routing}\n")
    await gateway.configure(f"{text}\n[aliases]\nboth = {json.dumps(targets)}\n")


@pytest.mark.parametrize("provider", MODELS)
async def test_a_moments_limit_is_waited_out(gateway: Gateway, provider: str) -> None:
    limit(gateway, provider, BRIEF, 1)

    answer = await gateway.http.post(CHAT, json=gateway.chat(f"{provider}:{MODELS[provider]}"))

    assert answer.status_code == 200, answer.text
    assert tried(gateway) == [provider, provider]
    assert gateway.state.availability.is_quiet


@pytest.mark.parametrize(("seconds", "tries"), [(BRIEF, 2), (7, 1)])
async def test_then_another_provider_is_asked(gateway: Gateway, seconds: float, tries: int) -> None:
    await with_alias(gateway, f"groq:{MODELS['groq']}", f"cohere:{MODELS['cohere']}")
    limit(gateway, "groq", seconds, None)

    answer = await gateway.http.post(CHAT, json=gateway.chat("both"))

    assert answer.status_code == 200, answer.text
    assert tried(gateway) == ["groq"] * tries + ["cohere"]


async def test_then_the_next_key_is_used(start_gateway: StartGateway, upstream: Upstream) -> None:
    def key() -> bytes:
        return next(line for line in upstream.heads[-1].lower().split(b"\r\n") if line.startswith(b"authorization"))

    keys: list[bytes] = []

    async def answer(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keys.append(key())
        limited = response(b"{}", status="429 Too Many Requests", more=b"retry-after-ms: 10\r\n")
        writer.write(limited if keys[-1] == keys[0] else response(completion()))

    upstream.answer = answer
    config = upstream.config('models = { m = "m" }').replace("keyless = true", 'keys = ["$ONE", "$TWO"]')
    config = config.replace("max_attempts = 1", "max_attempts = 4")
    gate = await start_gateway(config, {"ONE": "sk-one-0123456789", "TWO": "sk-two-0123456789"})

    served = await gate.http.post(CHAT, json=gate.chat("m"))

    assert served.status_code == 200, served.text
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


async def test_a_limit_beyond_the_deadline_is_not_waited_for(gateway: Gateway) -> None:
    await with_alias(gateway, f"groq:{MODELS['groq']}", f"cohere:{MODELS['cohere']}", routing="deadline_seconds = 1.5")
    limit(gateway, "groq", 2, None)

    answer = await gateway.http.post(CHAT, json=gateway.chat("both"))

    assert answer.status_code == 200, answer.text
    assert tried(gateway) == ["groq", "cohere"]


async def test_nothing_is_waited_for_without_an_attempt_left(gateway: Gateway) -> None:
    await with_alias(gateway, f"groq:{MODELS['groq']}", routing="max_attempts = 1")
    limit(gateway, "groq", 2, None)

    answer = await gateway.http.post(CHAT, json=gateway.chat("both"))

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert tried(gateway) == ["groq"]
    assert not gateway.state.availability.is_quiet


# Contexts.

TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."


LARGE, ALSO_LARGE = "mistral:mistral-large-4", "together:moonshotai/Kimi-K3"
MEDIUM, SMALL = "together:deepseek-ai/DeepSeek-V4.1-Flash", "cohere:command-r7b-12-2024"
UNKNOWN = "groq:llama-3.3-70b-versatile"
"""By their lists: 262,144 tokens both; 131,072 and 128,000; nothing said."""


async def with_contexts(gateway: Gateway, *targets: str) -> None:
    """An alias of these in this order, with the lists read that say how much each takes."""
    await with_alias(gateway, *targets)
    await gateway.state.discovery.refresh(gateway.state.live)
    gateway.simulator.ledger.clear()


def too_long(gateway: Gateway, target: str, status: int = 400) -> None:
    provider, code = target.partition(":")[0], "context_length_exceeded" if status == 400 else None
    gateway.simulator.fault(
        Fault(kind="status", provider=provider, status=status, message=TOO_LONG, code=code, times=None)
    )


@pytest.mark.parametrize("status", [400, 403, 413])
async def test_a_long_prompt_goes_to_the_larger_context(gateway: Gateway, status: int) -> None:
    await with_contexts(gateway, MEDIUM, SMALL, UNKNOWN, LARGE)
    too_long(gateway, MEDIUM, status)

    answer = await gateway.http.post(CHAT, json=gateway.chat("both"))

    assert answer.status_code == 200, answer.text
    assert tried(gateway) == ["together", "mistral"]
    assert gateway.state.availability.is_quiet


@pytest.mark.parametrize("targets", [(LARGE, ALSO_LARGE, SMALL), (MEDIUM, UNKNOWN), (UNKNOWN, LARGE)])
async def test_without_a_larger_one_the_refusal_is_the_answer(gateway: Gateway, targets: tuple[str, ...]) -> None:
    await with_contexts(gateway, *targets)
    too_long(gateway, targets[0])

    answer = await gateway.http.post(CHAT, json=gateway.chat("both"))

    assert answer.status_code == 400
    assert "maximum context length" in answer.json()["error"]["message"]
    assert tried(gateway) == [targets[0].partition(":")[0]]


# What callers' SDKs are told about trying again.


def problem(kind: ErrorKind = "rate_limit", **more: Any) -> Problem:
    return Problem(kind=kind, status=429, code="x", message="no", **more)


@pytest.mark.parametrize(
    ("told", "headers"),
    [
        (problem(), {b"x-should-retry": b"false"}),
        (problem(retry_after=6.2), {b"x-should-retry": b"true", b"retry-after": b"7"}),
        (problem(retry_after=0.0), {b"x-should-retry": b"true", b"retry-after": b"0"}),
        (problem(retry_after=60), {b"x-should-retry": b"true", b"retry-after": b"60"}),
        (problem(retry_after=61), {b"x-should-retry": b"false", b"retry-after": b"61"}),
        (problem(retry_after=6, retryable=False), {b"x-should-retry": b"false", b"retry-after": b"6"}),
        (problem("upstream"), {b"x-should-retry": b"false"}),
        (problem("bad_request", retryable=False), {b"x-should-retry": b"false"}),
        (problem("conflict"), {}),
        (UnavailableError("all out", retry_after=3).problem(), {b"x-should-retry": b"true", b"retry-after": b"3"}),
    ],
)
def test_whether_to_come_back(told: Problem, headers: dict[bytes, bytes]) -> None:
    assert dict(problem_headers(told)) == headers


@pytest.mark.parametrize(("seconds", "should"), [(7, "true"), (90, "false")])
async def test_a_limit_that_is_told_says_whether_to_come_back(gateway: Gateway, seconds: float, should: str) -> None:
    limit(gateway, "groq", seconds, None)

    answer = await gateway.http.post(CHAT, json=gateway.chat(f"groq:{MODELS['groq']}"))

    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, should)
    assert answer.headers["retry-after"] == str(seconds)


@pytest.mark.parametrize("kind", ["reset", "status"])
async def test_an_sdk_does_not_multiply_our_tries(gateway: Gateway, kind: Any) -> None:
    gateway.simulator.fault(Fault(kind=kind, provider="groq", status=500, times=None))
    openai = AsyncOpenAI(api_key="any", base_url=f"{gateway.url}/v1", max_retries=2)

    async with openai:
        with pytest.raises(InternalServerError):
            await openai.chat.completions.create(
                model=f"groq:{MODELS['groq']}", messages=[{"role": "user", "content": "Hello"}]
            )

    assert tried(gateway) == ["groq", "groq"]
