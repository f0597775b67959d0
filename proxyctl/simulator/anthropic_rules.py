"""What Anthropic refuses in a Messages request: fields, versions, turns, tools, thinking (wire notes 2026-11).

`complaints` yields the text of a 400 invalid_request_error, the first broken rule first. It checks the body as plain
JSON values, because half of the rules are about members that must not be there.
"""

import re
from collections.abc import Iterator
from typing import Any

from proxyctl.simulator.anthropic_turns import turn_complaints
from proxyctl.simulator.models import Model

NEWEST = "2026-10-21"
VERSIONS = (NEWEST, "2023-06-01")
_FIELDS = {
    "model",
    "messages",
    "max_tokens",
    "system",
    "stop_sequences",
    "stream",
    "metadata",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "service_tier",
    "speed",
}
_SAMPLING = ("temperature", "top_p", "top_k")
# A beta field is known only with the header value that begins so.
_BETA_FIELDS = {
    "context_management": "context-management-",
    "mcp_servers": "mcp-client-",
    "compaction": "compact",
    "thread": "message-threads-",
    "fallbacks": "fallback",
    "fallback_credit_token": "fallback",
    "billing_policy": "billing-",
}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_FIELDS = {
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "defer_loading",
    "eager_input_streaming",
    "allowed_callers",
    "input_examples",
}
_SERVER_TOOL = re.compile(r"(?:[a-z_0-9]+_)?\d{8}$|.+_\d{8}$")
_EFFORTS = {"low", "medium", "high", "xhigh", "max"}
_MOST_BREAKPOINTS = 4
Json = dict[str, Any]


def complaints(body: Json, model: Model, version: str, betas: tuple[str, ...], *, counting: bool) -> Iterator[str]:
    yield from _field_complaints(body, model, version, betas, counting=counting)
    if not counting:
        yield from _limit_complaints(body, model)
    yield from _tool_complaints(body, model)
    yield from _thinking_complaints(body, model)
    yield from _output_complaints(body, model)
    yield from turn_complaints(body, model, version)
    yield from _format_complaints(body)
    if _breakpoints(body) > _MOST_BREAKPOINTS:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {_breakpoints(body)}."


def _field_complaints(
    body: Json, model: Model, version: str, betas: tuple[str, ...], *, counting: bool
) -> Iterator[str]:
    known = _FIELDS - {"max_tokens", "stream"} if counting else _FIELDS
    for name in body:
        if name in _BETA_FIELDS and any(beta.startswith(_BETA_FIELDS[name]) for beta in betas):
            continue
        if name in _SAMPLING and version != NEWEST:
            if model.generation >= 4.7:
                yield f"`{name}` is not supported on this model."
            continue
        if name not in known:
            yield f"{name}: Extra inputs are not permitted"
    if version != NEWEST and model.generation >= 4.5 and "temperature" in body and "top_p" in body:
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    temperature = body.get("temperature")
    if isinstance(temperature, int | float) and not 0 <= temperature <= 1:
        yield "temperature: range: 0..1"
    metadata = body.get("metadata")
    if metadata and metadata.keys() - {"user_id"}:
        yield f"metadata.{min(metadata.keys() - {'user_id'})}: Extra inputs are not permitted"


def _limit_complaints(body: Json, model: Model) -> Iterator[str]:
    limit = body.get("max_tokens")
    if limit is None:
        yield "max_tokens: Field required"
    elif not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        yield "max_tokens: Input should be a valid integer greater than or equal to 0"
    elif limit > model.output:
        yield (
            f"max_tokens: {limit} > {model.output}, which is the maximum allowed number of output tokens for {model.id}"
        )
    stops = body.get("stop_sequences") or []
    if any(not stop.strip() for stop in stops):
        yield "stop_sequences: each stop sequence must contain non-whitespace"
    if not isinstance(body.get("stream", False), bool):
        yield "stream: Input should be a valid boolean"


def _tool_complaints(body: Json, model: Model) -> Iterator[str]:
    tools = body.get("tools") or []
    for index, tool in enumerate(tools):
        yield from _one_tool_complaints(tool, f"tools.{index}")
    names = [tool.get("name") for tool in tools]
    if len(set(names)) != len(names):
        yield "tools: Tool names must be unique."
    if body.get("tool_choice") is not None:
        yield from _choice_complaints(body, body["tool_choice"], names, model)


