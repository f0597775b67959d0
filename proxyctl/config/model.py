"""The validated settings: frozen values that the rest of the daemon reads and nobody changes.

Each class is one TOML section, each field one key, with its type, default and limits; `docs/configuration.md` says what
they do. A reload builds a new `Settings` beside the old one. Keys appear here only as references (`$NAME`,
`secret:NAME`): what they stand for is looked up by `secrets`. Checks of several sections are in `crosscheck`.
"""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, Strict, model_validator
from pydantic.dataclasses import dataclass

from proxyctl.config.checks import (
    check_header_name,
    check_header_value,
    check_host_name,
    check_keyless,
    check_model,
    check_name,
    check_no_credential,
    check_origin,
    check_reach,
    check_reference,
    check_url,
    is_loopback,
)
from proxyctl.config.kinds import KindFacts, Mode, Tier

__all__ = [
    "AliasSettings",
    "ChatFlags",
    "KindFacts",
    "Mode",
    "ProviderSettings",
    "RoutingSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "Tier",
    "is_loopback",
]

_CONFIG = ConfigDict(extra="forbid", hide_input_in_errors=True)

K = TypeVar("K")
V = TypeVar("V")


def _read_only(value: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(value))


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


# TOML has types, so nothing is converted: the text "8094" is no port and 1 is no yes.
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Seconds = Annotated[Number, Field(gt=0, le=86_400)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Field(min_length=1)]
Reference = Annotated[str, AfterValidator(check_reference)]
Name = Annotated[str, AfterValidator(check_name)]
Address = Annotated[str, AfterValidator(check_url)]
Model = Annotated[str, AfterValidator(check_model)]
ModelMap = Annotated[Mapping[Text, Model], AfterValidator(_read_only)]
Renames = Annotated[Mapping[Text, Text], AfterValidator(_read_only)]
HeaderName = Annotated[str, AfterValidator(check_header_name)]
HeaderValue = Annotated[str, AfterValidator(check_header_value)]
Headers = Annotated[Mapping[HeaderName, HeaderValue], AfterValidator(_read_only)]
TierModels = Annotated[Mapping[str, Model], AfterValidator(_read_only)]


@dataclass(frozen=True, slots=True, config=_CONFIG)
class ServerSettings:
    """`[server]`: where the daemon listens and whom it lets in. Port 0 is any free one."""

    host: Text = "127.0.0.1"
    port: Annotated[Whole, Field(ge=0, le=65_535)] = 8094
    keys: tuple[Reference, ...] = ()
    allowed_hosts: tuple[Annotated[str, AfterValidator(check_host_name)], ...] = ()
    allowed_origins: tuple[Annotated[str, AfterValidator(check_origin)], ...] = ()
    max_body_mib: Annotated[Whole, Field(ge=1, le=4096)] = 64
    fetch_media: Flag = True
    fetch_hosts: tuple[Annotated[str, AfterValidator(check_host_name)], ...] = ()
    drain_seconds: Annotated[Number, Field(ge=0, le=3600)] = 10
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _open_to_others_only_with_a_key(self) -> Self:
        check_reach(self.host, has_keys=bool(self.keys))
        return self


@dataclass(frozen=True, slots=True, config=_CONFIG)
class RoutingSettings:
    """`[routing]`: which provider is primary, and the limits of one exchange."""

    primary: str
    order: Literal["weighted"] = "weighted"
    prefix_fallback: Flag = False
    exclusive_escape: Flag = False
    substitute: Flag = True
    affinity_minutes: Annotated[Number, Field(ge=0, le=10_080)] = 60
    max_attempts: Annotated[Whole, Field(ge=1, le=100)] = 6
    max_deployments: Annotated[Whole, Field(ge=1, le=100)] = 4
    deadline_seconds: Seconds = 600


@dataclass(frozen=True, slots=True, config=_CONFIG)
class ChatFlags:
    """`[providers.NAME.chat]`: what an OpenAI-compatible server does differently in a chat request.

    `None` means that the kind's own rule holds. `drop` are body fields it refuses, `rename` fields it calls otherwise.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    stream_options: Flag | None = None
    drop: tuple[Text, ...] = ()
    rename: Renames = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, config=_CONFIG)
class ProviderSettings:
    """`[providers.NAME]`. Timeouts in seconds; `base_url` is `None` when the kind's own address holds.

    `keys` are references; empty means the kind's usual variables and the secrets file. `previous_mode` is the mode that
    the provider had before it became exclusive, and gets back when another takes its place.
    """

    name: Name
    kind: str
    mode: Mode
    server: Text | None = None
    base_url: Address | None = None
    keys: tuple[Reference, ...] = ()
    keyless: Flag = False
    models: ModelMap = field(default_factory=_nothing)
    weight: Annotated[Number, Field(gt=0, le=1_000_000)] = 1.0
    priority: Whole = 100
    connect_timeout: Seconds = 10.0
    first_token_timeout: Seconds = 15.0
    thinking_first_token_timeout: Seconds = 60.0
    idle_timeout: Seconds = 45.0
    total_timeout: Seconds = 600.0
    headers: Headers = field(default_factory=_nothing)
    substitute: Flag | None = None
    previous_mode: Literal["off", "pooled", "fallback"] | None = None
    chat: ChatFlags = field(default_factory=ChatFlags)

    @model_validator(mode="after")
    def _keys_by_reference_or_none(self) -> Self:
        check_keyless(keyless=self.keyless, has_keys=bool(self.keys))
        for name, value in self.headers.items():
            check_no_credential(name, value)
        return self


@dataclass(frozen=True, slots=True, config=_CONFIG)
class AliasSettings:
    """`[aliases.NAME]`, also what a plain list in `[aliases]` is read as. `targets` are `provider:model`, in order.

    `strict` refuses what would lose something, as the header `x-proxyctl-strict` does, unless that header says no.
    """

    targets: tuple[str, ...]
    strict: Flag = False


@dataclass(frozen=True, slots=True, config=_CONFIG)
class StoreSettings:
    """`[store]`: how many request records are kept for each provider."""

    records_kept: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1000


@dataclass(frozen=True, slots=True, config=_CONFIG)
class Settings:
    """A whole valid config file. `providers` stand in file order; `tiers` holds only the tiers that the file gives."""

    server: ServerSettings
    routing: RoutingSettings
    providers: Annotated[Mapping[str, ProviderSettings], AfterValidator(_read_only)]
    aliases: Annotated[Mapping[str, AliasSettings], AfterValidator(_read_only)]
    tiers: Annotated[Mapping[Tier, TierModels], AfterValidator(_read_only)]
    store: StoreSettings
