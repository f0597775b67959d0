"""Encode a canonical request as a responses body, by the target's traits alone.

Nothing is left with the provider (`store` is false): what a later turn needs of this one comes back with the caller,
thinking as encrypted content. Fields come in a fixed order, so the same request gives the same bytes.
"""

from __future__ import annotations

from proxyctl.core.chat import ChatRequest, JsonFormat, Tool, ToolChoice
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.choice import OPENAI_MODES, put_openai_choice
from proxyctl.dialects.emptied import system_as_user
from proxyctl.dialects.history import repaired
from proxyctl.dialects.json_schema import tool_schema
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.openai_responses.outgoing import ItemWriter
from proxyctl.dialects.sampling import clamped_output, clamped_temperature, instructions_for_json, put_openai_wishes
from proxyctl.dialects.thinking import fitted_effort
from proxyctl.dialects.traits import ModelTraits

_LEAST_OUTPUT = 16
_NO_ARGUMENTS = {"type": "object", "properties": {}}


def encode_request(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    """Raises `UnsupportedError` for what must be refused, not dropped."""
    names = ToolNames.of(request.tools, traits, losses)
    custom = frozenset(tool.name for tool in request.tools if tool.kind == "custom")
    body: Fields = {"model": request.model}
    system = [part.text for part in request.system if part.text]
    options: Fields = {}
    if request.tools:
        if not traits.tools:
            raise UnsupportedError("this model takes no tools", param="tools")
        options["tools"] = [_tool(tool, names) for tool in request.tools]
        system += put_openai_choice(
            options, request, traits, names, losses, lambda choice: _chosen(choice, names, custom)
        )
    system += _format(options, request.format, traits, losses)
    _limits(options, request, traits, losses)
    _reasoning(options, request, traits, losses)
    put_openai_wishes(options, request)
    items = ItemWriter(traits, names, custom, losses).write(repaired(request.messages, losses))
    if not items:
        system_as_user(request, losses)
        items, system = [{"role": "user", "content": "\n\n".join(system)}], []
    if system:
        body["instructions"] = "\n\n".join(system)
    body["input"] = items
    return {**body, "store": False, **options}


def _tool(tool: Tool, names: ToolNames) -> Fields:
    name = names.forward(tool.name)
    said: Fields = {} if tool.description is None else {"description": tool.description}
    if tool.kind == "custom":
        return {"type": "custom", "name": name, **said}
    schema = tool_schema(tool.schema) or _NO_ARGUMENTS
    # This endpoint reads a missing `strict` as true, and strict schemas are another language.
    return {"type": "function", "name": name, **said, "parameters": schema, "strict": bool(tool.strict)}


def _chosen(choice: ToolChoice, names: ToolNames, custom: frozenset[str]) -> Fields | str:
    if choice.mode == "tool":
        return _named(choice.name or "", names, custom)
    mode = OPENAI_MODES[choice.mode]
    if not choice.allowed or mode == "none":
        return mode
    return {"type": "allowed_tools", "mode": mode, "tools": [_named(name, names, custom) for name in choice.allowed]}


def _named(name: str, names: ToolNames, custom: frozenset[str]) -> Fields:
    return {"type": "custom" if name in custom else "function", "name": names.forward(name)}


def _format(options: Fields, wanted: JsonFormat | None, traits: ModelTraits, losses: Losses) -> list[str]:
    if wanted is None:
        return []
    if wanted.schema is None:
        options["text"] = {"format": {"type": "json_object"}}
        return []
    if not traits.json_schema:
        losses.add("response_format", "the target takes no schema: JSON mode, and the schema in words")
        options["text"] = {"format": {"type": "json_object"}}
        return [instructions_for_json(wanted)]
    schema: Fields = {"type": "json_schema", "name": wanted.name, "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    if wanted.description is not None:
        schema["description"] = wanted.description
    options["text"] = {"format": schema}
    return []


def _limits(options: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> None:
    limit = clamped_output(request, traits, losses)
    if limit is not None:
        if limit < _LEAST_OUTPUT:
            losses.add("max_tokens", f"{limit} became {_LEAST_OUTPUT}: the least that the target takes")
        options["max_output_tokens"] = max(limit, _LEAST_OUTPUT)
    sampling = {
        "temperature": clamped_temperature(request, traits, losses) if traits.sampling else request.temperature,
        "top_p": request.top_p,
    }
    for name, value in sampling.items():
        if value is not None and traits.sampling:
            options[name] = value
        elif value is not None:
            losses.add(name, "the target does not take it")
    unsaid = {
        "top_k": request.top_k,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop": request.stop,
    }
    for name, wanted in unsaid.items():
        if wanted:
            losses.add(name, "it cannot be said in the target's dialect")
    if request.seed is not None:
        losses.add("seed", "it cannot be said in the target's dialect")


def _reasoning(options: Fields, request: ChatRequest, traits: ModelTraits, losses: Losses) -> None:
    """Ask for thinking, and for its proof whenever there may be some: without it the next turn starts afresh."""
    reasoning = request.reasoning
    if traits.thinking == "none":
        if reasoning is not None and (reasoning.effort not in (None, "off") or reasoning.budget):
            losses.add("reasoning effort", "the model cannot be asked to think")
        return
    options["include"] = ["reasoning.encrypted_content"]
    if reasoning is None:
        return
    asked: Fields = {}
    effort = fitted_effort(reasoning, traits, losses)
    if effort is not None:
        asked["effort"] = "none" if effort == "off" else effort
    if reasoning.visible and effort != "off":
        asked["summary"] = "auto"
    if asked:
        options["reasoning"] = asked
