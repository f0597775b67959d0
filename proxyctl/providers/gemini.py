"""Google Gemini: the native API, whose models differ so much by version that the name is read for what each takes.

A name that says no version, or a newer one than we know, gets the newest rules: a wrong guess then costs a loss.
Source: wire notes 2026-11, "Google Gemini".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct
from typing_extensions import override

from proxyctl.core.chat import DialectName, Effort
from proxyctl.core.errors import DecodeError
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import Fields
from proxyctl.dialects.gemini_generate.beside import GeminiCounter, GeminiEmbedder, named
from proxyctl.dialects.side.facts import SideEndpoints
from proxyctl.dialects.traits import ModelTraits
from proxyctl.providers._base import Header, ModelInfo, ModelPage, Provider, TierModels

_VERSION = re.compile(r"^gemini-(\d+)(?:\.(\d+))?(?![\d.])")
_NEWEST = (99, 0)
_LIST = "/v1beta/models?pageSize=1000"

_COMMON = ModelTraits(
    temperature_max=2.0,
    stop_limit=5,
    parallel_switch=False,
    tool_name_pattern=r"[A-Za-z0-9_.:-]",
    tool_name_limit=128,
    image_urls=False,
    mid_system=False,
)


class GeminiProvider(Provider):
    kind = "gemini"
    label = "Google Gemini"
    base_url = "https://generativelanguage.googleapis.com"
    key_env = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    primary = True
    endpoints: ClassVar[Mapping[DialectName, str]] = {"gemini-generate": "/v1beta/{model}:generateContent"}
    stream_endpoints: ClassVar[Mapping[DialectName, str]] = {
        "gemini-generate": "/v1beta/{model}:streamGenerateContent?alt=sse"
    }
    families = ("gemini-*", "gemma-*", "learnlm-*", "tunedModels/*")
    models_target = _LIST
    reports_stream_usage_unasked = True
    price_id = "google"
    beside = SideEndpoints(counter=GeminiCounter(), embedder=GeminiEmbedder())
    tier_models: ClassVar[TierModels] = {
        "large": "gemini-4-argon",
        "medium": "gemini-3.8-flash",
        "small": "gemini-3.5-flash-lite",
    }

    @override
    def _traits_of(self, model: str) -> ModelTraits:
        name = model.removeprefix("models/")
        if name.startswith("gemma-"):
            return _gemma()
        version = _version(name)
        traits = _before_3(version, name) if version < (3, 0) else _from_3(version, name)
        if "-image" in name or "-tts" in name:
            return msgspec.structs.replace(traits, thinking="none", tools=False, thinks_unasked=False)
        return traits

    @override
    def target(self, dialect: DialectName, model: str, *, stream: bool) -> str:
        return super().target(dialect, self.in_path(model), stream=stream)

    @override
    def in_path(self, model: str) -> str:
        # With its collection, as requests name it: tuned models have one of their own.
        collection, _, name = named(model).partition("/")
        return f"{collection}/{super().in_path(name)}"

    @override
    def adapt(self, fields: Fields, *, dialect: DialectName, model: str, losses: Losses) -> Fields:
        # The address names the model; one in the body could only contradict it.
        if "model" not in fields:
            return fields
        return {name: value for name, value in fields.items() if name != "model"}

    @override
    def credential_headers(self, key: str) -> list[Header]:
        return [(b"x-goog-api-key", key.encode())]

    @override
    def read_models(self, body: bytes) -> ModelPage:
        try:
            page = msgspec.json.decode(body, type=_Page)
        except msgspec.DecodeError as exc:
            raise DecodeError(f"not a model list: {exc}") from exc
        following = f"{_LIST}&pageToken={quote(page.next_page_token, safe='')}" if page.next_page_token else None
        return ModelPage(tuple(_info(entry) for entry in page.models), following)


def _version(name: str) -> tuple[int, int]:
    """The version in a model's name; aliases such as `gemini-flash-latest` are the newest."""
    found = _VERSION.match(name)
    return (int(found.group(1)), int(found.group(2) or 0)) if found else _NEWEST


def _before_3(version: tuple[int, int], name: str) -> ModelTraits:
    """2.5 and older: no call ids, no media in tool results, no JSON schema beside tools, thinking as a budget."""
    traits = msgspec.structs.replace(
        _COMMON,
        tool_call_ids=False,
        media_in_tool_results=False,
        json_schema_with_tools=False,
        max_output=65536 if version >= (2, 5) else 8192,
        thinking="none",
    )
    if version < (2, 5):
        return traits
    pro, lite = "-pro" in name, "-lite" in name
    return msgspec.structs.replace(
        traits,
        thinking="budget",
        thinking_off=not pro,
        thinks_unasked=not lite,
        thinking_budget_min=512 if lite else 128 if pro else 1,
        thinking_budget_max=32768 if pro else 24576,
    )


def _from_3(version: tuple[int, int], name: str) -> ModelTraits:
    """3 and newer: call ids and signatures are required, thinking is a level; 3.6 gave up sampling and prefill.

    From 4 on a longer answer is possible, but one HTTP response never holds more than this.
    """
    return msgspec.structs.replace(
        _COMMON,
        sampling=version < (3, 6),
        penalties=False,
        signatures_required=True,
        prefill=version < (3, 6),
        thinking="effort",
        thinking_efforts=_efforts(version, name),
        thinking_off=False,
        thinks_unasked=True,
        max_output=65536,
    )


def _efforts(version: tuple[int, int], name: str) -> tuple[Effort, ...]:
    if "-pro" in name:
        return ("low", "high") if version == (3, 0) else ("low", "medium", "high")
    return ("minimal", "low", "medium", "high") if version <= (3, 6) else ("low", "medium", "high")


def _gemma() -> ModelTraits:
    """The open models on the same API: neither signatures nor a documented thinking level."""
    return msgspec.structs.replace(
        _COMMON, tool_call_ids=False, media_in_tool_results=False, json_schema_with_tools=False, thinking="none"
    )


class _Model(Struct, rename="camel"):
    name: str
    display_name: str = ""
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] = []


class _Page(Struct, rename="camel"):
    models: list[_Model] = []
    next_page_token: str | None = None


def _info(entry: _Model) -> ModelInfo:
    return ModelInfo(
        id=entry.name.removeprefix("models/"),
        display_name=entry.display_name,
        owned_by="google",
        context=entry.input_token_limit,
        max_output=entry.output_token_limit,
        chat="generateContent" in entry.supported_generation_methods,
    )
