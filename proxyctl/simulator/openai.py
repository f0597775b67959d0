"""OpenAI itself, strictly: chat completions and responses, and which model takes what on which (wire notes 2026-11).

The lenient server of `compatible.py` stands for everything that only calls itself compatible.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import override

from proxyctl.simulator.beside import Audio, Beside, Embeddings, OpenEmbeddings
from proxyctl.simulator.chat_request import ChatMessage, ChatRequest, OpenChatRequest, ToolCall
from proxyctl.simulator.compatible import Compatible
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import OPENAI, Model
from proxyctl.simulator.openai_responses import Answering, Json, ResponsesRequest, complaint, question_of
from proxyctl.simulator.provider import seed_of
from proxyctl.simulator.reply import RefusalError, Reply, json_reply
from proxyctl.simulator.script import Manner
from proxyctl.simulator.violations import Violation

_FORMS = ("json", "text", "verbose_json")


class StrictCall(ToolCall, frozen=True, forbid_unknown_fields=True):
    """No further members."""


class StrictMessage(ChatMessage, frozen=True, forbid_unknown_fields=True):
    tool_calls: Sequence[StrictCall] | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: Json | None = None
    function_call: Json | None = None


class StrictChatRequest(OpenChatRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    messages: Sequence[StrictMessage]
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Json | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    metadata: Json | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    store: bool | None = None
    user: str | None = None
    verbosity: str | None = None


class OpenAI(Compatible):
    """Stored are the responses that did not forbid it, with their conversations, until deleted or `clear`."""

    name = "openai"
    models: ClassVar[tuple[Model, ...]] = OPENAI
    request_type: ClassVar[type[ChatRequest]] = StrictChatRequest
    reasoning_field: ClassVar[str | None] = None
    beside: ClassVar[Mapping[str, Beside]] = {
        "/embeddings": Embeddings({"text-embedding-3-small": 1536}, OpenEmbeddings, tokens=True),
        "/audio/transcriptions": Audio(("whisper-1",), formats=_FORMS),
        "/audio/translations": Audio(("whisper-1",), formats=_FORMS),
    }

    def __init__(self) -> None:
        super().__init__()
        self._stored: dict[str, tuple[Json, list[Json]]] = {}

    @override
    def clear(self) -> None:
        super().clear()
        self._stored.clear()

    @override
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        route = path.removeprefix(self.base)
        if request.method == "POST" and route in ("/responses", "/responses/input_tokens"):
            self.authenticate(request)
            return self._respond(request, manner, count=route != "/responses")
        if request.method in ("GET", "DELETE") and route.startswith("/responses/"):
            self.authenticate(request)
            return self._kept(route.removeprefix("/responses/"), delete=request.method == "DELETE")
        return super().answer(request, path, manner)

    @override
    def invalid(self, violation: Violation) -> Exception:
        if violation.kind == "unknown":
            return self._wrong(f"Unknown parameter: '{violation.dotted}'.", violation.dotted, "unknown_parameter")
        return super().invalid(violation)

    @override
    def check(self, request: ChatRequest, model: Model) -> None:
        if not isinstance(request, StrictChatRequest):
            raise TypeError(request)
        for message in request.messages:
            for given in (message.tool_call_id, *(call.id for call in message.tool_calls or ())):
                if given is not None and len(given) > 64:
                    raise self._wrong("string too long. Expected a string with maximum length 64.", "messages")
        if len(request.stop or ()) > 4 and not isinstance(request.stop, str):
            raise self._wrong("Invalid 'stop': array too long.", "stop")
        if model.thinking:
            self._check_thinking(request, model)

    def _check_thinking(self, request: StrictChatRequest, model: Model) -> None:
        effort = request.reasoning_effort
        thinks = effort != "none"
        if request.tools and ("tools-on-responses" in model.flags or (thinks and "tools-unthinking" in model.flags)):
            text = f"Function tools with reasoning_effort are not supported for {model.id} in /v1/chat/completions"
            raise self._wrong(f"{text}. Please use /v1/responses instead.", "reasoning_effort")
        if effort == "max" or (effort is not None and effort not in model.thinking):
            raise self._wrong(f"Unsupported value: '{effort}'.", "reasoning_effort", "unsupported_value")
        refused = ["max_tokens", "stop"]
        if thinks:
            refused += ["temperature", "top_p", "logprobs", "top_logprobs"]
        for name in refused:
            if getattr(request, name) is not None:
                raise self._wrong(f"Unsupported parameter: '{name}'.", name, "unsupported_parameter")

    def _wrong(self, text: str, param: str, code: str | None = None) -> RefusalError:
        """OpenAI's error body with the parameter that it is about."""
        error = {"message": text, "type": "invalid_request_error", "param": param, "code": code}
        return RefusalError(json_reply({"error": error}, status=400))

    def _respond(self, raw: HttpRequest, manner: Manner, *, count: bool) -> Reply:
        request = self.read(raw.body, ResponsesRequest)
        model = self.known(request.model)
        earlier: list[Json] = []
        if request.previous_response_id is not None:
            if request.previous_response_id not in self._stored:
                text = f"Previous response with id '{request.previous_response_id}' not found."
                raise self._wrong(text, "previous_response_id", "previous_response_not_found")
            _, earlier = self._stored[request.previous_response_id]
        items = [*earlier, *request.items]
        if (wrong := complaint(request, items, model)) is not None:
            raise self._wrong(*wrong)
        thinks = bool(model.thinking) and request.effort != "none"
        script = self.compose(question_of(request, items, seed_of(raw.body), thinks=thinks), manner)
        if count:
            return json_reply({"object": "response.input_tokens", "input_tokens": script.tally.prompt})
        answering = Answering(request, script, self.next_id(script.seed))
        reply = answering.reply()
        if request.store is not False:
            response = answering.response(answering.status)
            self._stored[response["id"]] = (response, [*items, *response["output"]])
        return reply

    def _kept(self, response_id: str, *, delete: bool) -> Reply:
        if response_id not in self._stored:
            error = {"type": "invalid_request_error", "param": None, "code": None}
            return json_reply(
                {"error": {"message": f"Response with id '{response_id}' not found.", **error}}, status=404
            )
        if not delete:
            response, _ = self._stored[response_id]
            return json_reply(response)
        del self._stored[response_id]
        return json_reply({"id": response_id, "object": "response", "deleted": True})
