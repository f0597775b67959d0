"""Encode a canonical request as a chat-completions body, by the target's traits alone.

`stream_options` is not written here: whether a stream must be asked for its usage is the provider's fact, and the
gateway adds it in both lanes alike. Fields come in a fixed order, so the same request gives the same bytes.
"""

from __future__ import annotations

from proxyctl.core.chat import ChatRequest, JsonFormat, TextPart, Tool, ToolChoice
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.choice import OPENAI_MODES, offered_tools, put_openai_choice
from proxyctl.dialects.emptied import only_system
from proxyctl.dialects.history import repaired, without_mid_system
from proxyctl.dialects.json_schema import tool_schema
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.openai_chat.outgoing import encode_messages
from proxyctl.dialects.sampling import clamped_output, clamped_temperature, instructions_for_json, put_openai_wishes
from proxyctl.dialects.thinking import fitted_effort
from proxyctl.dialects.traits import ModelTraits

_NO_ARGUMENTS = {"type": "object", "properties": {}}


def encode_request(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    """Raises `UnsupportedError` for what must be refused, not dropped."""
    names = ToolNames.of(request.tools, traits, losses)
    tools = offered_tools(request, traits, losses)
    body: Fields = {"model": request.model, "messages": []}
    extra_system: list[str] = []
    if tools:
        body["tools"] = _tools(tools, traits, names)
        extra_system += put_openai_choice(body, request, traits, names, losses, lambda choice: _chosen(choice, names))
    extra_system += _format(body, request.format, traits, losses, has_tools=bool(tools))
    _limits(body, request, traits, losses)
    _sampling(body, request, traits, losses)
    _reasoning(body, request, traits, losses)
    put_openai_wishes(body, request)
    messages = repaired(request.messages, losses)
    if not traits.mid_system:
        messages = without_mid_system(messages, losses)
    system = (*request.system, *(TextPart(text=text) for text in extra_system))
    body["messages"] = encode_messages(system, messages, traits, names, losses)
    if len(body["messages"]) == any(part.text for part in system):  # the system's message, at most
        only_system(request)
    return body


def _tools(tools: tuple[Tool, ...], traits: ModelTraits, names: ToolNames) -> list[Fields]:
    if not traits.tools:
        raise UnsupportedError("this model takes no tools", param="tools")
    return [{"type": "function", "function": _function(tool, names)} for tool in tools]


def _function(tool: Tool, names: ToolNames) -> Fields:
    function: Fields = {"name": names.forward(tool.name)}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool_schema(tool.schema) or _NO_ARGUMENTS
    if tool.strict is not None:
        function["strict"] = tool.strict
    return function


def _chosen(choice: ToolChoice, names: ToolNames) -> Fields | str:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": names.forward(choice.name or "")}}
    return OPENAI_MODES[choice.mode]


def _format(
    body: Fields, wanted: JsonFormat | None, traits: ModelTraits, losses: Losses, *, has_tools: bool
) -> list[str]:
    if wanted is None:
        return []
    if has_tools and not traits.json_schema_with_tools:
        losses.add("response_format", "the target takes no format together with tools: asked for in words")
        return [instructions_for_json(wanted)]
    if wanted.schema is None:
        body["response_format"] = {"type": "json_object"}
        return []
    if not traits.json_schema:
        losses.add("response_format", "the target takes no schema: JSON mode, and the schema in words")
        body["response_format"] = {"type": "json_object"}
        return [instructions_for_json(wanted)]
    schema: Fields = {"name": wanted.name, "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    if wanted.description is not None:
        schema["description"] = wanted.description
    body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return []


def _limits(body: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> None:
    limit = clamped_output(request, traits, losses)
    if limit is not None:
        body[traits.max_tokens_field] = limit
    if request.stop and not traits.stop:
        losses.add("stop", "the target does not take it")
    elif request.stop:
        if traits.stop_limit is not None and len(request.stop) > traits.stop_limit:
            raise UnsupportedError(f"the target takes at most {traits.stop_limit} stop sequences", param="stop")
        body["stop"] = list(request.stop)


def _sampling(body: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> None:
    wanted = {
        "temperature": clamped_temperature(request, traits, losses) if traits.sampling else request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
    }
    refused: set[str] = set() if traits.sampling else {"temperature", "top_p", "top_k"}
    if not traits.top_k:
        refused.add("top_k")
    if not traits.penalties:
        refused |= {"frequency_penalty", "presence_penalty"}
    for name, value in wanted.items():
        if value is None:
            continue
        if name not in refused:
            body[name] = value
        elif value or not name.endswith("penalty"):
            losses.add(name, "the target does not take it")
    if request.seed is not None and traits.seed:
        body["seed"] = request.seed
    elif request.seed is not None:
        losses.add("seed", "the target does not take it")


def _reasoning(body: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> None:
    if traits.reasoning_format is not None:
        body["reasoning_format"] = traits.reasoning_format
    if request.reasoning is None:
        return
    if traits.thinking == "none":
        if request.reasoning.effort not in (None, "off") or request.reasoning.budget:
            losses.add("reasoning effort", "the model cannot be asked to think")
        return
    effort = fitted_effort(request.reasoning, traits, losses)
    if effort is not None:
        body["reasoning_effort"] = "none" if effort == "off" else effort
