"""One prompt through `/v1/chat/completions`, as any client would send it, to try a setup.

It yields the text as it arrives and ends with a `ChatEnd`. Never lie: an answer without its finish reason was cut, and
`ChatEnd.cut` says so; nothing here pretends that the pieces were the whole.
"""

from __future__ import annotations

from collections.abc import Generator

import msgspec
from msgspec import Struct

from proxyctl.client.admin import refusal
from proxyctl.client.connection import Answer, Endpoint, OpenAnswer, open_call
from proxyctl.client.errors import CutError, StrangerError
from proxyctl.client.watch import events


class ChatEnd(Struct, frozen=True, kw_only=True):
    """What the end of an answer told. `served` is the model that answered; tokens are `None` when nobody reported any.

    `cut` is empty for a complete answer, else it says what stopped it.
    """

    provider: str = ""
    served: str = ""
    request_id: str = ""
    finish: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    losses: str = ""
    cut: str = ""


class _Delta(Struct, frozen=True):
    content: str | None = None


class _Choice(Struct, frozen=True):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Error(Struct, frozen=True):
    message: str = "the answer ended in an error"


class _Chunk(Struct, frozen=True):
    model: str = ""
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    error: _Error | None = None


def chat(endpoint: Endpoint, prompt: str, model: str) -> Generator[str, None, ChatEnd]:
    """Yield the answer's text, return its end. Raises `ClientError` when no answer began."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"accept": "text/event-stream"}
    encoded = msgspec.json.encode(body)
    with open_call(endpoint, "POST", "/v1/chat/completions", body=encoded, headers=headers) as answer:
        if answer.status >= 400:
            raise refusal(endpoint, Answer(answer.status, answer.headers, answer.read()))
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            raise StrangerError(endpoint.address, "no event stream came")
        return (yield from _relay(answer))


def _relay(answer: OpenAnswer) -> Generator[str, None, ChatEnd]:
    finish, served, cut = "", answer.headers.get("x-proxyctl-model", ""), ""
    usage: _Usage | None = None
    decoder = msgspec.json.Decoder(_Chunk)
    try:
        for data in events(answer):
            if data == b"[DONE]":
                break
            chunk = decoder.decode(data)
            served = chunk.model or served
            usage = chunk.usage or usage
            if chunk.error is not None:
                cut = chunk.error.message
                break
            for choice in chunk.choices[:1]:
                if choice.delta.content:
                    yield choice.delta.content
                finish = choice.finish_reason or finish
    except CutError as exc:
        cut = "" if finish else exc.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        cut = "a piece of the answer cannot be read"
    if not finish and not cut:
        cut = "the answer stopped before its end"
    return ChatEnd(
        provider=answer.headers.get("x-proxyctl-provider", ""),
        served=served,
        request_id=answer.headers.get("x-proxyctl-request-id", ""),
        finish=finish,
        input_tokens=usage.prompt_tokens if usage else None,
        output_tokens=usage.completion_tokens if usage else None,
        losses=answer.headers.get("x-proxyctl-losses", ""),
        cut=cut,
    )
