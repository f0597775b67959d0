"""Groq: OpenAI chunks with `x_groq`, and refusal of every property that it does not know (wire notes 2026-11)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import override

from proxyctl.simulator.beside import Audio, Beside, Embeddings, FormattedEmbeddings
from proxyctl.simulator.chat_request import (
    CalledFunction,
    ChatMessage,
    ChatRequest,
    Function,
    OpenChatRequest,
    ToolCall,
    ToolDefinition,
)
from proxyctl.simulator.chat_style import Answer, ChatStyle
from proxyctl.simulator.faults import Fault
from proxyctl.simulator.models import GROQ, Model
from proxyctl.simulator.provider import text_in
from proxyctl.simulator.reply import Reply, json_reply
from proxyctl.simulator.tokens import Tally
from proxyctl.simulator.violations import Violation

_WHISPERS = ("whisper-large-v3", "whisper-large-v3-turbo")
_MOST_TOOLS = 128
_SECONDS = {"queue_time": 0.0005, "prompt_time": 0.001, "completion_time": 0.01, "total_time": 0.011}
_LIMITS = (
    ("x-ratelimit-limit-requests", "14400"),
    ("x-ratelimit-limit-tokens", "30000"),
    ("x-ratelimit-remaining-requests", "14399"),
    ("x-ratelimit-remaining-tokens", "29500"),
    ("x-ratelimit-reset-requests", "6s"),
    ("x-ratelimit-reset-tokens", "1.2s"),
    ("x-groq-region", "sim"),
)
_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permissions_error", None),
    404: ("invalid_request_error", "model_not_found"),
    413: ("tokens", "rate_limit_exceeded"),
    422: ("invalid_request_error", None),
    429: ("tokens", "rate_limit_exceeded"),
    498: ("flex_capacity_exceeded", "capacity_exceeded"),
    503: ("service_unavailable", None),
}


class GroqFunction(Function, frozen=True, forbid_unknown_fields=True):
    """No further members."""


class GroqTool(ToolDefinition, frozen=True, forbid_unknown_fields=True):
    function: GroqFunction


class GroqCalled(CalledFunction, frozen=True, forbid_unknown_fields=True):
    """No further members."""


class GroqToolCall(ToolCall, frozen=True, forbid_unknown_fields=True):
    function: GroqCalled


class GroqMessage(ChatMessage, frozen=True, forbid_unknown_fields=True):
    """A null `function_call` is an unknown property too."""

    tool_calls: Sequence[GroqToolCall] | None = None
    reasoning: str | None = None


class GroqRequest(OpenChatRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    messages: Sequence[GroqMessage]
    tools: Sequence[GroqTool] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    metadata: dict[str, Any] | None = None
    reasoning_format: str | None = None
    include_reasoning: bool | None = None
    seed: int | None = None
    service_tier: str | None = None
    store: bool | None = None
    user: str | None = None
    documents: list[Any] | None = None
    citation_options: str | None = None
    compound_custom: dict[str, Any] | None = None
    search_settings: dict[str, Any] | None = None
    disable_tool_validation: bool | None = None


class Groq(ChatStyle):
    name = "groq"
    base = "/openai/v1"
    models: ClassVar[tuple[Model, ...]] = GROQ
    request_type: ClassVar[type[ChatRequest]] = GroqRequest
    reasoning_field = "reasoning"
    fingerprint = "fp_simulated"
    beside: ClassVar[Mapping[str, Beside]] = {
        "/embeddings": Embeddings({"nomic-embed-text-v1_5": 768}, FormattedEmbeddings),
        "/audio/transcriptions": Audio(_WHISPERS, formats=("json", "text", "verbose_json")),
        "/audio/translations": Audio(_WHISPERS, formats=("json", "text", "verbose_json")),
    }

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"error":{"message","type","code"}}`; `retry-after` on 429 only."""
        kind, code = _TYPES.get(status, ("internal_server_error", None))
        if fault is not None and fault.code is not None:
            code = fault.code
        error = {"message": message or f"Simulated failure {status}.", "type": kind}
        if code is not None:
            error["code"] = code
        headers = list(_LIMITS)
        if status == 429 and fault is not None and fault.retry_after is not None:
            headers.append(("retry-after", f"{fault.retry_after:g}"))
        return json_reply({"error": error}, status=status, headers=tuple(headers))

    @override
    def invalid(self, violation: Violation) -> Exception:
        if violation.kind != "unknown":
            return super().invalid(violation)
        said = f"property '{violation.field}' is unsupported"
        if violation.place:
            where = ".".join(map(str, violation.place))
            said = f"'{where}' : the following must be satisfied[('{where}' : {said})]"
        return self.refuse(400, said)

    @override
    def check(self, request: ChatRequest, model: Model) -> None:
        if not isinstance(request, GroqRequest):
            raise TypeError(request)
        for said in _complaints(request, model):
            raise self.refuse(400, said)
        if request.reasoning_effort is not None and request.reasoning_effort not in model.thinking:
            raise self.refuse(400, f"`reasoning_effort` must be one of {list(model.thinking)} for this model")

    @override
    def thinks(self, request: ChatRequest, model: Model) -> bool:
        return bool(model.thinking) and request.reasoning_effort != "none"

    @override
    def message(self, answer: Answer) -> dict[str, Any]:
        message = super().message(answer)
        shown = _reasoning_shown(answer.request, answer.script.thinking, self._model(answer))
        if shown != "parsed":
            message.pop("reasoning", None)
        if shown == "raw" and message["content"] is not None:
            message["content"] = f"<think>\n{answer.script.thinking}\n</think>\n\n{message['content']}"
        return message

    @override
    def deltas(self, answer: Answer) -> Iterator[dict[str, Any]]:
        script = answer.script
        shown = _reasoning_shown(answer.request, script.thinking, self._model(answer))
        if shown == "parsed":
            yield from ({"reasoning": piece} for piece in script.thoughts)
        elif shown == "raw":
            yield {"content": f"<think>\n{script.thinking}\n</think>\n\n"}
        yield from ({"content": piece} for piece in script.pieces)
        # Tool calls come whole, all in one chunk.
        if script.calls:
            yield {"tool_calls": [{"index": index, **call} for index, call in enumerate(self.tool_calls(script))]}

    @override
    def usage(self, tally: Tally) -> dict[str, Any]:
        return {**super().usage(tally), **_SECONDS}

    @override
    def extras(self, answer: Answer) -> dict[str, Any]:
        return {"system_fingerprint": self.fingerprint, "x_groq": {"id": f"req_{answer.id}"}}

    @override
    def headers(self, answer: Answer) -> tuple[tuple[str, str], ...]:
        return (*super().headers(answer), *_LIMITS)

    @override
    def decorate(self, answer: Answer, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """`x_groq.usage` on the last chunk, asked or not; the ordinary usage chunk beside it when asked."""
        usage = self.usage(answer.script.tally)
        chunks[0]["x_groq"] = {"id": f"req_{answer.id}", "seed": 1}
        chunks[-1]["x_groq"] = {"id": f"req_{answer.id}", "usage": usage}
        if answer.request.wants_usage_chunk:
            return [*chunks, self.chunk(answer, None, usage=usage)]
        return chunks

    def _model(self, answer: Answer) -> Model:
        return self.known(answer.request.model)


def _complaints(request: GroqRequest, model: Model) -> Iterator[str]:
    for index, message in enumerate(request.messages):
        if message.name is not None:
            where = f"'messages.{index}'"
            yield f"{where} : the following must be satisfied[({where} : property 'name' is unsupported)]"
    if request.n not in {None, 1}:
        yield "'n' : number must be at most 1"
    for name in ("logprobs", "logit_bias", "top_logprobs"):
        if getattr(request, name):
            yield f"`{name}` is not supported with this model"
    if request.include_reasoning is not None and request.reasoning_format is not None:
        yield "cannot specify both `include_reasoning` and `reasoning_format`"
    if len(request.tools or ()) > _MOST_TOOLS:
        yield "'tools' : maximum number of items is 128"
    if request.temperature is not None and not 0 <= request.temperature <= 2:
        yield "'temperature' : number must be at most 2"
    yield from _format_complaints(request, model)


def _format_complaints(request: GroqRequest, model: Model) -> Iterator[str]:
    kind = (request.response_format or {}).get("type")
    if kind == "json_object" and "json" not in text_in([_words(message) for message in request.messages]).lower():
        yield "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    if kind != "json_schema":
        return
    if "json-schema" not in model.flags:
        yield "This model does not support response format `json_schema`."
    elif request.tools:
        yield "response format `json_schema` cannot be combined with tool/function calling"


def _words(message: GroqMessage) -> str | list[dict[str, Any]]:
    return message.content or ""


def _reasoning_shown(request: ChatRequest, thinking: str, model: Model) -> str:
    """`parsed`, `raw` (inside the text, the default of some models) or `hidden`."""
    if not thinking or not isinstance(request, GroqRequest) or request.include_reasoning is False:
        return "hidden"
    if request.tools or request.response_format:  # raw thinking would stand in the way of what is parsed
        return "hidden" if request.reasoning_format == "hidden" else "parsed"
    if request.reasoning_format is not None:
        return request.reasoning_format
    return "raw" if "inline-thinking" in model.flags and request.include_reasoning is None else "parsed"
