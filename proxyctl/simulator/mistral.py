"""Mistral: 422 for each field it does not know, nine-character ids, a strict order of roles (wire notes 2026-11)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import msgspec
from typing_extensions import override

from proxyctl.simulator.beside import Audio, Beside, Embeddings, StrictEmbeddings
from proxyctl.simulator.chat_request import CalledFunction, ChatMessage, ChatRequest, Function, ToolCall, ToolDefinition
from proxyctl.simulator.chat_style import Answer, ChatStyle
from proxyctl.simulator.faults import Fault
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import MISTRAL, Model
from proxyctl.simulator.provider import accepted, bearer, text_in
from proxyctl.simulator.reply import RefusalError, Reply, json_reply
from proxyctl.simulator.script import Script
from proxyctl.simulator.tokens import Tally, count_tokens
from proxyctl.simulator.violations import Violation

_ID = re.compile(r"[A-Za-z0-9]{9}")
_HIGHEST_TEMPERATURE = 1.5
_CHUNKS = frozenset(
    {
        "text",
        "image_url",
        "document_url",
        "file",
        "input_audio",
        "thinking",
        "reference",
        "resource",
        "resource_link",
    }
)
_TYPES = {
    400: "invalid_request_error",
    401: "unauthorized",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    422: "invalid_request_error",
    429: "rate_limited",
    503: "unavailable",
}
_CODES = {401: "1000", 429: "1300", 404: "1500", 503: "3505"}
_LIMITS = (("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59"))


class MistralFunction(Function, frozen=True, forbid_unknown_fields=True, kw_only=True):
    parameters: dict[str, Any]  # required here, unlike elsewhere


class MistralTool(ToolDefinition, frozen=True, forbid_unknown_fields=True):
    function: MistralFunction


class MistralCalled(CalledFunction, frozen=True, forbid_unknown_fields=True):
    """No further members."""


class MistralToolCall(ToolCall, frozen=True, forbid_unknown_fields=True):
    function: MistralCalled
    index: int | None = None


class MistralMessage(ChatMessage, frozen=True, forbid_unknown_fields=True):
    """`name` is for tool messages only, `prefix` for assistant messages only."""

    tool_calls: Sequence[MistralToolCall] | None = None
    prefix: bool | None = None


class FlatTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["function"]
    name: str
    parameters: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class Effort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effort: str | None = None


class MistralRequest(ChatRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    messages: Sequence[MistralMessage]
    tools: Sequence[MistralTool] | None = None
    random_seed: int | None = None
    metadata: dict[str, Any] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    min_tokens: int | None = None
    repetition_penalty: float | None = None
    top_k: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    prompt_logprobs: bool | None = None
    top_prompt_logprobs: int | None = None
    prediction: dict[str, Any] | None = None
    prompt_mode: str | None = None
    guardrails: list[Any] | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    safe_prompt: bool | None = None


class CountedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `/responses/input_tokens` takes."""

    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["disabled"] | None = None
    tools: list[FlatTool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    reasoning: Effort | None = None
    text: dict[str, Any] | None = None


class Counting(Beside):
    """The tokens of a prompt that is told as `/responses` would be told it."""

    @override
    def answer(self, provider: ChatStyle, request: HttpRequest) -> Reply:
        asked = provider.read(request.body, CountedRequest)
        provider.known(asked.model)
        prompt = (asked.instructions or "") + text_in(asked.input) + text_in(msgspec.to_builtins(asked.tools or []))
        return json_reply({"object": "response.input_tokens", "input_tokens": count_tokens(prompt)})


class Mistral(ChatStyle):
    name = "mistral"
    base = "/v1"
    models: ClassVar[tuple[Model, ...]] = MISTRAL
    request_type: ClassVar[type[ChatRequest]] = MistralRequest
    reasoning_field = None
    beside: ClassVar[Mapping[str, Beside]] = {
        "/embeddings": Embeddings({"mistral-embed": 1024, "codestral-embed": 1536}, StrictEmbeddings, most=512),
        "/responses/input_tokens": Counting(),
        "/audio/transcriptions": Audio(("voxtral-mini-latest",), formats=("json",), counted=True),
    }

    @override
    def authenticate(self, request: HttpRequest) -> None:
        if not accepted(bearer(request.headers)):
            raise self.refuse(401, "Unauthorized")

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"object":"error","message","type","param","code"}`."""
        code = fault.code if fault is not None else None
        return _error(
            status,
            message or f"Simulated failure {status}.",
            _TYPES.get(status, "internal_server_error"),
            code or _CODES.get(status),
            fault.retry_after if fault is not None else None,
        )

    @override
    def invalid(self, violation: Violation) -> Exception:
        kind = {"unknown": "extra_forbidden", "missing": "missing"}.get(violation.kind, "type_error")
        said = {"unknown": "Extra inputs are not permitted", "missing": "Field required"}.get(
            violation.kind, violation.message
        )
        return _unprocessable(kind, violation.location, said)

    @override
    def no_model(self, name: str) -> Exception:
        return RefusalError(_error(400, f"Invalid model: {name}", "invalid_model", "1500"))

    @override
    def too_long(self, model: Model, prompt: int) -> Exception:
        said = f"Prompt contains {prompt} tokens, too large for model with {model.context} maximum context length"
        return RefusalError(_error(400, said, "invalid_request_prompt", "3051"))

    @override
    def check(self, request: ChatRequest, model: Model) -> None:
        if not isinstance(request, MistralRequest):
            raise TypeError(request)
        if request.temperature is not None and not 0 <= request.temperature <= _HIGHEST_TEMPERATURE:
            raise _unprocessable("less_than_equal", ("temperature",), "Input should be less than or equal to 1.5")
        if request.reasoning_effort is not None and request.reasoning_effort not in model.thinking:
            raise self.refuse(400, f"reasoning_effort is not supported for model {model.id}")
        for refusal in _message_refusals(request.messages):
            raise refusal

    @override
    def thinks(self, request: ChatRequest, model: Model) -> bool:
        del model
        return request.reasoning_effort == "high"

    @override
    def model_entry(self, model: Model) -> dict[str, Any]:
        return {
            **super().model_entry(model),
            "owned_by": "mistralai",
            "capabilities": {"completion_chat": True, "function_calling": True, "vision": True, "fine_tuning": False},
            "name": model.id,
            "max_context_length": model.context,
            "aliases": list(model.aliases),
            "deprecation": None,
            "type": "base",
        }

    @override
    def call_id(self, script: Script, index: int) -> str:
        return f"{script.seed[:7]}{index:02d}"

    @override
    def usage(self, tally: Tally) -> dict[str, Any]:
        return {
            "prompt_tokens": tally.prompt,
            "completion_tokens": tally.output,
            "total_tokens": tally.total,
            "prompt_tokens_details": {"cached_tokens": tally.cached},
        }

    @override
    def tool_calls(self, script: Script) -> list[dict[str, Any]]:
        """Without `type`, and with the index even in a whole answer."""
        calls = super().tool_calls(script)
        return [{"id": call["id"], "function": call["function"], "index": index} for index, call in enumerate(calls)]

    @override
    def message(self, answer: Answer) -> dict[str, Any]:
        script = answer.script
        text: str | list[dict[str, Any]] = script.text
        if script.thoughts:
            text = [_thinking(script.thinking), *([{"type": "text", "text": script.text}] if script.text else [])]
        return {"role": "assistant", "content": text, "tool_calls": self.tool_calls(script) or None}

    @override
    def deltas(self, answer: Answer) -> Iterator[dict[str, Any]]:
        """Thinking comes as chunk lists, text as strings, tool calls whole."""
        script = answer.script
        yield from ({"content": [_thinking(piece)]} for piece in script.thoughts)
        yield from ({"content": piece} for piece in script.pieces)
        if script.calls:
            yield {"content": "", "tool_calls": self.tool_calls(script)}

    @override
    def headers(self, answer: Answer) -> tuple[tuple[str, str], ...]:
        return (("mistral-correlation-id", answer.id), *_LIMITS)

    @override
    def decorate(self, answer: Answer, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Usage in the last chunk, always."""
        chunks[-1]["usage"] = self.usage(answer.script.tally)
        return chunks


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _error(status: int, message: Any, kind: str, code: str | None, retry_after: float | None = None) -> Reply:
    body = {
        "object": "error",
        "message": message,
        "type": kind,
        "param": None,
        "code": code,
        "raw_status_code": status,
    }
    headers = [("mistral-correlation-id", "simulated"), *_LIMITS]
    if status == 429 and retry_after is not None:
        headers.append(("retry-after", f"{retry_after:g}"))
    return json_reply(body, status=status, headers=tuple(headers))


def _unprocessable(kind: str, location: tuple[str | int, ...], said: str) -> RefusalError:
    detail = {"type": kind, "loc": ["body", *location], "msg": said, "input": None}
    return RefusalError(_error(422, {"detail": [detail]}, "invalid_request_error", None))


def _out_of_order(said: str) -> RefusalError:
    return RefusalError(_error(400, said, "invalid_request_message_order", "3230"))


def _message_refusals(messages: Sequence[MistralMessage]) -> Iterator[RefusalError]:
    if not messages:
        yield RefusalError(_error(400, "Conversation must have at least one message", "invalid_request_error", "3230"))
        return
    before = ""
    for index, message in enumerate(messages):
        yield from _shape_refusals(message, index)
        if before == "tool" and message.role not in {"tool", "assistant"}:
            yield _out_of_order(f"Unexpected role '{message.role}' after role 'tool'")
        if message.role == "tool" and before not in {"tool", "assistant"}:
            yield _out_of_order(f"Unexpected role 'tool' after role '{before or 'start'}'")
        before = message.role
    if before not in {"user", "tool"} and not (before == "assistant" and messages[-1].prefix):
        yield _out_of_order(
            f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {before}"
        )


def _chunk_refusals(message: MistralMessage, where: tuple[str | int, ...]) -> Iterator[RefusalError]:
    """Content of a kind that there is; thinking is the assistant's own, a list, and has no further members."""
    for number, chunk in enumerate(message.content if isinstance(message.content, list) else ()):
        place, kind = (*where, "content", number), str(chunk.get("type"))
        if kind not in _CHUNKS or (kind == "thinking" and message.role != "assistant"):
            yield _unprocessable("union_tag_invalid", place, f"Input tag '{kind}' is unknown")
        elif kind == "thinking" and not isinstance(chunk.get("thinking"), list):
            yield _unprocessable("list_type", (*place, "thinking"), "Input should be a valid list")
        elif kind == "thinking":
            for extra in sorted(chunk.keys() - {"type", "thinking", "signature", "closed"}):
                yield _unprocessable("extra_forbidden", (*place, extra), "Extra inputs are not permitted")


def _shape_refusals(message: MistralMessage, index: int) -> Iterator[RefusalError]:
    where = ("messages", index, message.role)
    yield from _chunk_refusals(message, where)
    if message.role not in {"system", "user", "assistant", "tool"}:
        yield _unprocessable("union_tag_invalid", ("messages", index), f"Input tag '{message.role}' is unknown")
    if message.name is not None and message.role != "tool":
        yield _unprocessable("extra_forbidden", (*where, "name"), "Extra inputs are not permitted")
    if message.role == "assistant" and not message.content and not message.tool_calls:
        yield RefusalError(
            _error(
                400,
                "Assistant message must have either content or tool_calls, but not none.",
                "invalid_request_error",
                "3240",
            )
        )
    ids = [call.id for call in message.tool_calls or ()]
    if message.role == "tool":
        ids.append(message.tool_call_id or "")
    for identifier in ids:
        if _ID.fullmatch(identifier) is None:
            said = f"Tool call id was {identifier} but must be a-z, A-Z, 0-9, with a length of 9."
            yield RefusalError(_error(400, said, "invalid_function_call", "3280"))
