"""Together AI: OpenAI's chat with fewer fields, open models, and statuses of its own.

Source: wire notes 2026-11, "Together AI".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import DecodeError, Problem
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.failure import reclassified
from proxyctl.dialects.side.compatible import CompatibleReranker, OpenAIEmbedder
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import ModelInfo, ModelPage, Provider, TierModels, raw_text
from proxyctl.providers._messages import Json, opened, with_parts

_EOS = re.compile(rb'("finish_reason"\s*:\s*)"eos"')
_TRAITS = ModelTraits(
    documents=False,
    media_in_tool_results=False,
    parallel_switch=False,
    max_tokens_field="max_tokens",
)


class TogetherProvider(Provider):
    kind = "together"
    label = "Together AI"
    base_url = "https://api.together.ai/v1"
    key_env = ("TOGETHER_API_KEY",)
    endpoints: ClassVar[Mapping[DialectName, str]] = {
        "openai-chat": "/chat/completions",
        "openai-completions": "/completions",
    }
    families = ("togethercomputer/*", "together/*")
    body_fields = frozenset(
        (
            "messages",
            "model",
            "chat_template_kwargs",
            "compliance",
            "context_length_exceeded_behavior",
            "echo",
            "frequency_penalty",
            "function_call",
            "logit_bias",
            "logprobs",
            "max_tokens",
            "min_p",
            "n",
            "presence_penalty",
            "reasoning",
            "reasoning_effort",
            "repetition_penalty",
            "response_format",
            "safety_model",
            "seed",
            "stop",
            "stream",
            "temperature",
            "tool_choice",
            "tools",
            "top_k",
            "top_p",
        )
    )
    renames: ClassVar[Mapping[str, str]] = {"max_completion_tokens": "max_tokens"}
    # Usage is in the last chunk of every stream.
    reports_stream_usage_unasked = True
    price_id = "together"
    beside = SideEndpoints(
        embedder=OpenAIEmbedder("/embeddings", fields=frozenset({"model", "input"})),
        reranker=CompatibleReranker("/rerank"),
        transcription="/audio/transcriptions",
        translation="/audio/translations",
    )
    tier_models: ClassVar[TierModels] = {
        "large": "moonshotai/Kimi-K3.1-Pro",
        "medium": "deepseek-ai/DeepSeek-V4-Pro-0813",
        "small": "deepseek-ai/DeepSeek-V4.1-Flash",
    }

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        del model
        return _TRAITS

    @override
    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        top = fields.get("top_logprobs")
        left = {"top_logprobs", "include_reasoning"}
        if raw_text(fields.get("include_reasoning")) == b"false":
            losses.add("include_reasoning", "thinking is always shown here")
        adapted = super()._adapt_chat(
            {key: value for key, value in fields.items() if key not in left}, model=model, losses=losses
        )
        _count_logprobs(adapted, top)
        _list_stop(adapted)
        _switch_reasoning(adapted)
        _plain_tools(adapted, losses)
        _plain_messages(adapted)
        return adapted

    @override
    def mended(self, passing: bytes) -> bytes:
        # A word of its own for `stop`. A quote inside JSON text is escaped, so this can only be the member itself.
        return _EOS.sub(rb'\1"stop"', passing) if b'"eos"' in passing else passing

    @override
    def refine_problem(self, problem: Problem, *, status: int, body: bytes) -> Problem:
        # 403 is what an input longer than the context gets.
        if status == 403 and b"token" in body.lower():
            return reclassified(problem, "context_length")
        return problem

    @override
    def read_models(self, body: bytes) -> ModelPage:
        """The list is a bare array."""
        try:
            listed = msgspec.json.decode(body, type=list[_Model])
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise DecodeError(f"not a model list: {exc}") from exc
        return ModelPage(
            tuple(
                ModelInfo(
                    id=entry.id,
                    display_name=entry.display_name or "",
                    created=entry.created or None,
                    owned_by=entry.organization or "",
                    context=entry.context_length,
                    chat=entry.type in (None, "chat", "language", "code"),
                )
                for entry in listed
            )
        )


class _Model(Struct):
    id: str
    type: str | None = None
    display_name: str | None = None
    organization: str | None = None
    created: int | None = None
    context_length: int | None = None


def _count_logprobs(fields: Fields, top: Any) -> None:
    """`logprobs` is a number here: how many alternatives, not whether."""
    if raw_text(fields.get("logprobs")) == b"true":
        count = raw_text(top)
        fields["logprobs"] = Raw(count if count.isdigit() else b"1")
    elif raw_text(fields.get("logprobs")) in (b"false", b"null"):
        fields.pop("logprobs", None)


def _list_stop(fields: Fields) -> None:
    """`stop` must be a list."""
    stop = raw_text(fields.get("stop"))
    if stop.startswith(b'"'):
        fields["stop"] = Raw(b"[" + stop + b"]")


def _switch_reasoning(fields: Fields) -> None:
    """Thinking is switched off by `reasoning`, not by an effort."""
    effort = raw_text(fields.get("reasoning_effort"))
    if effort == b'"none"':
        del fields["reasoning_effort"]
        fields.setdefault("reasoning", {"enabled": False})
    elif effort == b'"minimal"':
        fields["reasoning_effort"] = "low"
    elif effort in (b'"xhigh"', b'"max"'):
        fields["reasoning_effort"] = "high"


def _plain_tools(fields: Fields, losses: Losses) -> None:
    """A function has no `strict` here: nobody promises its arguments' shape."""
    tools = fields.get("tools")
    listed = opened(tools) if _may_hold(tools, b'"strict"') else None
    if listed is None or not any(_is_strict(tool) is not None for tool in listed):
        return
    for index, tool in enumerate(listed):
        if _is_strict(tool):
            losses.add(f"tools[{index}].function.strict", "Together AI does not take it")
    fields["tools"] = [
        {**tool, "function": {key: value for key, value in tool["function"].items() if key != "strict"}}
        if _is_strict(tool) is not None
        else tool
        for tool in listed
    ]


def _may_hold(value: Any, *words: bytes) -> bool:
    """False for raw JSON without any of the words: it is forwarded unopened."""
    return not isinstance(value, Raw) or any(word in bytes(value) for word in words)


def _is_strict(tool: Json) -> Any:
    function = tool.get("function")
    return function.get("strict") if isinstance(function, dict) else None


def _plain_messages(fields: Fields) -> None:
    """There is no role `developer` here, such a message is a system message; nor has an image a `detail`."""
    value = fields.get("messages")
    messages = opened(value) if _may_hold(value, b'"developer"', b'"detail"') else None
    if messages is not None:
        fields["messages"] = [_plain_message(message) for message in messages]


def _plain_message(message: Json) -> Json:
    plain = with_parts(message, _plain_part)
    return {**plain, "role": "system"} if plain.get("role") == "developer" else plain


def _plain_part(part: Json) -> Json:
    image = part.get("image_url")
    if not isinstance(image, dict) or "detail" not in image:
        return part
    return {**part, "image_url": {key: value for key, value in image.items() if key != "detail"}}
