"""Read a legacy completion's request: one prompt as a user's message, sampling as in chat.

Several prompts, token lists and `suffix` have no counterpart in chat, and leaving them out would answer another
question: they are refused. The rest that chat cannot carry is counted as a loss.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from proxyctl.core.chat import ChatRequest, Message, TextPart
from proxyctl.core.errors import DecodeError, UnsupportedError
from proxyctl.core.exchange import Peek
from proxyctl.dialects.base import uncarried
from proxyctl.dialects.openings import optional, raw, read_model
from proxyctl.dialects.typed import decode_typed

_CARRIED = frozenset(
    (
        "model",
        "prompt",
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "stream",
        "stream_options",
        "suffix",
    )
)
_UNMISSED = frozenset({"user", "metadata", "store"})
_ONE = frozenset({"n", "best_of"})

_flag = msgspec.json.Decoder(bool | None)
_number = msgspec.json.Decoder(int | None)


class _Options(Struct):
    include_usage: bool | None = None


_options = msgspec.json.Decoder(_Options | None)


class _Request(Struct):
    model: str
    prompt: str | list[str | int | list[int]]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stream: bool | None = None
    stream_options: _Options | None = None
    suffix: str | None = None
    n: int | None = None
    best_of: int | None = None


_request = msgspec.json.Decoder(_Request)


def peek(fields: Mapping[str, Raw], *, size: int) -> Peek:
    """Raises `DecodeError` when the model or the prompt is missing, or of the wrong type."""
    if raw(fields, "prompt") == b"null":
        raise DecodeError("a prompt is required", path="prompt")
    options = optional(_options, fields, "stream_options")
    return Peek(
        model=read_model(fields),
        stream=bool(optional(_flag, fields, "stream")),
        include_usage=bool(options and options.include_usage),
        max_output=optional(_number, fields, "max_tokens"),
        size=size,
    )


def decode_request(body: bytes) -> ChatRequest:
    """Raises `DecodeError` on what is malformed, `UnsupportedError` on what chat has no words for."""
    request = decode_typed(_request, body)
    if request.max_tokens is not None and request.max_tokens < 1:
        raise DecodeError("it must be at least 1", path="max_tokens")
    if request.suffix:
        raise UnsupportedError("a suffix cannot be said to a chat model", param="suffix")
    if any((count or 1) > 1 for count in (request.n, request.best_of)):
        raise UnsupportedError("only one answer can be asked for here", param="n")
    options = request.stream_options
    return ChatRequest(
        model=request.model,
        messages=(Message("user", (TextPart(text=_prompt(request.prompt)),)),),
        max_output=request.max_tokens,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        temperature=request.temperature,
        top_p=request.top_p,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        seed=request.seed,
        stream=bool(request.stream),
        include_usage=bool(options and options.include_usage),
        extras=tuple(uncarried(body, _CARRIED | _ONE, _UNMISSED)),
    )


def _prompt(written: str | list[str | int | list[int]]) -> str:
    prompt = written[0] if isinstance(written, list) and len(written) == 1 else written
    if not isinstance(prompt, str):
        raise UnsupportedError("a chat model takes one prompt, as text", param="prompt", hint="send one text")
    if not prompt:
        raise DecodeError("it must not be empty", path="prompt")
    return prompt
