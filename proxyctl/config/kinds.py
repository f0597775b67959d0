"""The words that config shares with its callers, importable without pydantic.

Config stands below `providers` and may not import it, yet it must know which kinds of provider exist. Whoever calls it
passes those facts in as a mapping of `KindFacts`; nothing in this package knows a provider by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Mode = Literal["off", "exclusive", "pooled", "fallback"]
"""A provider's dispatch mode."""

Tier = Literal["large", "medium", "small"]
"""A size class in which one model may stand in for another."""

MODES: tuple[Mode, ...] = get_args(Mode)
TIERS: tuple[Tier, ...] = get_args(Tier)

OPENAI_COMPATIBLE = "openai-compatible"
"""The kind of a provider whose name is no kind and which does not say its kind: config alone describes it."""


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What config must know of one kind of provider.

    `key_env` are the environment variables its key usually stands in, best first. `base_url` is `None` when the kind
    has no address of its own, so that each provider of it must give one. `label` is its name for people. `servers` are
    the names of the servers that a provider of it may say it is.
    """

    name: str
    key_env: tuple[str, ...]
    needs_key: bool
    primary: bool
    base_url: str | None
    label: str
    servers: tuple[str, ...] = ()


Kinds: TypeAlias = Mapping[str, KindFacts]


def default_primary(kinds: Kinds) -> str:
    """The name of the kind that is primary when the file does not say, `""` when no kind is."""
    return next((kind.name for kind in kinds.values() if kind.primary), "")
