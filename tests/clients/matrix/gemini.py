"""Google's SDK, and the types that it would judge by if it did not take out first what they do not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from google import genai
from google.genai import errors, types

from tests.clients.targets import SCHEMA

from . import gemini_grammar
from .heard import TOOLS, Call, Forecast, Heard, Json, Question, Told, Turn
from .wire import Recorder


class GeminiCaller:
    ends = ("STOP", "STOP")
    failures: ClassVar[Mapping[int, type[Exception]]] = {
        400: errors.ClientError,
        404: errors.ClientError,
        429: errors.ClientError,
        0: errors.APIError,
    }

    def __init__(self, url: str) -> None:
        self.recorder = Recorder()
        arguments: Any = {"transport": self.recorder, "trust_env": False}
        options = types.HttpOptions(base_url=url, client_args=arguments)
        self._client = genai.Client(api_key="the gateway asks for none", http_options=options)

    def asking(self, text: str, image: bytes | None = None) -> Turn:
        parts = [types.Part(text=text)]
        if image is not None:
            parts.append(types.Part.from_bytes(data=image, mime_type="image/png"))
        return types.Content(role="user", parts=parts)

    def results(self, results: Sequence[tuple[Call, str]]) -> Sequence[Turn]:
        responses = [
            types.FunctionResponse(id=call.id, name=call.name, response={"result": text}) for call, text in results
        ]
        return [types.Content(role="user", parts=[types.Part(function_response=response) for response in responses])]

    def ask(self, question: Question, *, streamed: bool) -> Told:
        asked: Json = {"model": question.model, "contents": list(question.turns), "config": _config(question)}
        models = self._client.models
        if streamed:
            answers = list(models.generate_content_stream(**asked))
            judged = gemini_grammar.check_stream(self.recorder.last())
        else:
            answers = [models.generate_content(**asked)]
            judged = gemini_grammar.check_whole(self.recorder.last())
        parts = [part for answer in answers for part in _parts(answer)]
        heard = _heard(parts, answers[-1])
        assert heard == judged
        return Told(heard, [types.Content(role="model", parts=parts)], _parsed(question, answers, heard))

    def check_broken(self, body: bytes) -> str:
        return gemini_grammar.check_broken(body)


def _config(question: Question) -> types.GenerateContentConfig:
    config = types.GenerateContentConfig(
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    if question.tools:
        declarations = [
            types.FunctionDeclaration(name=name, description=TOOLS[name], parameters_json_schema=SCHEMA)
            for name in question.tools
        ]
        config.tools = [types.Tool(function_declarations=declarations)]
    if question.thinks:
        level = types.ThinkingLevel.HIGH
        config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_level=level)
    if question.structured:
        config.response_mime_type = "application/json"
        config.response_schema = Forecast
    return config


def _parts(answer: types.GenerateContentResponse) -> list[types.Part]:
    assert answer.candidates
    content = answer.candidates[0].content
    return list(content.parts or ()) if content is not None else []


def _heard(parts: list[types.Part], last: types.GenerateContentResponse) -> Heard:
    assert last.candidates
    finish = last.candidates[0].finish_reason
    assert finish is not None
    return Heard(
        text="".join(part.text or "" for part in parts if not part.thought),
        thinking="".join(part.text or "" for part in parts if part.thought),
        calls=tuple(
            Call(call.id or "", call.name or "", call.args or {}) for part in parts if (call := part.function_call)
        ),
        finish=finish.value,
    )


def _parsed(question: Question, answers: list[types.GenerateContentResponse], heard: Heard) -> Forecast | None:
    """The SDK parses whole answers only."""
    if not question.structured:
        return None
    if len(answers) > 1:
        return Forecast.model_validate_json(heard.text)
    parsed = answers[0].parsed
    assert isinstance(parsed, Forecast)
    return parsed
