"""OpenAI's SDK on the Responses API, refusing every answer that its types do not describe.

The conversation is sent again with each turn, reasoning items included, and nothing is stored: as coding agents do.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx2
import openai

from tests.clients.targets import SCHEMA
from tests.dialects import responses_judge

from .chat import ChatCaller, openai_client
from .heard import TOOLS, Call, Forecast, Heard, Json, Question, Told, Turn
from .wire import Recorder


class ResponsesCaller:
    ends = ("completed", "completed")
    failures: ClassVar[Mapping[int, type[Exception]]] = ChatCaller.failures

    def __init__(self, url: str) -> None:
        self.recorder = Recorder()
        self._responses = openai_client(url, self.recorder).responses

    def asking(self, text: str, image: bytes | None = None) -> Turn:
        content: Any = text
        if image is not None:
            url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
            content = [
                {"type": "input_text", "text": text},
                {"type": "input_image", "image_url": url, "detail": "auto"},
            ]
        return {"role": "user", "content": content}

    def results(self, results: Sequence[tuple[Call, str]]) -> Sequence[Turn]:
        return [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in results]

    def ask(self, question: Question, *, streamed: bool) -> Told:
        asked = _asked(question)
        if question.structured:
            asked["text_format"] = Forecast
        if streamed:
            with self._responses.stream(**asked) as stream:
                for event in stream:
                    if event.type == "response.failed":  # OpenAI's own, which its SDK hands on as an event
                        raise _failed(event.response)
                answer: Any = stream.get_final_response()
            document = responses_judge.check_grammar(self.recorder.last())
        else:
            ask: Any = self._responses.parse if question.structured else self._responses.create
            answer = ask(**asked)
            document = json.loads(self.recorder.last())
        responses_judge.check_response(document)
        heard = _heard(answer.model_dump())
        assert heard == _heard(document)
        return Told(heard, [_turn(item) for item in answer.output], getattr(answer, "output_parsed", None))

    def check_broken(self, body: bytes) -> str:
        events = responses_judge.events_of(body)
        assert events[-1]["type"] == "response.failed"
        failed = events[-1]["response"]
        assert failed["status"] == "failed"
        assert not {"response.completed", "response.incomplete"} & {event["type"] for event in events}
        message: str = failed["error"]["message"]
        return message


def _failed(response: Any) -> openai.APIError:
    return openai.APIError(response.error.message, httpx2.Request("POST", "http://127.0.0.1/v1/responses"), body=None)


def _asked(question: Question) -> Json:
    asked: Json = {
        "model": question.model,
        "input": list(question.turns),
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if question.tools:
        asked["tools"] = [
            {"type": "function", "name": name, "description": TOOLS[name], "parameters": SCHEMA, "strict": False}
            for name in question.tools
        ]
    if question.thinks:
        asked["reasoning"] = {"effort": "high", "summary": "auto"}
    return asked


def _heard(document: Json) -> Heard:
    items = document["output"]
    return Heard(
        text="".join(part["text"] for item in items if item["type"] == "message" for part in item["content"]),
        thinking="".join(part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]),
        calls=tuple(
            Call(item["call_id"], item["name"], json.loads(item["arguments"]))
            for item in items
            if item["type"] == "function_call"
        ),
        finish=document["status"],
    )


def _turn(item: Any) -> Turn:
    """As clients keep it: all that came, but for what the SDK itself put beside it."""
    turn = item.model_dump(exclude_none=True)
    turn.pop("parsed_arguments", None)
    for part in turn.get("content", ()):
        part.pop("parsed", None)
    return turn
