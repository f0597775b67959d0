"""What a provider is: facts first, and few places to override where it is truly different.

A provider says where it is called, how it is authenticated, which dialects it speaks and which of its models take
what. It encodes nothing: dialects do, by the traits stated here. It does no I/O: the gateway calls what it prepares.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import Struct

from proxyctl.config.kinds import Tier
from proxyctl.core.chat import DialectName
from proxyctl.core.errors import DecodeError, Problem
from proxyctl.core.exchange import Peek
from proxyctl.core.losses import Losses
from proxyctl.dialects.base import NOTHING, Fields
from proxyctl.dialects.openai_chat.wire import UNCOUNTED
from proxyctl.dialects.side.facts import NOTHING_BESIDE, SideEndpoints
from proxyctl.dialects.traits import PERMISSIVE, ModelTraits
from proxyctl.providers._messages import with_arguments

Header = tuple[bytes, bytes]
TierModels: TypeAlias = Mapping[Tier, str]


class ModelInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a provider's model list. Token limits are `None` where the provider states none.

    `lifecycle` is `active`, `deprecated` or `retired`; what a provider lists without a word can be used.
    """

    id: str
    display_name: str = ""
    created: int | None = None
    owned_by: str = ""
    context: int | None = None
    max_output: int | None = None
    chat: bool = True
    lifecycle: str = "active"


class ModelPage(Struct, frozen=True):
    """One page of the list; `next_target` is the request target of the following page, `None` at the end."""

    models: tuple[ModelInfo, ...]
    next_target: str | None = None


_TRAITS_REMEMBERED = 512
"""Callers invent names: a full memory begins anew."""


class ChatOptions(Struct, frozen=True, kw_only=True):
    """What a user says of an OpenAI-compatible server: which one it is, and where it differs from what we know."""

    server: str | None = None
    max_tokens_field: str | None = None
    stream_options: bool | None = None
    drop: tuple[str, ...] = ()
    rename: Mapping[str, str] = {}