def _choice_complaints(body: Json, choice: Any, names: list[Any], model: Model) -> Iterator[str]:
    kind = choice["type"]
    if kind not in {"auto", "any", "none", "tool"}:
        yield "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'none', 'tool'"
        return
    if not names:
        yield "tool_choice: may only be specified while providing tools"
    if kind == "tool" and choice.get("name") not in names:
        yield f"Tool '{choice.get('name')}' not found in provided tools"
    if kind in {"any", "tool"} and "no-forced-choice" in model.flags:
        yield f"tool_choice: forced tool use (`{kind}`) is not supported on this model."
    if kind in {"any", "tool"} and (body.get("thinking") or {}).get("type") == "enabled":
        yield "Thinking may not be enabled when tool_choice forces tool use."
    for extra in choice.keys() - {"type", "name", "disable_parallel_tool_use"}:
        yield f"tool_choice.{kind}.{extra}: Extra inputs are not permitted"


def _one_tool_complaints(tool: Json, place: str) -> Iterator[str]:
    kind = tool.get("type", "custom")
    if kind != "custom":
        if _SERVER_TOOL.fullmatch(str(kind)) is None:
            yield f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
        return
    if _TOOL_NAME.fullmatch(str(tool.get("name", ""))) is None:
        yield f"{place}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
    for extra in tool.keys() - _TOOL_FIELDS:
        yield f"{place}.custom.{extra}: Extra inputs are not permitted"
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        yield f"{place}.custom.input_schema: Field required"
    elif schema.get("type") != "object":
        yield f"{place}.custom.input_schema.type: Input should be 'object'"


def _thinking_complaints(body: Json, model: Model) -> Iterator[str]:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind, budget = thinking["type"], thinking.get("budget_tokens")
    if kind not in model.thinking:
        allowed = ", ".join(f"`{name}`" for name in model.thinking)
        yield f"thinking.type: `{kind}` is not supported on this model. Supported: {allowed}"
    if kind == "enabled":
        yield from _budget_complaints(body, budget)
    elif budget is not None:
        yield f"thinking.{kind}.budget_tokens: Extra inputs are not permitted"
    if thinking.get("display") not in {None, "omitted", "summarized", "updates"}:
        yield "thinking.display: Input should be 'omitted' or 'summarized'"


def _budget_complaints(body: Json, budget: Any) -> Iterator[str]:
    if not isinstance(budget, int) or budget < 1024:
        yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    elif isinstance(body.get("max_tokens"), int) and budget >= body["max_tokens"]:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if body.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."


def _output_complaints(body: Json, model: Model) -> Iterator[str]:
    config = body.get("output_config")
    if isinstance(config, dict):
        effort = config.get("effort")
        if effort is not None and (effort not in _EFFORTS or model.generation < 4.5):
            yield "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
        for extra in config.keys() - {"effort", "format", "task_budget"}:
            yield f"output_config.{extra}: Extra inputs are not permitted"


def _format_complaints(body: Json) -> Iterator[str]:
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        return
    if (
        not isinstance(wanted, dict)
        or wanted.get("type") != "json_schema"
        or not isinstance(wanted.get("schema"), dict)
    ):
        yield "output_config.format: Input should be {'type': 'json_schema', 'schema': {...}}"
        return
    yield from _schema_complaints(wanted["schema"], "output_config.format.schema")


_KEYWORDS = {
    "$defs",
    "$ref",
    "type",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "title",
    "description",
    "properties",
    "required",
    "items",
    "additionalProperties",
    "format",
    "minItems",
    "default",
}


def _schema_complaints(schema: Any, place: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    for keyword in schema.keys() - _KEYWORDS:
        yield f"{place}: For '{schema.get('type')}' type, property '{keyword}' is not supported"
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield f"{place}: For 'object' type, 'additionalProperties' must be explicitly set to false"
    for holder in ("properties", "$defs"):
        for name, entry in (schema.get(holder) or {}).items():
            yield from _schema_complaints(entry, f"{place}.{holder}.{name}")
    for branch in (*(schema.get("anyOf") or ()), *(schema.get("allOf") or ()), schema.get("items")):
        yield from _schema_complaints(branch, place)


def _breakpoints(body: Json) -> int:
    blocks = [*(body.get("tools") or [])]
    system = body.get("system")
    blocks += system if isinstance(system, list) else []
    for message in body.get("messages") or []:
        content = message.get("content") if isinstance(message, dict) else None
        blocks += content if isinstance(content, list) else []
    return sum(1 for block in blocks if isinstance(block, dict) and block.get("cache_control"))
