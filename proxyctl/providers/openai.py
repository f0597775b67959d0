"""OpenAI: chat completions and responses, two endpoints that take different things of one model.

Callers of a dialect that it speaks pass through, except for what a model takes on the other endpoint only. Everybody
else is translated: to `/responses` for models that think, because only there does their thinking survive a tool loop
(as encrypted content, which the caller's side carries), and to chat for those that do not, because only there do stop
sequences, penalties and seeds exist. Source: wire notes 2026-11, "OpenAI".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Raw, Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import Problem
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.failure import reclassified
from proxyctl.dialects.names import fitted_id
from proxyctl.dialects.openai_responses.counting import ResponsesCounter
from proxyctl.dialects.side.compatible import OpenAIEmbedder
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.dialects.typed import understood
from proxyctl.providers._base import Header, Provider, TierModels, put_unsaid, raw_text
from proxyctl.providers._messages import (
    Json,
    MessageShape,
    StrictFunction,
    acceptable,
    opened,
    shaped,
    without_tool_marks,
)
from proxyctl.providers._openai_models import ModelRules, rules_of

_CHAT: DialectName = "openai-chat"
_RESPONSES: DialectName = "openai-responses"
_COMPLETIONS: DialectName = "openai-completions"

_SHAPE = MessageShape(
    members={
        "developer": frozenset({"role", "content", "name"}),
        "system": frozenset({"role", "content", "name"}),
        "user": frozenset({"role", "content", "name"}),
        "assistant": frozenset(
            {"role", "content", "name", "refusal", "audio", "annotations", "tool_calls", "function_call"}
        ),
        "tool": frozenset({"role", "content", "tool_call_id"}),
        "function": frozenset({"role", "content", "name"}),
    },
    calls=frozenset({"id", "type", "function", "custom"}),
    marks=frozenset({"cache_control"}),
)
_CallId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Call(Struct, forbid_unknown_fields=True):
    id: _CallId
    type: str = "function"
    function: StrictFunction | None = None
    custom: Raw = Raw()


class _Message(Struct, forbid_unknown_fields=True):
    role: str
    content: Raw = Raw()
    name: str | None = None
    refusal: str | None = None
    annotations: Raw = Raw()
    audio: Raw = Raw()
    tool_calls: list[_Call] | None = None
    function_call: Raw = Raw()
    tool_call_id: _CallId = "none"


class _Reasoning(Struct):
    effort: str | None = None


_messages = msgspec.json.Decoder(list[_Message])

_NOT_WHILE_THINKING = ("temperature", "top_p", "logprobs", "top_logprobs")
_NEVER_WHILE_THINKING = ("frequency_penalty", "presence_penalty", "stop")
_SAYS_NOTHING = frozenset({b"null", b"false", b"0", b"0.0", b"[]"})
_ONE = frozenset({b"1", b"1.0"})
_KEPT_ELSEWHERE = (
    b"previous_response_not_found",
    b'"previous_response_id"',
    b"Item with id ",
    b"conversation_not_found",
)


class OpenAIProvider(Provider):
    kind = "openai"
    label = "OpenAI"
    base_url = "https://api.openai.com/v1"
    key_env = ("OPENAI_API_KEY",)
    endpoints: ClassVar[Mapping[DialectName, str]] = {
        _CHAT: "/chat/completions",
        _RESPONSES: "/responses",
        _COMPLETIONS: "/completions",
    }
    families = (
        "gpt-[0-9]*",
        "ft:gpt-*",
        "ft:o[1-9]*",
        "chatgpt-*",
        "gpt-audio*",
        "o[1-9]",
        "o[1-9]-*",
        "codex-*",
        "computer-use-*",
        "text-embedding-3-*",
        "text-embedding-ada-*",
        "whisper-1",
    )
    body_fields = frozenset(
        (
            "model",
            "messages",
            "audio",
            "frequency_penalty",
            "function_call",
            "functions",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "metadata",
            "modalities",
            "moderation",
            "n",
            "parallel_tool_calls",
            "prediction",
            "presence_penalty",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning_effort",
            "response_format",
            "safety_identifier",
            "seed",
            "service_tier",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "user",
            "verbosity",
            "web_search_options",
        )
    )
    keeps_responses = True
    price_id = "openai"
    tier_models: ClassVar[TierModels] = {"large": "gpt-6.1-sol", "medium": "gpt-6.1-terra", "small": "gpt-6-luna"}
    beside = SideEndpoints(
        counter=ResponsesCounter(),
        embedder=OpenAIEmbedder(
            "/embeddings", fields=frozenset({"model", "input", "encoding_format", "dimensions", "user"}), tokens=True
        ),
        transcription="/audio/transcriptions",
        translation="/audio/translations",
    )

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        return rules_of(model).traits

    @override
    def dialect_for(self, caller: DialectName, model: str, peek: Peek) -> DialectName:
        rules = rules_of(model)
        if caller == _RESPONSES:
            return _RESPONSES
        if rules.completions:
            return _COMPLETIONS if caller == _COMPLETIONS else _CHAT
        if caller == _CHAT:
            return _RESPONSES if _only_on_responses(rules, peek) else _CHAT
        return _RESPONSES if rules.thinks else _CHAT

    @override
    def dialect_headers(self, dialect: DialectName, model: str, client: Mapping[bytes, bytes]) -> list[Header]:
        """Betas as the caller asked for them; its organisation and project belong to its key, and stay behind."""
        del dialect, model
        beta = client.get(b"openai-beta")
        return [(b"openai-beta", beta)] if beta else []

    @override
    def adapt(self, fields: Fields, *, dialect: DialectName, model: str, losses: Losses) -> Fields:
        if dialect == _RESPONSES:
            return _without_sampling(fields, rules_of(model), _effort(fields.get("reasoning")), losses)
        return super().adapt(fields, dialect=dialect, model=model, losses=losses)

    @override
    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        rules = rules_of(model)
        adapted = super()._adapt_chat(fields, model=model, losses=losses)
        effort = raw_text(adapted.get("reasoning_effort"))
        adapted = _without_sampling(adapted, rules, effort.strip(b'"').decode("utf-8", "replace"), losses)
        if rules.thinks and (limit := adapted.pop("max_tokens", None)) is not None:
            put_unsaid(adapted, "max_completion_tokens", limit)
        if not acceptable(adapted.get("messages"), _messages, (b'"cache_control"',)):
            messages = opened(adapted.get("messages"))
            if messages is not None:
                adapted["messages"] = _with_fitted_ids(shaped(messages, _SHAPE, losses, self.label))
        return without_tool_marks(adapted)

    @override
    def refine_problem(self, problem: Problem, *, status: int, body: bytes) -> Problem:
        # An earlier response or item that it does not have: the model is there, and nobody else has it either.
        if status == 404 and any(word in body for word in _KEPT_ELSEWHERE):
            return reclassified(problem, "bad_request")
        return problem


def _only_on_responses(rules: ModelRules, peek: Peek) -> bool:
    """Whether a chat caller's request can be said to this model on the other endpoint only."""
    if not rules.chat:
        return True
    if peek.effort == "max" and "max" in rules.traits.thinking_efforts:
        return True
    if not peek.has_tools or rules.tools_on_chat == "yes":
        return False
    return rules.tools_on_chat == "no" or peek.effort != "none"


