"""Size classes of known models: which one may stand in for which.

The table is data (`tiers.toml`), dated, and overridden by the config's `[tiers]`. A name that it does not know has no
tier and is therefore never substituted: that silence is a promise, so no pattern here may match everything.
"""

from __future__ import annotations

import fnmatch
import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from proxyctl.config.kinds import TIERS, Tier

_NEVER = "never"
_ORDER: tuple[str, ...] = (_NEVER, *reversed(TIERS))
"""The groups in the order in which they are tried: the small siblings of a family are the more specific names."""


class TierTable:
    """Patterns of model names, one group a tier. `dated` says when it was true, as `YYYY-MM`."""

    def __init__(self, patterns: Mapping[str, Sequence[str]], *, dated: str) -> None:
        self.dated = dated
        self._pattern = re.compile(
            "|".join(
                f"(?P<{group}>{'|'.join(fnmatch.translate(pattern) for pattern in patterns[group])})"
                for group in _ORDER
                if patterns.get(group)
            )
            or r"(?!)"
        )

    def tier_of(self, model: str) -> Tier | None:
        """The tier of a model's name, with or without its organisation before a slash, in any case of letters."""
        found = self._pattern.match(model.rpartition("/")[2].lower())
        if found is None or found.lastgroup == _NEVER:
            return None
        return next(tier for tier in TIERS if tier == found.lastgroup)


@functools.cache
def shipped_tiers() -> TierTable:
    """The table that comes with the package."""
    text = resources.files(__package__).joinpath("tiers.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    return TierTable(table, dated=table["dated"])
