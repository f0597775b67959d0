"""Encode a canonical request as a messages body, by the target's traits alone.

Fields come in a fixed order and nothing depends on the moment, so the same request gives the same bytes: this
provider caches by prefix.
"""

from __future__ import annotations

from proxyctl.core.chat import (
    ChatRequest,
    Message,
    Reasoning,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.anthropic_messages.cache import limit_marks, mark
from proxyctl.dialects.anthropic_messages.outgoing import encode_messages
from proxyctl.dialects.anthropic_messages.schema import closed_schema
from proxyctl.dialects.base import Fields
from proxyctl.dialects.choice import allowed_tools, forced_tool_sentence
from proxyctl.dialects.emptied import system_as_user
from proxyctl.dialects.history import repaired, without_mid_system
from proxyctl.dialects.json_schema import tool_schema
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.sampling import clamped_output, clamped_temperature, instructions_for_json
from proxyctl.dialects.thinking import budget_of, fitted_effort
from proxyctl.dialects.traits import ModelTraits

WHOLE_ANSWER_LIMIT = 21_333
"""Output tokens that a whole answer can bring before connections are cut (ten minutes, the vendor SDK's own rule)."""

_NO_ARGUMENTS = {"type": "object", "properties": {}}


def encode_request(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    """Raises `UnsupportedError` for what must be refused, not dropped."""
    names = ToolNames.of(request.tools, traits, losses)
    tools = allowed_tools(request, losses)
    history = repaired(request.messages, losses)
    if not traits.mid_system:
        history = without_mid_system(history, losses)
    sentences: list[str] = []
    body: Fields = {"model": request.model, "max_tokens": _max_tokens(request, traits, losses)}
    _thinking(body, request, history, traits, losses)
    _tools(body, tools, history, traits, names, losses)
    if tools:
        sentences += _tool_choice(body, request, traits, names, losses)
    sentences += _format(body, request, traits, losses)
    _sampling(body, request, traits, losses)
    if request.stop:
        body["stop_sequences"] = _stop(request, losses)
    if request.user:
        body["metadata"] = {"user_id": request.user}
    _service_tier(body, request, losses)
    if request.stream:
        body["stream"] = True
    _conversation(body, request, history, sentences, traits, names, losses)
    limit_marks(body)
    return body


def _conversation(
    body: Fields,
    request: ChatRequest,
    history: tuple[Message, ...],
    sentences: list[str],
    traits: ModelTraits,
    names: ToolNames,
    losses: Losses,
) -> None:
    system: list[Fields] = [
        mark({"type": "text", "text": part.text}, part.cache_ttl) for part in request.system if part.text.strip()
    ]
    system += [{"type": "text", "text": sentence} for sentence in sentences]
    messages = encode_messages(history, traits, names, losses)
    if not messages:
        system_as_user(request, losses)
        messages, system = [{"role": "user", "content": system}], []
    if system:
        body["system"] = system
    body["messages"] = messages


def _max_tokens(request: ChatRequest, traits: ModelTraits, losses: Losses) -> int:
    limit = clamped_output(request, traits, losses)
    if limit is not None:
        return limit
    limit = traits.max_output or traits.default_max_output
    return limit if request.stream else min(limit, WHOLE_ANSWER_LIMIT)


def _thinking(
    body: Fields, request: ChatRequest, history: tuple[Message, ...], traits: ModelTraits, losses: Losses
) -> None:
    reasoning = request.reasoning
    if reasoning is None:
        return
    if traits.thinking == "none":
        if reasoning.effort not in (None, "off") or reasoning.budget:
            losses.add("reasoning effort", "the model cannot be asked to think")
    elif traits.thinking == "budget":
        _budget(body, request, reasoning, history, traits, losses)
    else:
        _adaptive(body, reasoning, traits, losses)


def _adaptive(body: Fields, reasoning: Reasoning, traits: ModelTraits, losses: Losses) -> None:
    """The model decides how long to think; an effort is a hint."""
    effort = fitted_effort(reasoning, traits, losses)
    wants_off = reasoning.effort == "off" or reasoning.budget == 0
    if wants_off and effort == "off":
        body["thinking"] = {"type": traits.thinking_off_type}
        return
    body["thinking"] = {"type": "adaptive"}
    if reasoning.visible is not None:
        body["thinking"]["display"] = "summarized" if reasoning.visible else "omitted"
    if effort is not None and effort != "off":
        body["output_config"] = {"effort": effort}


def _budget(
    body: Fields,
    request: ChatRequest,
    reasoning: Reasoning,
    history: tuple[Message, ...],
    traits: ModelTraits,
    losses: Losses,
) -> None:
    """A budget must fit below `max_tokens`, and an open tool loop must carry the thinking that began it."""
    budget = budget_of(reasoning, traits)
    if budget is None:
        return
    if budget == 0:
        body["thinking"] = {"type": "disabled"}
        return
    if _loop_without_thinking(history):
        losses.add("thinking", "the open tool loop has no signed thinking to continue from: not asked for")
        return
    room = body["max_tokens"] - 1
    if request.max_output is None and budget > room:
        body["max_tokens"] = room = budget + traits.default_max_output
    if room < traits.thinking_budget_min:
        losses.add("thinking", f"max_tokens leaves no room for {traits.thinking_budget_min} tokens of thinking")
        return
    if budget > room:
        losses.add("thinking.budget_tokens", f"{budget} became {room}: it must be below max_tokens")
    body["thinking"] = {"type": "enabled", "budget_tokens": min(budget, room)}


def _loop_without_thinking(history: tuple[Message, ...]) -> bool:
    """Whether it ends in a tool loop in which nobody has thought: one thinking anywhere in it is enough."""
    answers = False
    for message in reversed(history):
        if any(isinstance(part, ToolResultPart) for part in message.parts):
            answers = True
        elif message.role == "user":
            break
        elif message.role == "assistant" and (not answers or _begins_with_own_thinking(message)):
            return False
    return answers


def _begins_with_own_thinking(message: Message) -> bool:
    first = next((part for part in message.parts if not isinstance(part, TextPart)), None)
    if not isinstance(first, ThinkingPart):
        return False
    return first.redacted is not None or (
        first.signature is not None and first.signature.origin == "anthropic-messages"
    )


def _tools(
    body: Fields,
    tools: tuple[Tool, ...],
    history: tuple[Message, ...],
    traits: ModelTraits,
    names: ToolNames,
    losses: Losses,
) -> None:
    if tools and not traits.tools:
        raise UnsupportedError("this model takes no tools", param="tools")
    if tools:
        body["tools"] = [_tool(tool, names, losses, f"tools[{index}]") for index, tool in enumerate(tools)]
        return
    called = {
        names.forward(part.name): None
        for message in history
        for part in message.parts
        if isinstance(part, ToolCallPart)
    }
    if called:  # a history with tool blocks is refused when no tools are declared
        body["tools"] = [{"name": name, "input_schema": _NO_ARGUMENTS} for name in called]
        body["tool_choice"] = {"type": "none"}


def _tool(tool: Tool, names: ToolNames, losses: Losses, path: str) -> Fields:
    declared: Fields = {"name": names.forward(tool.name)}
    if tool.description is not None:
        declared["description"] = tool.description
    schema = tool_schema(tool.schema) or _NO_ARGUMENTS
    if tool.strict:
        declared["input_schema"] = closed_schema(schema, losses, f"{path}.parameters")
        declared["strict"] = True
    else:
        declared["input_schema"] = schema
    return mark(declared, tool.cache_ttl)


def _tool_choice(
    body: Fields, request: ChatRequest, traits: ModelTraits, names: ToolNames, losses: Losses
) -> list[str]:
    """Write the choice; returns the sentences that stand in for a choice that the model refuses."""
    choice = request.tool_choice
    sentences: list[str] = []
    chosen: Fields | None = None
    if choice is not None and choice.mode in ("any", "tool"):
        thinks = body.get("thinking", {}).get("type") == "enabled"
        if thinks or not traits.forced_tool_choice:
            losses.add("tool_choice", "the model refuses a forced choice: asked for in words")
            sentences.append(forced_tool_sentence(choice, names))
            chosen = {"type": "auto"}
        elif choice.mode == "any":
            chosen = {"type": "any"}
        else:
            chosen = {"type": "tool", "name": names.forward(choice.name or "")}
    elif choice is not None:
        chosen = {"type": choice.mode}
    if request.parallel_tool_calls is False and (chosen is None or chosen["type"] != "none"):
        chosen = {**(chosen or {"type": "auto"}), "disable_parallel_tool_use": True}
    if chosen is not None:
        body["tool_choice"] = chosen
    return sentences


def _format(body: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> list[str]:
    wanted = request.format
    if wanted is None:
        return []
    if not wanted.schema or not traits.json_schema:
        losses.add("response_format", "the target cannot be told to answer in this format: asked for in words")
        return [instructions_for_json(wanted)]
    schema = closed_schema(wanted.schema, losses, "response_format")
    body["output_config"] = {**body.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
    return []


def _sampling(body: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> None:
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    takes = traits.sampling and not thinks
    wanted = {
        "temperature": clamped_temperature(request, traits, losses) if takes else request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
    }
    for name, value in wanted.items():
        if value is None:
            continue
        if not takes:
            losses.add(name, "a thinking model does not take it" if thinks else "the model does not take it")
        elif name == "top_p" and "temperature" in body and not traits.temperature_with_top_p:
            losses.add(name, "the model takes it only without a temperature")
        else:
            body[name] = value
    for name, value in (
        ("frequency_penalty", request.frequency_penalty),
        ("presence_penalty", request.presence_penalty),
    ):
        if value:
            losses.add(name, "the target does not take it")
    if request.seed is not None:
        losses.add("seed", "the target does not take it")


def _stop(request: ChatRequest, losses: Losses) -> list[str]:
    kept = [sequence for sequence in request.stop if sequence.strip()]
    if len(kept) != len(request.stop):
        losses.add("stop", "the target takes no stop sequence of white space only")
    return kept


def _service_tier(body: Fields, request: ChatRequest, losses: Losses) -> None:
    if request.service_tier is None:
        return
    tier = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}.get(request.service_tier)
    if tier is None:
        losses.add("service_tier", f"the target has no tier {request.service_tier!r}")
    else:
        body["service_tier"] = tier
