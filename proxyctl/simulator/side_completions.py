"""Legacy completions, `POST /completions`: a bare prompt, text in place of messages (wire notes 2026-11)."""

import time
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from proxyctl.simulator.beside import Beside
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.provider import seed_of
from proxyctl.simulator.reply import DONE_FRAME, EVENT_STREAM, Reply, data_frame, json_reply
from proxyctl.simulator.script import Manner, Question

if TYPE_CHECKING:
    from proxyctl.simulator.chat_style import ChatStyle


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class CompletionRequest(msgspec.Struct, frozen=True):
    model: str
    prompt: str | list[str]
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    echo: bool = False


class Completions(Beside):
    """`usage_always`: the last chunk of every stream has the usage, asked or not."""

    def __init__(self, *, usage_always: bool = False) -> None:
        self._usage_always = usage_always

    @override
    def answer(self, provider: "ChatStyle", request: HttpRequest) -> Reply:
        asked = provider.read(request.body, CompletionRequest)
        model = provider.known(asked.model)
        if not isinstance(asked.prompt, str):
            raise provider.refuse(400, "prompt must be a string")
        stops = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
        question = Question(
            model=model.id,
            prompt=asked.prompt,
            user_text=asked.prompt,
            seed=seed_of(request.body),
            max_tokens=asked.max_tokens,
            stop=tuple(stops),
        )
        script = provider.compose(question, Manner())
        usage = provider.usage(script.tally)
        head: dict[str, Any] = {
            "id": f"cmpl-{provider.next_id(script.seed)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": asked.model,
        }
        finish = provider.finish_reason(script)
        if not asked.stream:
            text = (asked.prompt if asked.echo else "") + script.text
            value = {**head, "choices": [_choice(text, finish)], "usage": usage}
            return json_reply(value, tally=script.tally, model=asked.model)
        chunks = [{**head, "choices": [_choice(piece, None)]} for piece in script.pieces]
        chunks.append({**head, "choices": [_choice("", finish)]})
        if self._usage_always:
            chunks[-1]["usage"] = usage
        elif asked.stream_options is not None and asked.stream_options.include_usage:
            chunks.append({**head, "choices": [], "usage": usage})
        frames = (*(data_frame(chunk) for chunk in chunks), DONE_FRAME)
        return Reply(status=200, headers=EVENT_STREAM, frames=frames, tally=script.tally, model=asked.model)


def _choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
