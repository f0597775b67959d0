"""Traffic for the demo: a mix of chat-completions and messages requests, sent to a gateway as any client would.

The mix follows from a seed. httpx is imported when sending starts, because commands import this module.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import httpx

Dialect = Literal["openai-chat", "anthropic-messages"]
_MODELS = (
    "gemini-3.8-flash",
    "gemini-3.5-flash-lite",
    "gemini-2.5-flash",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-haiku-4-5",
    "groq:openai/gpt-oss-20b",
    "groq:llama-3.3-70b-versatile",
    "together:Qwen/Qwen3.8-Flash",
    "cohere:command-a-03-2025",
    "mistral:mistral-small-2603",
)
_UNKNOWN_MODEL = "no-such-model"
_PROMPTS = (
    "Say hello to someone who tries this gateway for the first time.",
    "Why is the sky blue over Lisbon?",
    "Explain a circuit breaker in two sentences.",
    "What does a token cost, and who pays for it?",
    "Name three rivers of Europe and the seas they reach.",
    "Write a haiku about a queue that never ends.",
)
_TOOL_PROMPT = "What is the weather in Lisbon today?"
_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Shot(msgspec.Struct, frozen=True):
    """One request to be sent."""

    dialect: Dialect
    model: str
    prompt: str
    streamed: bool
    with_tool: bool

    @property
    def path(self) -> str:
        return "/v1/chat/completions" if self.dialect == "openai-chat" else "/v1/messages"

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "messages": [{"role": "user", "content": self.prompt}]}
        if self.streamed:
            body["stream"] = True
        if self.dialect == "anthropic-messages":
            body["max_tokens"] = 1024
        if self.with_tool and self.dialect == "openai-chat":
            function = {"name": "get_weather", "description": "Weather of a city", "parameters": _PARAMETERS}
            body["tools"] = [{"type": "function", "function": function}]
        elif self.with_tool:
            body["tools"] = [{"name": "get_weather", "description": "Weather", "input_schema": _PARAMETERS}]
        return body


class Progress(msgspec.Struct, frozen=True):
    """What became of one request. `status` is None when no answer came; `seconds` until its last byte.

    `provider` and `served` are what the gateway's answer headers said; `error` is a short text, None for success.
    """

    done: int
    total: int
    shot: Shot
    status: int | None
    seconds: float
    provider: str | None = None
    served: str | None = None
    error: str | None = None


def shots(count: int, seed: int) -> list[Shot]:
    """The requests that a seed stands for: half of them streamed, some with a tool, one in about twenty hopeless."""
    dice = random.Random(seed)  # noqa: S311 - a mix of requests, not a secret
    return [_shot(dice) for _ in range(count)]


def _shot(dice: random.Random) -> Shot:
    with_tool = dice.random() < 0.2
    return Shot(
        dialect="openai-chat" if dice.random() < 0.6 else "anthropic-messages",
        model=_UNKNOWN_MODEL if dice.random() < 0.05 else dice.choice(_MODELS),
        prompt=_TOOL_PROMPT if with_tool else dice.choice(_PROMPTS),
        streamed=dice.random() < 0.5,
        with_tool=with_tool,
    )


async def send(
    gateway_url: str,
    count: int,
    seed: int = 0,
    *,
    concurrency: int = 4,
    key: str = "demo",
    timeout: float = 60.0,  # noqa: ASYNC109 - handed to the client, which knows connect from read
) -> AsyncIterator[Progress]:
    """Send `count` requests, at most `concurrency` at a time, and tell of each when it is done (in order of their end).

    Leaving the iteration early cancels what still runs. `timeout` is in seconds and holds for each read.
    """
    import httpx

    waiting = list(reversed(shots(count, seed)))
    ended: asyncio.Queue[tuple[Shot, float, _Outcome]] = asyncio.Queue()
    headers = {"authorization": f"Bearer {key}", "anthropic-version": "2026-10-21"}
    async with httpx.AsyncClient(base_url=gateway_url, headers=headers, timeout=timeout, trust_env=False) as client:

        async def work() -> None:
            while waiting:
                shot, began = waiting.pop(), time.perf_counter()
                outcome = await _fire(client, shot)
                await ended.put((shot, time.perf_counter() - began, outcome))

        workers = [asyncio.create_task(work()) for _ in range(min(concurrency, count))]
        try:
            for done in range(1, count + 1):
                shot, seconds, outcome = await ended.get()
                yield Progress(
                    done, count, shot, outcome.status, seconds, outcome.provider, outcome.served, outcome.error
                )
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


class _Outcome(msgspec.Struct, frozen=True):
    status: int | None
    provider: str | None = None
    served: str | None = None
    error: str | None = None


async def _fire(client: "httpx.AsyncClient", shot: Shot) -> _Outcome:
    """Send one request and read its answer to the end."""
    import httpx

    response: httpx.Response | None = None
    error: str | None = None
    try:
        async with client.stream("POST", shot.path, json=shot.body()) as response:
            tail = b""
            async for piece in response.aiter_bytes():
                tail = (tail + piece)[-4096:]
            error = _error_in(response.status_code, tail, streamed=shot.streamed)
    except httpx.HTTPError as exc:
        error = str(exc) or type(exc).__name__
    if response is None:
        return _Outcome(None, error=error)
    named = response.headers.get
    return _Outcome(response.status_code, named("x-proxyctl-provider"), named("x-proxyctl-model"), error)


def _error_in(status: int, tail: bytes, *, streamed: bool) -> str | None:
    """The error that an answer's last bytes carry, or nothing. A stream tells its failures inside a 200."""
    if status >= 400:
        return _message(tail) or f"HTTP {status}"
    if streamed:
        last = tail.rstrip().rpartition(b"data: ")[2]
        return _message(last)
    return None


def _message(text: bytes) -> str | None:
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        value = msgspec.json.decode(text)
        error = value.get("error") if isinstance(value, dict) else None
        if isinstance(error, dict):
            return str(error.get("message", "unknown error"))
    return None
