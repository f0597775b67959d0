"""Which kinds of provider there are. The order is the one shown to people, the primary first."""

from __future__ import annotations

from collections.abc import Mapping

from proxyctl.config.kinds import KindFacts
from proxyctl.providers._base import Provider
from proxyctl.providers.anthropic import AnthropicProvider
from proxyctl.providers.cohere import CohereProvider
from proxyctl.providers.gemini import GeminiProvider
from proxyctl.providers.groq import GroqProvider
from proxyctl.providers.mistral import MistralProvider
from proxyctl.providers.openai import OpenAIProvider
from proxyctl.providers.openai_compatible import OpenAICompatibleProvider
from proxyctl.providers.servers import SERVERS
from proxyctl.providers.together import TogetherProvider

KINDS: Mapping[str, type[Provider]] = {
    provider.kind: provider
    for provider in (
        GeminiProvider,
        AnthropicProvider,
        GroqProvider,
        TogetherProvider,
        CohereProvider,
        MistralProvider,
        OpenAIProvider,
        OpenAICompatibleProvider,
    )
}

KIND_FACTS: Mapping[str, KindFacts] = {
    kind: KindFacts(
        name=kind,
        key_env=provider.key_env,
        needs_key=provider.needs_key,
        primary=provider.primary,
        base_url=provider.base_url or None,
        label=provider.label,
        servers=tuple(SERVERS) if provider is OpenAICompatibleProvider else (),
    )
    for kind, provider in KINDS.items()
}
"""What the config package must know of each kind."""
