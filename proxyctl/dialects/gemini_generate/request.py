"""A canonical request as the body of Gemini's `generateContent`. The model's name and streaming stand in the address.

Nothing is dropped in silence except hints that change no answer (cache marks, the caller's user id, image detail).
Source: wire notes 2026-11, "Google Gemini".
"""

from __future__ import annotations

from typing import Any

from proxyctl.core.chat import ChatRequest, JsonFormat
from proxyctl.core.errors import UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.emptied import system_as_user
from proxyctl.dialects.gemini_generate.contents import ContentWriter
from proxyctl.dialects.gemini_generate.thinking import thinking_config
from proxyctl.dialects.gemini_generate.tools import tool_fields
from proxyctl.dialects.history import repaired, without_mid_system
from proxyctl.dialects.json_schema import asked_in_words, without_annotations
from proxyctl.dialects.names import ToolNames
from proxyctl.dialects.traits import ModelTraits

STOP_LIMIT = 5
_TIERS = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}


def encode_request(request: ChatRequest, traits: ModelTraits, losses: Losses) -> Fields:
    """Raises `UnsupportedError` for what Gemini, the model or we must refuse."""
    names = ToolNames.of(request.tools, traits, losses)
    messages = without_mid_system(repaired(request.messages, losses), losses)
    contents = ContentWriter(traits, names, losses).write(messages)
    system = [part.text for part in request.system if part.text]
    config, instruction = _generation_config(request, traits, losses)
    if not contents:
        system_as_user(request, losses)
        contents, system = [{"role": "user", "parts": [{"text": text} for text in system]}], []
    if contents[-1]["role"] == "model" and not traits.prefill:
        raise UnsupportedError(
            f"{request.model} does not continue an assistant message.",
            hint="End the conversation with a user message.",
            param="messages",
        )
    system += instruction
    fields: Fields = {"contents": contents}
    if system:
        fields["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    fields.update(tool_fields(request, traits, names, losses))
    if config:
        fields["generationConfig"] = config
    fields.update(_service_tier(request.service_tier, losses))
    return fields


def _generation_config(request: ChatRequest, traits: ModelTraits, losses: Losses) -> tuple[dict[str, Any], list[str]]:
    """Return `generationConfig`, and the sentences that must say what it cannot."""
    config: dict[str, Any] = {}
    if request.max_output is not None:
        config["maxOutputTokens"] = _clamped_output(request.max_output, traits, losses)
    config.update(_sampling(request, traits, losses))
    limit = traits.stop_limit or STOP_LIMIT
    if len(request.stop) > limit:
        raise UnsupportedError(f"Gemini takes at most {limit} stop sequences, not {len(request.stop)}.", param="stop")
    if request.stop:
        config["stopSequences"] = list(request.stop)
    thinking = thinking_config(request.reasoning, traits, losses)
    if thinking:
        config["thinkingConfig"] = thinking
    instruction: list[str] = []
    if request.format is not None:
        if traits.json_schema and (traits.json_schema_with_tools or not request.tools):
            config.update(_response_format(request.format, losses))
        else:
            losses.add("format", "the model takes no response schema here: it was asked for in words")
            instruction.append(asked_in_words(request.format))
    return config, instruction


def _clamped_output(wanted: int, traits: ModelTraits, losses: Losses) -> int:
    if traits.max_output is None or wanted <= traits.max_output:
        return wanted
    losses.add("max_output", f"the model writes at most {traits.max_output} tokens")
    return traits.max_output


def _sampling(request: ChatRequest, traits: ModelTraits, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    temperature = request.temperature
    if temperature is not None and traits.sampling and temperature > traits.temperature_max:
        losses.add("temperature", f"above the model's {traits.temperature_max}")
        temperature = traits.temperature_max
    wanted = (
        ("temperature", "temperature", temperature, traits.sampling),
        ("top_p", "topP", request.top_p, traits.sampling),
        ("top_k", "topK", request.top_k, traits.sampling),
        ("presence_penalty", "presencePenalty", request.presence_penalty, traits.penalties),
        ("frequency_penalty", "frequencyPenalty", request.frequency_penalty, traits.penalties),
        ("seed", "seed", request.seed, traits.seed),
    )
    for field, wire_name, value, taken in wanted:
        if value is None:
            continue
        if taken:
            config[wire_name] = value
        else:
            losses.add(field, "the model does not take it")
    return config


def _response_format(wanted: JsonFormat, losses: Losses) -> dict[str, Any]:
    if wanted.description:
        losses.add("format.description", "Gemini has no place for it")
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if wanted.schema is not None:
        config["responseJsonSchema"] = without_annotations(wanted.schema)
    return config


def _service_tier(wanted: str | None, losses: Losses) -> Fields:
    if wanted is None or wanted == "auto":
        return {}
    if wanted not in _TIERS:
        losses.add("service_tier", f"Gemini has no tier {wanted!r}")
        return {}
    return {"serviceTier": _TIERS[wanted]}
