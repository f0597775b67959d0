"""Limits, wishes and instructions that several encoders write in the same way, each approximation a loss."""

from __future__ import annotations

import msgspec

from proxyctl.core.chat import ChatRequest, JsonFormat
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.traits import ModelTraits


def clamped_output(request: ChatRequest, traits: ModelTraits, losses: Losses) -> int | None:
    """The caller's output limit, at most the model's own; `None` when the caller gave none."""
    limit = request.max_output
    if limit is None or traits.max_output is None or limit <= traits.max_output:
        return limit
    losses.add("max_tokens", f"{limit} became {traits.max_output}: the model writes no more")
    return traits.max_output


def clamped_temperature(request: ChatRequest, traits: ModelTraits, losses: Losses) -> float | None:
    """The caller's temperature, at most the target's highest."""
    if request.temperature is None or request.temperature <= traits.temperature_max:
        return request.temperature
    losses.add("temperature", f"{request.temperature:g} became {traits.temperature_max:g}: the target's highest")
    return traits.temperature_max


def put_openai_wishes(fields: Fields, request: ChatRequest) -> None:
    """What both of OpenAI's dialects name alike: who asks, in which tier, and whether the answer streams."""
    if request.user:
        fields["user"] = request.user
    if request.service_tier and request.service_tier != "auto":
        fields["service_tier"] = "default" if request.service_tier == "standard_only" else request.service_tier
    if request.stream:
        fields["stream"] = True


def instructions_for_json(wanted: JsonFormat) -> str:
    """What to say to a model whose target cannot be told to answer in JSON."""
    if not wanted.schema:
        return "Answer with one JSON object and nothing else."
    schema = msgspec.json.encode(wanted.schema).decode()
    return f"Answer with one JSON document that fits this JSON Schema, and nothing else:\n{schema}"
