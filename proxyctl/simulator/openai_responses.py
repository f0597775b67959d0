"""OpenAI's `/responses`, strictly: input items, the event grammar, what is stored (wire notes 2026-11).

Refused are unknown top-level fields, ids without their kind's prefix, outputs that answer no call, references to what
was not stored, too small limits, sampling while thinking. It shares no code with the gateway, which it judges.
"""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from proxyctl.simulator.models import Model
from proxyctl.simulator.provider import data_url_size, text_in
from proxyctl.simulator.reply import EVENT_STREAM, Reply, event_frame, json_reply
from proxyctl.simulator.script import Image, Question, Script, Tool, ToolResult

Json = dict[str, Any]
LEAST_OUTPUT = 16
_PREFIXES = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


class ResponsesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    model: str
    input: str | list[Json] = []
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    previous_response_id: str | None = None
    reasoning: Json | None = None
    text: Json | None = None
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    include: list[str] | None = None
    store: bool | None = None
    truncation: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    stream: bool | None = None
    stream_options: Json | None = None
    temperature: float | None = None
    top_p: float | None = None
    metadata: Json | None = None
    user: str | None = None
    conversation: str | Json | None = None
    background: bool | None = None
    prompt: Json | None = None
    prompt_cache_options: Json | None = None
    top_logprobs: int | None = None
    context_management: list[Json] | None = None
    client_metadata: Json | None = None

    @property
    def effort(self) -> str | None:
        return (self.reasoning or {}).get("effort")

    @property
    def items(self) -> list[Json]:
        return [{"role": "user", "content": self.input}] if isinstance(self.input, str) else self.input


def complaint(request: ResponsesRequest, items: list[Json], model: Model) -> tuple[str, str] | None:
    """What is wrong with a request, and which parameter; `items` is the whole conversation."""
    for index, tool in enumerate(request.tools or ()):
        if tool.get("type") in ("function", "custom") and not isinstance(tool.get("name"), str):
            return f"Missing required parameter: 'tools[{index}].name'.", f"tools[{index}].name"
        if tool.get("type") == "function" and "parameters" not in tool:
            return f"Missing required parameter: 'tools[{index}].parameters'.", f"tools[{index}].parameters"
    if request.max_output_tokens is not None and request.max_output_tokens < LEAST_OUTPUT:
        return f"Expected a value >= {LEAST_OUTPUT}.", "max_output_tokens"
    if request.effort is not None and request.effort not in model.thinking:
        return f"Unsupported value: '{request.effort}' is not supported with this model.", "reasoning.effort"
    if model.thinking and request.effort != "none":
        for name in ("temperature", "top_p"):
            if getattr(request, name) is not None:
                return f"Unsupported parameter: '{name}' is not supported with this model.", name
    return _item_complaint(items)


def _item_complaint(items: list[Json]) -> tuple[str, str] | None:
    open_calls: dict[str, str] = {}
    ids = [item["id"] for item in items if item.get("id") is not None]
    if twice := next((given for at, given in enumerate(ids) if given in ids[:at]), None):
        return f"Duplicate item found with id {twice}. Remove duplicate items from your input and try again.", "input"
    for index, item in enumerate(items):
        kind, path, call_id = item.get("type", "message"), f"input[{index}]", str(item.get("call_id"))
        if (wrong := _id_complaint(item, kind, path)) is not None:
            return wrong
        if kind in _CALLS:
            open_calls[call_id] = _CALLS[kind]
        elif kind in _CALLS.values() and open_calls.pop(call_id, None) != kind:
            return f"No tool call found for function call output with call_id {call_id}.", "input"
    if open_calls:
        return f"No tool output found for function call {next(iter(open_calls))}.", "input"
    return None


def _id_complaint(item: Json, kind: str, path: str) -> tuple[str, str] | None:
    prefix, given = _PREFIXES.get(kind), item.get("id")
    if prefix and given is not None and not str(given).startswith(prefix):
        return f"Invalid '{path}.id': '{given}'. Expected an ID that begins with '{prefix[:-1]}'.", f"{path}.id"
    if len(str(item.get("call_id", ""))) > 64:
        return "string too long. Expected a string with maximum length 64.", f"{path}.call_id"
    if kind == "reasoning" and not str(item.get("encrypted_content") or "rse_").startswith("rse_"):
        return "The encrypted content could not be verified.", f"{path}.encrypted_content"
    return None


def question_of(request: ResponsesRequest, items: list[Json], seed: str, *, thinks: bool) -> Question:
    asked = next((item for item in reversed(items) if item.get("role") == "user"), {})
    names = {item.get("call_id"): item.get("name", "tool") for item in items if item.get("type") in _CALLS}
    results = []
    for item in reversed(items):
        if item.get("type") not in _CALLS.values():
            break
        results.append(ToolResult(names.get(item.get("call_id"), "tool"), _text(item.get("output"))))
    wanted = (request.text or {}).get("format", {})
    choice = request.tool_choice or "auto"
    return Question(
        model=request.model,
        user_text=_text(asked.get("content")),
        prompt=(request.instructions or "") + text_in(items) + text_in(request.tools or []),
        seed=seed,
        images=tuple(_images(asked.get("content"))),
        tools=tuple(Tool(tool["name"], tool.get("parameters") or {}) for tool in request.tools or () if "name" in tool),
        results=tuple(reversed(results)),
        choice=f"tool:{choice.get('name')}" if isinstance(choice, dict) else {"required": "any"}.get(choice, choice),
        parallel=request.parallel_tool_calls is not False,
        max_tokens=request.max_output_tokens,
        schema=wanted.get("schema") if wanted.get("type") == "json_schema" else None,
        json_object=wanted.get("type") == "json_object",
        thinks=thinks,
    )


