"""What a target can and cannot take, as data that its provider states and its dialect's encoder obeys.

A dialect knows how to say a thing, a provider knows which of its models refuse it. This value is the only thing that
passes between them, so no encoder ever asks for a provider's name. Defaults are the permissive reading.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from proxyctl.core.chat import Effort

ThinkingStyle = Literal["none", "effort", "budget", "adaptive"]


class ModelTraits(Struct, frozen=True, kw_only=True):
    """Facts of one upstream model.

    `temperature_max`: values above are clamped (a loss). `sampling=False`: temperature, top_p and top_k are refused.
    `thinking`: `none` (the model cannot be asked), `effort` (a named level), `budget` (tokens), `adaptive` (the model
    decides; an effort is a hint). `thinking_efforts` lists the levels it takes, lowest first; `thinking_off` says
    whether it can be switched off, `thinks_unasked` that it thinks when nobody asked (its first token comes late).
    `reasoning_in` is the field of an assistant message that carries thinking back in OpenAI-style dialects, `None`
    when the target refuses it; `reasoning_required` when a tool loop is refused without that field.
    `reasoning_format` is the word that keeps thinking out of the text on servers that need to be told.
    `thinking_off_type` is the word for "off" where the dialect has one. `top_k` is for OpenAI-style targets, whose own
    dialect has no such field. `temperature_with_top_p=False`: only one of the two at a time. `stop=False`: stop
    sequences are refused. `tool_choice=False`: a choice among tools is passed over in silence,
    `named_tool_choice=False`: only one that names a tool is. `cache_marks`: in OpenAI-style dialects, content parts may
    carry `cache_control`; `system_role` is what system messages are called there.
    """

    max_output: int | None = None
    default_max_output: int = 8192
    sampling: bool = True
    temperature_with_top_p: bool = True
    top_k: bool = True
    temperature_max: float = 2.0
    penalties: bool = True
    seed: bool = True
    stop: bool = True
    stop_limit: int | None = None
    tools: bool = True
    forced_tool_choice: bool = True
    named_tool_choice: bool = True
    tool_choice: bool = True
    parallel_switch: bool = True
    tool_call_ids: bool = True
    tool_name_pattern: str = r"[A-Za-z0-9_-]"
    tool_name_limit: int = 64
    signatures_required: bool = False
    images: bool = True
    image_urls: bool = True
    media_in_tool_results: bool = True
    documents: bool = True
    audio: bool = True
    json_schema: bool = True
    json_schema_with_tools: bool = True
    prefill: bool = True
    mid_system: bool = True
    system_role: Literal["system", "developer"] = "system"
    cache_marks: bool = False
    thinking: ThinkingStyle = "effort"
    thinking_efforts: tuple[Effort, ...] = ("low", "medium", "high")
    thinking_off: bool = True
    thinking_off_type: str = "disabled"
    thinks_unasked: bool = False
    thinking_budget_min: int = 1024
    thinking_budget_max: int = 32768
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_completion_tokens"
    reasoning_in: str | None = None
    reasoning_required: bool = False
    reasoning_format: str | None = None


PERMISSIVE = ModelTraits()