class Provider:
    """One configured provider. Subclasses are mostly constants.

    `endpoints` maps each dialect that it speaks to a path below `base_url`, first the preferred one; `{model}` stands
    for the model. `families` are glob patterns of model names that only this kind bears. `body_fields` is the
    allow-list of OpenAI-style body fields (`None`: unknown fields are tolerated); `renames` and `drops` are applied to
    a body in either lane, before the allow-list.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    base_url: ClassVar[str] = ""
    key_env: ClassVar[tuple[str, ...]] = ()
    needs_key: ClassVar[bool] = True
    primary: ClassVar[bool] = False
    endpoints: ClassVar[Mapping[DialectName, str]]
    stream_endpoints: ClassVar[Mapping[DialectName, str]] = {}
    families: ClassVar[tuple[str, ...]] = ()
    models_target: ClassVar[str] = "/models"
    body_fields: ClassVar[frozenset[str] | None] = None
    renames: ClassVar[Mapping[str, str]] = {}
    drops: ClassVar[frozenset[str]] = frozenset()
    reports_stream_usage_unasked: ClassVar[bool] = False
    """True when streams end with usage anyway, so that `stream_options` need not (or must not) be sent."""
    keeps_responses: ClassVar[bool] = False
    """True when it remembers what it answered in the responses dialect, so that a later request need only name it."""
    price_id: ClassVar[str | None] = None
    """The provider's id in genai-prices, `None` when it has no prices there."""

    tier_models: ClassVar[TierModels] = {}
    """Its default stand-in for each size class (`large`, `medium`, `small`), where the config's `[tiers]` says none."""

    beside: ClassVar[SideEndpoints] = NOTHING_BESIDE
    """What it offers beside chat: counting, embeddings, reranking, audio."""

    def __init__(self, *, name: str, base_url: str | None = None, options: ChatOptions | None = None) -> None:
        self.name = name
        self.url = (base_url or self.base_url).rstrip("/")
        self.options = options or ChatOptions()
        self._known_traits: dict[str, ModelTraits] = {}
        self._all_renames = {**self.renames, **self.options.rename}
        self._all_drops = self.drops.union(self.options.drop)

    def serves_family(self, model: str) -> bool:
        """Whether the name alone says that the model is this provider's."""
        return any(fnmatch.fnmatchcase(model, pattern) for pattern in self.families)

    def traits(self, model: str) -> ModelTraits:
        """What `model` takes, remembered: it is asked for several times a request."""
        known = self._known_traits.get(model)
        if known is None:
            if len(self._known_traits) >= _TRAITS_REMEMBERED:
                self._known_traits.clear()
            known = self._known_traits[model] = self._traits_of(model)
        return known

    def _traits_of(self, model: str) -> ModelTraits:
        """Unknown models get the newest family's reading: wrong guesses cost a loss, not a 400."""
        del model
        return PERMISSIVE

    def dialect_for(self, caller: DialectName, model: str, peek: Peek) -> DialectName:
        """The dialect in which a caller's request is sent: the caller's own if it is spoken here, else the preferred.

        Overridden where models differ in the dialects that they are served in.
        """
        del model, peek
        return caller if caller in self.endpoints else next(iter(self.endpoints))

    def passes(self, dialect: DialectName, model: str, peek: Peek) -> bool:
        """Whether a request in the caller's own dialect, and its answer, can go as they come.

        False where the provider's form of a dialect differs from what the dialect's clients are built for, and where
        the history holds what only translation takes out: such requests are translated from the dialect to itself.
        """
        del dialect, model
        return not peek.foreign_signatures

    def mended(self, passing: bytes) -> bytes:
        """Whole frames, or a whole body, of an answer that passes: in words that the dialect's clients know."""
        return passing

    def target(self, dialect: DialectName, model: str, *, stream: bool) -> str:
        """The path and query to call, below `base_url`."""
        template = (self.stream_endpoints if stream else self.endpoints).get(dialect) or self.endpoints[dialect]
        return template.replace("{model}", model)

    def in_path(self, model: str) -> str:
        """A model's name as it stands in a path."""
        return quote(model, safe="")

    def credential_headers(self, key: str) -> list[Header]:
        return [(b"authorization", b"Bearer " + key.encode())]

    def dialect_headers(self, dialect: DialectName, model: str, client: Mapping[bytes, bytes]) -> list[Header]:
        """Headers that belong to the dialect: versions and betas. `client` is empty in the translate lane."""
        del dialect, model, client
        return []

    def adapt(self, fields: Fields, *, dialect: DialectName, model: str, losses: Losses) -> Fields:
        """Make a body acceptable to this provider: the same rules in both lanes.

        `fields` is the body's top level, with `msgspec.Raw` values where nobody has looked inside.
        """
        if dialect != "openai-chat":
            return fields
        return self._adapt_chat(fields, model=model, losses=losses)

    def _adapt_chat(self, fields: Fields, *, model: str, losses: Losses) -> Fields:
        del model
        adapted: Fields = {}
        for key, value in fields.items():
            name = self._all_renames.get(key, key)
            if key in self._all_drops or (self.body_fields is not None and name not in self.body_fields):
                if self._is_missed(key, value):
                    losses.add(key, f"{self.label} does not take it")
                continue
            put_unsaid(adapted, name, value)
        if "messages" in adapted:
            adapted["messages"] = with_arguments(adapted["messages"])
        return adapted

    def _is_missed(self, key: str, value: Any) -> bool:
        """Whether leaving this field out loses anything: not when it says nothing, or nothing that shows."""
        if key in UNCOUNTED or (key == "stream_options" and self.reports_stream_usage_unasked):
            return False
        return raw_text(value) not in NOTHING

    def asks_stream_usage(self) -> bool:
        """Whether a stream must be asked for its usage by `stream_options.include_usage`."""
        wanted = self.options.stream_options
        return not self.reports_stream_usage_unasked if wanted is None else wanted

    def refused_values(self, client: Mapping[bytes, bytes], problem: Problem) -> tuple[bytes, frozenset[bytes]] | None:
        """The caller's header that the provider refused a request for, and which values in it.

        `None` when it refused it for something else. What a header asks for beside the request may be left out.
        """
        del client, problem
        return None

    def refine_problem(self, problem: Problem, *, status: int, body: bytes) -> Problem:
        """Correct the class of an error where this provider's status means something else than the dialect's."""
        del status, body
        return problem

    def read_models(self, body: bytes) -> ModelPage:
        """Read one page of the free list endpoint. Raises `DecodeError` when it is none."""
        try:
            listed = msgspec.json.decode(body, type=_OpenAIModels)
        except msgspec.DecodeError as exc:
            raise DecodeError(f"not a model list: {exc}") from exc
        return ModelPage(
            tuple(
                ModelInfo(
                    id=entry.id,
                    created=entry.created,
                    owned_by=entry.owned_by or "",
                    context=entry.max_context_length or entry.context_window or entry.context_length,
                    max_output=entry.max_completion_tokens,
                )
                for entry in listed.data
            )
        )


class _OpenAIModel(Struct):
    id: str
    created: int | None = None
    owned_by: str | None = None
    context_window: int | None = None
    context_length: int | None = None
    max_context_length: int | None = None
    max_completion_tokens: int | None = None


class _OpenAIModels(Struct):
    data: list[_OpenAIModel]


def put_unsaid(fields: Fields, name: str, value: Any) -> None:
    """Put a body's field unless it is there and says something: `null` under one of two names is no word."""
    if name not in fields or raw_text(fields[name]) == b"null":
        fields[name] = value


def raw_text(value: Any) -> bytes:
    """The JSON text of a body's field, decoded or not."""
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
