"""Any server that speaks OpenAI's chat, by configuration alone: address, key, and what it does not take.

Nothing is known of such a server but its models' names, some of which say how they think.
Source: wire notes 2026-11, "other OpenAI-compatible servers".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from msgspec import Raw
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.side.compatible import CompatibleReranker, OpenAIEmbedder
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits
from proxyctl.providers._base import Provider
from proxyctl.providers._messages import Json, opened

_MAX_TOKENS_FIELDS = ("max_tokens", "max_completion_tokens")


class OpenAICompatibleProvider(Provider):
    kind = "openai-compatible"
    label = "OpenAI-compatible server"
    needs_key = False
    endpoints: ClassVar[Mapping[DialectName, str]] = {
        "openai-chat": "/chat/completions",
        "openai-completions": "/completions",
    }
    # What such a server does not have, it says itself.
    beside = SideEndpoints(
        embedder=OpenAIEmbedder("/embeddings", tokens=True),
        reranker=CompatibleReranker("/rerank"),
        transcription="/audio/transcriptions",
        translation="/audio/translations",
    )

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        name = model.lower()
        traits = PERMISSIVE
        if self.options.max_tokens_field == "max_tokens":
            traits = msgspec.structs.replace(traits, max_tokens_field="max_tokens")
        if "deepseek" in name:
            # A tool loop whose thinking is not sent back is refused (DeepSeek, thinking mode).
            return msgspec.structs.replace(traits, reasoning_in="reasoning_content", reasoning_required=True)
        if "grok" in name:
            return msgspec.structs.replace(traits, penalties=False)
        return traits

    @override
    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        adapted = super()._adapt_chat(fields, model=model, losses=losses)
        traits = self.traits(model)
        if traits.reasoning_required and traits.reasoning_in is not None:
            _give_thinking(adapted, traits.reasoning_in)
        wanted = self.options.max_tokens_field
        if wanted is None:
            return adapted
        return {wanted if key in _MAX_TOKENS_FIELDS else key: value for key, value in adapted.items()}


def _give_thinking(fields: Fields, name: str) -> None:
    """Put the field in place in turns with calls whose client lost the thinking: any text will do, none is a 400."""
    value = fields.get("messages")
    if isinstance(value, Raw) and b'"tool_calls"' not in bytes(value):
        return
    messages = opened(value)
    if messages is not None and any(_lacks(message, name) for message in messages):
        fields["messages"] = [
            {**message, name: message.get("reasoning") or " "} if _lacks(message, name) else message
            for message in messages
        ]


def _lacks(message: Json, name: str) -> bool:
    return bool(message.get("tool_calls")) and not isinstance(message.get(name), str)