def _images(content: Any) -> Iterator[Image]:
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "input_image":
            yield Image(*data_url_size(part.get("image_url", "")))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or () if isinstance(part, dict))


class Answering:
    """One answer under way: its items, and the events that tell them."""

    def __init__(self, request: ResponsesRequest, script: Script, number: str) -> None:
        self.request = request
        self.script = script
        self._number = number
        self._sequence = 0
        self._output: list[Json] = []

    def response(self, status: str) -> Json:
        request, tally = self.request, self.script.tally
        usage = {
            "input_tokens": tally.prompt,
            "input_tokens_details": {"cached_tokens": tally.cached, "cache_write_tokens": 0},
            "output_tokens": tally.output,
            "output_tokens_details": {"reasoning_tokens": tally.thinking},
            "total_tokens": tally.total,
        }
        ended = status != "in_progress"
        cut = {"reason": "content_filter" if self.script.finish == "blocked" else "max_output_tokens"}
        return {
            "id": f"resp_{self._number}",
            "object": "response",
            "created_at": int(time.time()),
            "status": status,
            "error": None,
            "incomplete_details": cut if status == "incomplete" else None,
            "instructions": request.instructions,
            "metadata": request.metadata or {},
            "model": request.model,
            "output": list(self._output) if ended else [],
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "previous_response_id": request.previous_response_id,
            "reasoning": {"effort": request.effort, "summary": None},
            "store": request.store is not False,
            "temperature": request.temperature,
            "text": request.text or {"format": {"type": "text"}},
            "tool_choice": request.tool_choice or "auto",
            "tools": [{"strict": True, **tool} for tool in request.tools or ()],
            "top_p": request.top_p,
            "truncation": request.truncation or "disabled",
            "usage": usage if ended else None,
        }

    @property
    def status(self) -> str:
        return "incomplete" if self.script.finish in ("length", "blocked") else "completed"

    def frames(self) -> Iterator[bytes]:
        for kind in ("created", "in_progress"):
            yield self._event(kind, response=self.response("in_progress"))
        if self.script.thinking:
            yield from self._reasoning()
        if self.script.calls:
            for index, call in enumerate(self.script.calls):
                yield from self._call(index, call.name, call.json)
        elif self.script.pieces:
            yield from self._message()
        yield self._event(self.status, response=self.response(self.status))

    def reply(self) -> Reply:
        frames = tuple(self.frames())
        if self.request.stream:
            return Reply(
                status=200,
                headers=EVENT_STREAM,
                frames=frames,
                tally=self.script.tally,
                model=self.request.model,
                error_frame=self._failed,
            )
        return json_reply(self.response(self.status), tally=self.script.tally, model=self.request.model)

    def _failed(self, body: bytes, number: int) -> bytes:
        error = {"code": "server_error", "message": msgspec.json.decode(body)["error"]["message"]}
        self._sequence = number
        return self._event("failed", response={**self.response("failed"), "output": [], "error": error})

    def _event(self, kind: str, **members: Any) -> bytes:
        name = f"response.{kind}"
        number, self._sequence = self._sequence, self._sequence + 1
        return event_frame(name, {"type": name, "sequence_number": number, **members})

    def _place(self, item: Json) -> Json:
        return {"item_id": item["id"], "output_index": len(self._output)}

    def _done(self, item: Json) -> bytes:
        frame = self._event("output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)
        return frame

    def _added(self, item: Json) -> bytes:
        return self._event("output_item.added", output_index=len(self._output), item=item)

    def _reasoning(self) -> Iterator[bytes]:
        item: Json = {"id": f"rs_{self._number}", "type": "reasoning", "summary": []}
        yield self._added(item)
        if (self.request.reasoning or {}).get("summary"):
            where, part = {**self._place(item), "summary_index": 0}, {"type": "summary_text", "text": ""}
            yield self._event("reasoning_summary_part.added", **where, part=part)
            for piece in self.script.thoughts:
                yield self._event("reasoning_summary_text.delta", **where, delta=piece)
            part = {**part, "text": self.script.thinking}
            yield self._event("reasoning_summary_text.done", **where, text=self.script.thinking)
            yield self._event("reasoning_summary_part.done", **where, part=part)
            item = {**item, "summary": [part]}
        if "reasoning.encrypted_content" in (self.request.include or ()):
            item = {**item, "encrypted_content": f"rse_{self._number}"}
        yield self._done(item)

    def _call(self, index: int, name: str, arguments: str) -> Iterator[bytes]:
        item = {
            "id": f"fc_{self._number}{index}",
            "type": "function_call",
            "status": "in_progress",
            "call_id": f"call_{self._number[:20]}{index:04d}",
            "name": name,
            "arguments": "",
        }
        yield self._added(item)
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            yield self._event("function_call_arguments.delta", **self._place(item), delta=piece)
        yield self._event("function_call_arguments.done", **self._place(item), arguments=arguments)
        yield self._done({**item, "status": "completed", "arguments": arguments})

    def _message(self) -> Iterator[bytes]:
        item = {
            "id": f"msg_{self._number}",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        yield self._added(item)
        where, part = {**self._place(item), "content_index": 0}, {"type": "output_text", "text": "", "annotations": []}
        yield self._event("content_part.added", **where, part=part)
        for piece in self.script.pieces:
            yield self._event("output_text.delta", **where, delta=piece, logprobs=[])
        part = {**part, "text": self.script.text}
        yield self._event("output_text.done", **where, text=self.script.text, logprobs=[])
        yield self._event("content_part.done", **where, part=part)
        yield self._done({**item, "status": self.status, "content": [part]})
