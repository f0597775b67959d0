"""Anthropic's SDK, refusing every answer that its types do not describe."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import anthropic

from tests.clients import messages_grammar
from tests.clients.targets import SCHEMA

from .heard import TOOLS, Call, Forecast, Heard, Json, Question, Told, Turn
from .wire import Recorder

ROOM = 4000


class MessagesCaller:
    ends = ("end_turn", "tool_use")
    failures: ClassVar[Mapping[int, type[Exception]]] = {
        400: anthropic.BadRequestError,
        404: anthropic.NotFoundError,
        429: anthropic.RateLimitError,
        0: anthropic.APIStatusError,
    }

    def __init__(self, url: str) -> None:
        self.recorder = Recorder()
        client = anthropic.Anthropic(
            base_url=url,
            api_key="the gateway asks for none",
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(transport=self.recorder, trust_env=False),
            _strict_response_validation=True,
        )
        self._messages = client.messages

    def asking(self, text: str, image: bytes | None = None) -> Turn:
        content: Any = text
        if image is not None:
            source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(image).decode()}
            content = [{"type": "image", "source": source}, {"type": "text", "text": text}]
        return {"role": "user", "content": content}

    def results(self, results: Sequence[tuple[Call, str]]) -> Sequence[Turn]:
        content = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in results]
        return [{"role": "user", "content": content}]

    def ask(self, question: Question, *, streamed: bool) -> Told:
        asked = _asked(question)
        if question.structured:
            asked["output_format"] = Forecast
        if streamed:
            with self._messages.stream(**asked) as stream:
                answer: Any = stream.get_final_message()
            told = messages_grammar.check(self.recorder.last())
            assert told.complete, told.error
            judged = _heard(told.blocks, told.stop_reason)
        else:
            ask: Any = self._messages.parse if question.structured else self._messages.create
            answer = ask(**asked)
            judged = _check_whole(self.recorder.last())
        blocks = [block.model_dump(exclude_none=True) for block in answer.content]
        heard = _heard(blocks, answer.stop_reason)
        assert heard == judged
        return Told(heard, [{"role": "assistant", "content": answer.content}], getattr(answer, "parsed_output", None))

    def check_broken(self, body: bytes) -> str:
        stream = messages_grammar.check(body)
        assert not stream.complete
        assert stream.stop_reason is None
        *_, last = body.removesuffix(b"\n\n").split(b"\n")
        message: str = json.loads(last.removeprefix(b"data: "))["error"]["message"]
        return message


def _asked(question: Question) -> Json:
    asked: Json = {"model": question.model, "max_tokens": ROOM, "messages": list(question.turns)}
    if question.tools:
        asked["tools"] = [{"name": name, "description": TOOLS[name], "input_schema": SCHEMA} for name in question.tools]
    if question.thinks:
        asked["thinking"] = {"type": "adaptive", "display": "summarized"}
        asked["output_config"] = {"effort": "high"}
    return asked


def _check_whole(body: bytes) -> Heard:
    answer = json.loads(body)
    assert (answer["type"], answer["role"]) == ("message", "assistant")
    assert answer["id"].startswith("msg_")
    assert answer["usage"]["input_tokens"] > 0
    assert answer["usage"]["output_tokens"] > 0
    for block in answer["content"]:
        assert block["type"] in messages_grammar.DELTAS, block["type"]
        assert block["type"] != "text" or block["text"], "an empty text block, which no history may hold"
        assert block["type"] != "thinking" or block["signature"]
    return _heard(answer["content"], answer["stop_reason"])


def _heard(blocks: list[Json], stop_reason: str | None) -> Heard:
    return Heard(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        thinking="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=tuple(
            Call(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"
        ),
        finish=stop_reason or "",
    )
