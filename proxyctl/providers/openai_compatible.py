"""Any server that speaks OpenAI's chat, by configuration alone: address, key, and what it does not take.

What is known of the common ones stands in `servers.py`, as data; this file only obeys it. Of any other nothing is known
but its models' names, some of which say how they think. What the user says of a server wins over both.
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
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import ChatOptions, Provider, put_unsaid, raw_text
from proxyctl.providers._messages import Json, opened
from proxyctl.providers.servers import MODEL_FACTS, SERVERS, recognised

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

    def __init__(self, *, name: str, base_url: str | None = None, options: ChatOptions | None = None) -> None:
        super().__init__(name=name, base_url=base_url, options=options)
        self.flags = SERVERS[self.options.server] if self.options.server else recognised(self.url)
        # The class states what every such server has; what this one has beside it is its own.
        self.endpoints = {**type(self).endpoints, **self.flags.endpoints}  # type: ignore[misc]
        self.keeps_responses = self.flags.keeps_responses  # type: ignore[misc]
        self._all_drops = self._all_drops.union(self.flags.drops)

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        traits = self.flags.traits
        if self.options.max_tokens_field is not None:
            traits = msgspec.structs.replace(traits, max_tokens_field=self.options.max_tokens_field)
        for pattern, facts in MODEL_FACTS:
            if pattern in model.lower():
                traits = msgspec.structs.replace(traits, **facts)
        return traits

    @override
    def asks_stream_usage(self) -> bool:
        wanted = self.options.stream_options
        return self.flags.stream_options if wanted is None else wanted

    @override
    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        adapted = super()._adapt_chat(fields, model=model, losses=losses)
        traits = self.traits(model)
        if traits.reasoning_required and traits.reasoning_in is not None:
            _give_thinking(adapted, traits.reasoning_in)
        if self.flags.thinking_off and raw_text(adapted.get("reasoning_effort")) == b'"none"':
            del adapted["reasoning_effort"]
            adapted.update(self.flags.thinking_off)
        wanted = self.options.max_tokens_field or self.flags.max_tokens_field
        if wanted is None:
            return adapted
        renamed: Fields = {}
        for key, value in adapted.items():
            put_unsaid(renamed, wanted if key in _MAX_TOKENS_FIELDS else key, value)
        return renamed


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
