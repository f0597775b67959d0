"""What the OpenAI-style providers share: routes, whole answers and chunk streams of chat completions.

The stream's grammar is role, deltas, finish, optional usage, `[DONE]` (wire notes 2026-11). A provider's own file says
which fields it takes, what it refuses, how it names its ids and where its usage stands.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import msgspec
from typing_extensions import override

from proxyctl.simulator.beside import Beside
from proxyctl.simulator.chat_request import ChatRequest, read_question
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import Model, find
from proxyctl.simulator.provider import SimulatedProvider, accepted, bearer, seed_of
from proxyctl.simulator.reply import DONE_FRAME, EVENT_STREAM, Reply, data_frame, json_reply
from proxyctl.simulator.script import Manner, Script
from proxyctl.simulator.tokens import Tally
from proxyctl.simulator.violations import Violation, explain

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """One answer on its way to the wire."""

    id: str
    created: int
    request: ChatRequest
    script: Script


class ChatStyle(SimulatedProvider):
    models: ClassVar[tuple[Model, ...]]
    request_type: ClassVar[type[ChatRequest]] = ChatRequest
    reasoning_field: ClassVar[str | None] = "reasoning_content"
    fingerprint: ClassVar[str | None] = None
    beside: ClassVar[Mapping[str, Beside]] = {}

    @override
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        self.authenticate(request)
        route = path.removeprefix(self.base)
        match request.method, route:
            case "POST", "/chat/completions":
                return self._chat(request, manner)
            case "POST", _ if route in self.beside:
                return self.beside[route].answer(self, request)
            case "GET", "/models":
                return self.model_list()
            case "GET", _ if route.startswith("/models/"):
                return json_reply(self.model_entry(self.known(route.removeprefix("/models/"))))
            case _:
                raise self.refuse(404, f"Unknown request URL: {request.method} {path}.")

    # -- what a provider may say differently

    def authenticate(self, request: HttpRequest) -> None:
        if not accepted(bearer(request.headers)):
            raise self.refuse(401, "Invalid API Key")

    def check(self, request: ChatRequest, model: Model) -> None:
        """Raise what the provider refuses beyond unknown fields and wrong types."""

    def invalid(self, violation: Violation) -> Exception:
        """The refusal of a body of the wrong shape."""
        return self.refuse(400, f"{violation.message}: {violation.dotted}" if violation.place else violation.message)

    def no_model(self, name: str) -> Exception:
        return self.refuse(404, f"The model `{name}` does not exist or you do not have access to it.")

    def too_long(self, model: Model, prompt: int) -> Exception:
        return self.refuse(400, f"The maximum context length is {model.context} tokens; your messages have {prompt}.")

    def thinks(self, request: ChatRequest, model: Model) -> bool:
        if not model.thinking or request.reasoning_effort == "none":
            return False
        return model.thinks_by_default or request.reasoning_effort is not None

    def model_list(self) -> Reply:
        return json_reply({"object": "list", "data": [self.model_entry(model) for model in self.models]})

    def model_entry(self, model: Model) -> dict[str, Any]:
        return {"id": model.id, "object": "model", "created": 1_764_547_200, "owned_by": self.name}

    def call_id(self, script: Script, index: int) -> str:
        return f"call_{script.seed[:20]}{index:04d}"

    def usage(self, tally: Tally) -> dict[str, Any]:
        return {
            "prompt_tokens": tally.prompt,
            "completion_tokens": tally.output,
            "total_tokens": tally.total,
            "prompt_tokens_details": {"cached_tokens": tally.cached},
            "completion_tokens_details": {"reasoning_tokens": tally.thinking},
        }

    def finish_reason(self, script: Script) -> str:
        if script.reason:
            return script.reason
        return {"stop_sequence": "stop", "tool": "tool_calls", "blocked": "content_filter"}.get(
            script.finish, script.finish
        )

    def tool_calls(self, script: Script) -> list[dict[str, Any]]:
        return [
            {
                "id": self.call_id(script, index),
                "type": "function",
                "function": {"name": call.name, "arguments": call.json},
            }
            for index, call in enumerate(script.calls)
        ]

    def message(self, answer: Answer) -> dict[str, Any]:
        script = answer.script
        message: dict[str, Any] = {"role": "assistant", "content": None if script.calls else script.text}
        if script.thinking and self.reasoning_field is not None:
            message[self.reasoning_field] = script.thinking
        if script.calls:
            message["tool_calls"] = self.tool_calls(script)
        return message

    def deltas(self, answer: Answer) -> Iterator[dict[str, Any]]:
        """The deltas between the role and the finish."""
        script = answer.script
        for piece in script.thoughts if self.reasoning_field is not None else ():
            yield {self.reasoning_field or "": piece}
        for piece in script.pieces:
            yield {"content": piece}
        for index, call in enumerate(self.tool_calls(script)):
            arguments = call["function"]["arguments"]
            half = len(arguments) // 2
            yield {"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]}
            for fragment in (arguments[:half], arguments[half:]):
                yield {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}

    def extras(self, answer: Answer) -> dict[str, Any]:
        """Top-level members of a whole answer beyond the common ones."""
        del answer
        return {}

    def headers(self, answer: Answer) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", f"req_{answer.id}"),)

    def decorate(self, answer: Answer, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Last word on a stream's chunks: where usage stands. Here: only when asked, in a chunk of its own."""
        if not answer.request.wants_usage_chunk:
            return chunks
        for chunk in chunks:
            chunk["usage"] = None
        return [*chunks, self.chunk(answer, None, usage=self.usage(answer.script.tally))]

    # -- the common part

    def known(self, name: str) -> Model:
        model = find(self.models, name)
        if model is None:
            raise self.no_model(name)
        return model

    def chunk(self, answer: Answer, choice: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
        base: dict[str, Any] = {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.request.model,
        }
        if self.fingerprint is not None:
            base["system_fingerprint"] = self.fingerprint
        return {**base, "choices": [] if choice is None else [choice], **more}

    def _chat(self, raw: HttpRequest, manner: Manner) -> Reply:
        request = self.read(raw.body, self.request_type)
        model = self.known(request.model)
        self.check(request, model)
        question = read_question(request, seed=seed_of(raw.body), thinks=self.thinks(request, model))
        script = self.compose(question, manner)
        if script.tally.prompt > model.context:
            raise self.too_long(model, script.tally.prompt)
        answer = Answer(f"chatcmpl-{self.next_id(script.seed)}", int(time.time()), request, script)
        if request.stream:
            return self._stream(answer)
        return self._whole(answer)

    def read(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as exc:
            raise self.invalid(explain(exc)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.refuse(400, "We could not parse the JSON body of your request.") from None

    def _whole(self, answer: Answer) -> Reply:
        script = answer.script
        choice = {"message": self.message(answer), "logprobs": None, "finish_reason": self.finish_reason(script)}
        value = {
            "id": answer.id,
            "object": "chat.completion",
            "created": answer.created,
            "model": answer.request.model,
            "choices": [{"index": index, **choice} for index in range(answer.request.n or 1)],
            "usage": self.usage(script.tally),
            **self.extras(answer),
        }
        return json_reply(value, headers=self.headers(answer), tally=script.tally, model=answer.request.model)

    def _stream(self, answer: Answer) -> Reply:
        chunks: list[dict[str, Any]] = []
        for index in range(answer.request.n or 1):
            deltas = [{"role": "assistant", "content": ""}, *self.deltas(answer)]
            chunks += [
                self.chunk(answer, {"index": index, "delta": delta, "logprobs": None, "finish_reason": None})
                for delta in deltas
            ]
            finish = self.finish_reason(answer.script)
            chunks.append(self.chunk(answer, {"index": index, "delta": {}, "logprobs": None, "finish_reason": finish}))
        frames = [data_frame(chunk) for chunk in self.decorate(answer, chunks)]
        return Reply(
            status=200,
            headers=(*EVENT_STREAM, *self.headers(answer)),
            frames=(*frames, DONE_FRAME),
            tally=answer.script.tally,
            model=answer.request.model,
        )
