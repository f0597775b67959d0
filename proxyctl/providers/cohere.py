"""Cohere by its native v2 API: its OpenAI-compatible one loses thinking, citations and documents.

Source: wire notes 2026-11, "Cohere v2".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName
from proxyctl.core.errors import DecodeError
from proxyctl.dialects.cohere_chat.beside import CohereEmbedder, CohereReranker
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import ModelInfo, ModelPage, Provider, TierModels

_LIST = "/v1/models?page_size=1000"

_COMMON = ModelTraits(
    temperature_max=1.0,
    stop_limit=5,
    parallel_switch=False,
    forced_tool_choice=True,
    tool_name_pattern=r"[A-Za-z0-9_]",
    media_in_tool_results=False,
    documents=False,
    audio=False,
    json_schema_with_tools=False,
    prefill=False,
    mid_system=False,
    thinking="none",
)
_THINKING = msgspec.structs.replace(_COMMON, thinking="budget", thinks_unasked=True, thinking_budget_min=1)

# Models older than the reasoning ones, which think by default; what is newer is taken to think too.
_WITHOUT_THINKING = (
    "command-r",
    "command-light",
    "command-nightly",
    "command-a-03",
    "command-a-vision",
    "c4ai-",
    "aya-",
)


class CohereProvider(Provider):
    kind = "cohere"
    label = "Cohere"
    base_url = "https://api.cohere.com"
    key_env = ("CO_API_KEY", "COHERE_API_KEY")
    endpoints: ClassVar[Mapping[DialectName, str]] = {"cohere-chat": "/v2/chat"}
    families = ("command-*", "c4ai-*", "embed-v*", "embed-english-*", "embed-multilingual-*", "rerank-*")
    models_target = _LIST
    reports_stream_usage_unasked = True
    price_id = "cohere"
    # Transcription is at /v2/audio/transcriptions.
    beside = SideEndpoints(
        embedder=CohereEmbedder(), reranker=CohereReranker(), transcription="/v2/audio/transcriptions"
    )
    tier_models: ClassVar[TierModels] = {
        "large": "command-a-plus-05-2026",
        "medium": "command-a-03-2025",
        "small": "command-r7b-12-2024",
    }

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        return _COMMON if model == "command" or model.startswith(_WITHOUT_THINKING) else _THINKING

    @override
    def read_models(self, body: bytes) -> ModelPage:
        try:
            page = msgspec.json.decode(body, type=_Page)
        except msgspec.DecodeError as exc:
            raise DecodeError(f"not a model list: {exc}") from exc
        following = f"{_LIST}&page_token={quote(page.next_page_token, safe='')}" if page.next_page_token else None
        return ModelPage(tuple(_info(entry) for entry in page.models), following)


class _Model(Struct):
    name: str
    endpoints: list[str] | None = None
    context_length: float | None = None


class _Page(Struct):
    models: list[_Model]
    next_page_token: str | None = None


def _info(entry: _Model) -> ModelInfo:
    return ModelInfo(
        id=entry.name,
        owned_by="cohere",
        context=int(entry.context_length) if entry.context_length else None,
        chat="chat" in (entry.endpoints or ()),
    )