def _without_sampling(fields: Fields, rules: ModelRules, effort: str, losses: Losses) -> Fields:
    """Leave out what a model that thinks refuses; what was left at its default is no loss."""
    if not rules.thinks:
        return fields
    refused: tuple[str, ...] = (*_NEVER_WHILE_THINKING, *_NOT_WHILE_THINKING)
    if rules.sampling_unthinking and effort == "none":
        refused = _NEVER_WHILE_THINKING
    if not any(name in fields for name in refused):
        return fields
    kept = dict(fields)
    for name in refused:
        value = kept.pop(name, None)
        if value is not None and not _is_default(name, raw_text(value)):
            losses.add(name, "this model does not take it while it thinks")
    return kept


def _is_default(name: str, text: bytes) -> bool:
    return text == b"null" or text in (_ONE if name in ("temperature", "top_p") else _SAYS_NOTHING)


def _effort(reasoning: Any) -> str:
    """The effort in the `reasoning` of a responses body, `""` when there is none."""
    asked = None if reasoning is None else understood(Raw(raw_text(reasoning)), _Reasoning)
    return (asked.effort if asked is not None else None) or ""


def _with_fitted_ids(messages: list[Json]) -> list[Json]:
    """Call ids of at most 64 plain characters, the same stand-in on the call and on its result."""
    return [_with_fitted_id(message) for message in messages]


def _with_fitted_id(message: Json) -> Json:
    if isinstance(message.get("tool_call_id"), str):
        message = {**message, "tool_call_id": fitted_id(message["tool_call_id"])}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message = {**message, "tool_calls": [_call_with_fitted_id(call) for call in calls]}
    return message


def _call_with_fitted_id(call: Any) -> Any:
    return {**call, "id": fitted_id(call["id"])} if isinstance(call, dict) and isinstance(call.get("id"), str) else call
