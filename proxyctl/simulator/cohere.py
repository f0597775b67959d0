"""Cohere v2, native: its own request, its own events, counts that are floats (wire notes 2026-11)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from typing_extensions import override

from proxyctl.simulator import side_cohere
from proxyctl.simulator.chat_request import Content, image_of, text_of
from proxyctl.simulator.faults import Fault
from proxyctl.simulator.http_server import HttpRequest
from proxyctl.simulator.models import COHERE, Model, find
from proxyctl.simulator.provider import SimulatedProvider, accepted, bearer, seed_of, text_in
from proxyctl.simulator.reply import EVENT_STREAM, Reply, event_frame, json_reply
from proxyctl.simulator.script import Manner, Question, Script, Tool, ToolResult
from proxyctl.simulator.violations import explain

_TOOL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEMPLATE_TOKENS = 60  # what the chat template adds to the true size, beyond what is billed
_FINISH = {
    "stop": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tool": "TOOL_CALL",
    "blocked": "ERROR",
}


class CohereMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant", "tool"]
    content: Content = None
    tool_plan: str | None = None
    tool_calls: Sequence["CohereToolCall"] | None = None
    tool_call_id: str | None = None
    citations: list[Any] | None = None


class CohereFunction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: str = ""


class CohereToolCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    function: CohereFunction
    id: str
    type: Literal["function"] = "function"


class CohereDeclared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    parameters: dict[str, Any]
    description: str | None = None


class CohereTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    function: CohereDeclared
    type: Literal["function"] = "function"


class CohereRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    messages: list[CohereMessage]
    stream: bool = False
    tools: list[CohereTool] | None = None
    strict_tools: bool | None = None
    documents: list[Any] | None = None
    citation_options: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    safety_mode: str | None = None
    max_tokens: int | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    k: float | None = None
    p: float | None = None
    logprobs: bool | None = None
    tool_choice: Literal["REQUIRED", "NONE"] | None = None
    thinking: dict[str, Any] | None = None
    priority: int | None = None


class Cohere(SimulatedProvider):
    name = "cohere"

    @override
    def answer(self, request: HttpRequest, path: str, manner: Manner) -> Reply:
        token = bearer(request.headers)
        if not token:
            raise self.refuse(401, "no api key supplied")
        if not accepted(token):
            raise self.refuse(498, "invalid api token")
        match request.method, path:
            case "POST", "/v2/chat":
                return self._chat(request, manner)
            case "POST", "/v2/embed":
                return side_cohere.embed(self, request)
            case "POST", "/v2/rerank":
                return side_cohere.rerank(self, request)
            case "POST", "/v2/audio/transcriptions":
                return side_cohere.transcribe(self, request)
            case "GET", "/v1/models":
                return self._list(request)
            case "GET", _ if path.startswith("/v1/models/"):
                return json_reply(_entry(self._known(path.removeprefix("/v1/models/"))))
            case _:
                raise self.refuse(404, f"page not found: {path}")

    @override
    def failure(self, status: int, message: str | None = None, fault: Fault | None = None) -> Reply:
        """`{"message","id"}`."""
        headers: tuple[tuple[str, str], ...] = ()
        if fault is not None and fault.retry_after is not None:
            headers = (("retry-after", f"{fault.retry_after:g}"),)
        body = {"message": message or f"simulated failure {status}", "id": f"sim-{status}"}
        return json_reply(body, status=status, headers=headers)

    @override
    def error_frame(self, fault: Fault) -> bytes:
        """A stream that fails ends with a message-end of its own."""
        error = fault.message or "simulated failure"
        return event_frame("message-end", {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": error}})

    def _known(self, name: str) -> Model:
        model = find(COHERE, name)
        if model is None:
            raise self.refuse(404, f"model '{name}' not found, make sure the correct model ID was used")
        return model

    def _list(self, request: HttpRequest) -> Reply:
        size = int(request.query.get("page_size", "20"))
        start = int(request.query.get("page_token", "0"))
        page = COHERE[start : start + size]
        value: dict[str, Any] = {"models": [_entry(model) for model in page]}
        if start + size < len(COHERE):
            value["next_page_token"] = str(start + size)
        return json_reply(value)

    def _chat(self, raw: HttpRequest, manner: Manner) -> Reply:
        try:
            request = msgspec.json.decode(raw.body, type=CohereRequest)
        except msgspec.ValidationError as exc:
            raise self._invalid(exc) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.refuse(400, "invalid request: body is not valid JSON") from None
        model = self._known(request.model)
        for said in complaints(request):
            raise self.refuse(400, f"invalid request: {said}")
        script = self.compose(_question(request, model, seed_of(raw.body)), manner)
        if script.tally.prompt > model.context:
            raise self.refuse(
                400, f"too many tokens: size limit exceeded by {script.tally.prompt - model.context} tokens."
            )
        identifier = self.next_id(script.seed)
        if request.stream:
            return Reply(
                status=200,
                headers=EVENT_STREAM,
                frames=tuple(events(script, identifier)),
                tally=script.tally,
                model=request.model,
            )
        value = {
            "id": identifier,
            "finish_reason": _finish(script),
            "message": _message(script),
            "usage": _usage(script),
        }
        return json_reply(value, tally=script.tally, model=request.model)

    def _invalid(self, exc: msgspec.ValidationError) -> Exception:
        violation = explain(exc)
        if violation.kind == "unknown":
            return self.refuse(422, f"unknown field: parameter '{violation.field}' is not a valid field")
        return self.refuse(400, f"invalid request: {violation.message} at '{violation.dotted}'")


def complaints(request: CohereRequest) -> Iterator[str]:
    """The documented rules, each broken one in words."""
    if not request.messages:
        yield "messages must not be empty"
    yield from _message_complaints(request.messages)
    yield from _range_complaints(request)
    names = [tool.function.name for tool in request.tools or ()]
    for name in names:
        if _TOOL_NAME.fullmatch(name) is None:
            yield f"tool name '{name}' must only contain letters, numbers and underscores, not starting with a number"
    if request.tool_choice is not None and not names:
        yield "tool_choice may only be specified with tools"
    for tool in request.tools or ():
        if request.strict_tools and not tool.function.parameters.get("required"):
            yield "strict_tools: each tool needs at least one required parameter"
    yield from _format_complaints(request)


def _format_complaints(request: CohereRequest) -> Iterator[str]:
    if request.response_format is None or request.response_format.get("type") == "text":
        return
    if request.tools or request.documents:
        yield "response_format is not supported with tools or documents"
    schema = request.response_format.get("json_schema", request.response_format.get("schema"))
    if isinstance(schema, dict) and not schema.get("required"):
        yield "response_format: schema must have at least one required property"


def _message_complaints(messages: list[CohereMessage]) -> Iterator[str]:
    waiting: set[str] = set()
    seen: set[str] = set()
    for index, message in enumerate(messages):
        if message.role == "system" and index:
            yield "system message must be first"
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                yield f"tool_call_id '{message.tool_call_id}' not found in the previous tool calls"
            waiting.discard(message.tool_call_id or "")
        elif waiting:
            yield f"tool calls without a result: {', '.join(sorted(waiting))}"
        elif not message.content and not message.tool_calls:
            yield f"messages[{index}]: message must not be empty"
        for call in message.tool_calls or ():
            if call.id in seen:
                yield f"tool call id '{call.id}' is not unique"
            seen.add(call.id)
            waiting.add(call.id)
    if waiting:
        yield f"tool calls without a result: {', '.join(sorted(waiting))}"


def _range_complaints(request: CohereRequest) -> Iterator[str]:
    ranges: tuple[tuple[str, float | None, float, float], ...] = (
        ("temperature", request.temperature, 0, 1),
        ("frequency_penalty", request.frequency_penalty, 0, 1),
        ("presence_penalty", request.presence_penalty, 0, 1),
        ("k", request.k, 0, 500),
        ("p", request.p, 0.01, 0.99),
    )
    for name, value, low, high in ranges:
        if value is not None and not low <= value <= high:
            yield f"{name} must be between {low} and {high} inclusive"
    if request.frequency_penalty and request.presence_penalty:
        yield "only one of frequency_penalty and presence_penalty may be set"
    if len(request.stop_sequences or ()) > 5:
        yield "too many stop_sequences: at most 5"


def _question(request: CohereRequest, model: Model, seed: str) -> Question:
    asked = next((message for message in reversed(request.messages) if message.role == "user"), None)
    content = asked.content if asked is not None else None
    thinking = (request.thinking or {}).get("type")
    response_format = request.response_format or {}
    schema = response_format.get("json_schema", response_format.get("schema"))
    return Question(
        model=request.model,
        user_text=text_of(content),
        prompt="".join(
            [
                text_of(message.content) + text_in(msgspec.to_builtins(message.tool_calls))
                for message in request.messages
            ]
        )
        + text_in(msgspec.to_builtins(request.tools)),
        seed=seed,
        images=tuple(image for part in content if (image := image_of(part))) if isinstance(content, list) else (),
        tools=tuple(Tool(tool.function.name, tool.function.parameters) for tool in request.tools or ()),
        results=_results(request.messages),
        choice={"REQUIRED": "any", "NONE": "none"}.get(request.tool_choice or "", "auto"),
        max_tokens=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
        schema=schema if isinstance(schema, dict) else None,
        json_object=response_format.get("type") == "json_object",
        thinks=bool(model.thinking) and (thinking == "enabled" or (thinking is None and model.thinks_by_default)),
    )


def _results(messages: list[CohereMessage]) -> tuple[ToolResult, ...]:
    names = {call.id: call.function.name for message in messages for call in message.tool_calls or ()}
    results: list[ToolResult] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        parts = message.content if isinstance(message.content, list) else []
        documents = "".join([text_in(part.get("document")) for part in parts])
        results.append(ToolResult(names.get(message.tool_call_id or "", "tool"), text_of(message.content) or documents))
    return tuple(reversed(results))


def _finish(script: Script) -> str:
    return script.reason or _FINISH[script.finish]


def _calls(script: Script) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{call.name}_{script.seed[:12]}{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.json},
        }
        for index, call in enumerate(script.calls)
    ]


def _message(script: Script) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if script.thoughts:
        content.append({"type": "thinking", "thinking": script.thinking})
    if script.text:
        content.append({"type": "text", "text": script.text})
    message: dict[str, Any] = {"role": "assistant"}
    if content:
        message["content"] = content
    if script.calls:
        message["tool_plan"] = script.preamble
        message["tool_calls"] = _calls(script)
    return message


def _usage(script: Script) -> dict[str, Any]:
    """`tokens` is the true size, template included; `billed_units` what is paid."""
    tally = script.tally
    return {
        "billed_units": {"input_tokens": float(tally.prompt), "output_tokens": float(tally.output)},
        "tokens": {"input_tokens": float(tally.prompt + _TEMPLATE_TOKENS), "output_tokens": float(tally.output)},
        "cached_tokens": float(tally.cached),
    }


def events(script: Script, identifier: str) -> Iterator[bytes]:
    """The stream: message-start, contents, tool plan and calls, message-end."""
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _event("message-start", id=identifier, delta={"message": empty})
    index = 0
    for kind, field, pieces in (("thinking", "thinking", script.thoughts), ("text", "text", script.pieces)):
        if not pieces:
            continue
        yield _event("content-start", index=index, delta={"message": {"content": {"type": kind, field: ""}}})
        for piece in pieces:
            yield _event("content-delta", index=index, delta={"message": {"content": {field: piece}}})
        yield _event("content-end", index=index)
        index += 1
    if script.calls:
        yield _event("tool-plan-delta", delta={"message": {"tool_plan": script.preamble}})
    for number, call in enumerate(_calls(script)):
        yield from _call_events(number, call)
    yield _event("message-end", delta={"finish_reason": _finish(script), "usage": _usage(script)})


def _call_events(index: int, call: dict[str, Any]) -> Iterator[bytes]:
    arguments = call["function"]["arguments"]
    half = len(arguments) // 2
    opened = {**call, "function": {**call["function"], "arguments": ""}}
    yield _event("tool-call-start", index=index, delta={"message": {"tool_calls": opened}})
    for fragment in (arguments[:half], arguments[half:]):
        delta = {"message": {"tool_calls": {"function": {"arguments": fragment}}}}
        yield _event("tool-call-delta", index=index, delta=delta)
    yield _event("tool-call-end", index=index)


def _event(kind: str, **members: Any) -> bytes:
    return event_frame(kind, {"type": kind, **members})


def _entry(model: Model) -> dict[str, Any]:
    return {
        "name": model.id,
        "endpoints": ["chat"],
        "finetuned": False,
        "context_length": float(model.context),
        "tokenizer_url": "",
        "default_endpoints": [],
        "features": ["tools", "json_mode", *(["reasoning"] if model.thinking else [])],
    }
