"""OpenAI's SDK on chat completions, refusing every answer that its types do not describe."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import openai

from tests.clients.targets import SCHEMA

from . import chat_grammar
from .heard import TOOLS, Call, Forecast, Heard, Json, Question, Told, Turn
from .wire import Recorder

USAGE: Any = {"include_usage": True}


def openai_client(url: str, recorder: Recorder) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{url}/v1",
        api_key="the gateway asks for none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(transport=recorder, trust_env=False),
        _strict_response_validation=True,
    )


class ChatCaller:
    ends = ("stop", "tool_calls")
    failures: ClassVar[Mapping[int, type[Exception]]] = {
        400: openai.BadRequestError,
        404: openai.NotFoundError,
        429: openai.RateLimitError,
        0: openai.APIError,
    }

    def __init__(self, url: str) -> None:
        self.recorder = Recorder()
        self._completions = openai_client(url, self.recorder).chat.completions

    def asking(self, text: str, image: bytes | None = None) -> Turn:
        content: Any = text
        if image is not None:
            url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
            content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
        return {"role": "user", "content": content}

    def results(self, results: Sequence[tuple[Call, str]]) -> Sequence[Turn]:
        return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in results]

    def ask(self, question: Question, *, streamed: bool) -> Told:
        asked = _asked(question)
        if streamed:
            if question.structured:
                asked["response_format"] = Forecast
            with self._completions.stream(stream_options=USAGE, **asked) as stream:
                answer: Any = stream.get_final_completion()
            judged = chat_grammar.check_stream(self.recorder.last())
        else:
            parse = self._completions.parse
            answer = parse(response_format=Forecast, **asked) if question.structured else self._whole(asked)
            judged = chat_grammar.check_whole(self.recorder.last())
        [choice] = answer.choices
        heard = _heard(choice)
        assert heard == judged
        return Told(heard, [_turn(choice.message)], getattr(choice.message, "parsed", None))

    def _whole(self, asked: Json) -> Any:
        return self._completions.create(**asked)

    def check_broken(self, body: bytes) -> str:
        return chat_grammar.check_broken(body)


def _asked(question: Question) -> Json:
    asked: Json = {"model": question.model, "messages": list(question.turns)}
    if question.tools:
        asked["tools"] = [
            {"type": "function", "function": {"name": name, "description": TOOLS[name], "parameters": SCHEMA}}
            for name in question.tools
        ]
    if question.thinks:
        asked["reasoning_effort"] = "high"
        asked["extra_body"] = {"include_reasoning": True}  # chat completions have no other way to ask to be shown it
    return asked


def _heard(choice: Any) -> Heard:
    message = choice.message
    extra = message.model_extra or {}
    calls = tuple(
        Call(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()
    )
    thinking = extra.get("reasoning_content") or extra.get("reasoning") or ""
    return Heard(message.content or "", thinking, calls, choice.finish_reason)


def _turn(message: Any) -> Turn:
    """As clients keep it: all that came, but for what the SDK itself put beside it."""
    turn = message.model_dump(exclude_none=True, exclude={"parsed": True})
    for call in turn.get("tool_calls", ()):
        call["function"].pop("parsed_arguments", None)
    return turn
