"""Groq: OpenAI's chat, strictly: an unknown member anywhere is a 400. Source: wire notes 2026-11, "Groq"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import Problem, UnsupportedError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.failure import reclassified
from proxyctl.dialects.side.compatible import OpenAIEmbedder
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import Provider, TierModels, raw_text
from proxyctl.providers._messages import MessageShape, StrictCall, acceptable, opened, shaped, without_tool_marks

_SHAPE = MessageShape(
    members={
        "system": frozenset({"role", "content"}),
        "developer": frozenset({"role", "content"}),
        "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", "reasoning"}),
        "tool": frozenset({"role", "content", "tool_call_id"}),
    },
    renames={"reasoning_content": "reasoning"},
)
_TRAITS = ModelTraits(
    top_k=False,
    stop_limit=4,
    images=False,
    documents=False,
    audio=False,
    media_in_tool_results=False,
    json_schema=False,
    json_schema_with_tools=False,
    thinking="none",
)
_TIERS = {b'"default"': b'"on_demand"', b'"standard_only"': b'"on_demand"'}


class _StrictMessage(Struct, forbid_unknown_fields=True):
    role: str
    content: Raw = Raw()
    tool_calls: list[StrictCall] | None = None
    tool_call_id: str = ""
    reasoning: str | None = None


_strict = msgspec.json.Decoder(list[_StrictMessage])


class GroqProvider(Provider):
    kind = "groq"
    label = "Groq"
    base_url = "https://api.groq.com/openai/v1"
    key_env = ("GROQ_API_KEY",)
    endpoints: ClassVar[Mapping[DialectName, str]] = {"openai-chat": "/chat/completions"}
    families = ("groq/*", "llama-*-versatile", "llama-*-instant", "whisper-large-*")
    body_fields = frozenset(
        (
            "model",
            "messages",
            "frequency_penalty",
            "presence_penalty",
            "logit_bias",
            "logprobs",
            "top_logprobs",
            "max_completion_tokens",
            "max_tokens",
            "metadata",
            "n",
            "parallel_tool_calls",
            "reasoning_effort",
            "reasoning_format",
            "include_reasoning",
            "response_format",
            "seed",
            "service_tier",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_p",
            "user",
            "documents",
            "citation_options",
            "compound_custom",
            "search_settings",
            "disable_tool_validation",
        )
    )
    # The last chunk carries `x_groq.usage` even when the caller asked for no usage.
    reports_stream_usage_unasked = True
    price_id = "groq"
    beside = SideEndpoints(
        embedder=OpenAIEmbedder("/embeddings", fields=frozenset({"model", "input", "encoding_format", "user"})),
        transcription="/audio/transcriptions",
        translation="/audio/translations",
    )
    tier_models: ClassVar[TierModels] = {
        "large": "openai/gpt-oss-120b",
        "medium": "llama-3.3-70b-versatile",
        "small": "openai/gpt-oss-20b",
    }

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        if "gpt-oss" in model:
            return msgspec.structs.replace(
                _TRAITS,
                thinking="effort",
                thinking_off=False,
                thinks_unasked=True,
                reasoning_in="reasoning",
                json_schema=True,
            )
        if model.startswith("qwen/"):
            # It thinks or it does not: `none` is all that can be asked for; its thinking comes inside the text
            # unless the server is told to part them.
            return msgspec.structs.replace(
                _TRAITS, thinking="effort", thinking_efforts=(), thinks_unasked=True, reasoning_format="parsed"
            )
        if "llama-4" in model:
            return msgspec.structs.replace(_TRAITS, images=True, json_schema=True)
        return msgspec.structs.replace(_TRAITS, json_schema="kimi-k2" in model)

    @override
    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        if raw_text(fields.get("n")) not in (b"null", b"1"):
            raise UnsupportedError(f"{self.label} answers with one choice only: set n to 1", param="n")
        adapted = super()._adapt_chat(fields, model=model, losses=losses)
        tier = _TIERS.get(raw_text(adapted.get("service_tier")))
        if tier is not None:
            adapted["service_tier"] = Raw(tier)
        if not acceptable(adapted.get("messages"), _strict):
            messages = opened(adapted.get("messages"))
            if messages is not None:
                adapted["messages"] = shaped(messages, _SHAPE, losses, self.label)
        return without_tool_marks(adapted)

    @override
    def refine_problem(self, problem: Problem, *, status: int, body: bytes) -> Problem:
        # One request above the tokens of a minute comes as 413; 498 is the flex tier without room.
        if status == 413 and b"rate_limit_exceeded" in body:
            return reclassified(problem, "rate_limit")
        if status == 498:
            return reclassified(problem, "overloaded")
        return problem
