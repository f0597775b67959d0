"""docs/configuration.md names every key with its default, and its examples are true."""

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from proxyctl.config.explain import KNOWN_KEYS
from proxyctl.config.kinds import MODES, TIERS
from proxyctl.config.load import SECTIONS
from proxyctl.config.model import (
    AliasSettings,
    ChatFlags,
    ProviderSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
    StoreSettings,
)
from proxyctl.config.problems import ConfigProblem

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
VALID, BROKEN = re.findall(r"(?s)```toml\n(.*?)```", PAGE)
SECTION_OF = {
    "server": ServerSettings,
    "routing": RoutingSettings,
    "providers": ProviderSettings,
    "chat": ChatFlags,
    "aliases": AliasSettings,
    "store": StoreSettings,
}
TITLES = {
    "providers": "## `[providers.NAME]`",
    "chat": "### `[providers.NAME.chat]`",
    "aliases": "### `[aliases.NAME]`",
}


def rows(section: str) -> dict[str, str]:
    """The rows of a section's table by key, with their default."""
    text = PAGE[PAGE.index(TITLES.get(section, f"## `[{section}]`")) :]
    table = text[: text.index("\n#", 5)]
    return {
        row[0]: row[2]
        for row in (re.split(r"(?<!\\) \| ", line[3:]) for line in table.splitlines() if line[:3] == "| `")
    }


@pytest.mark.parametrize("section", SECTION_OF)
def test_every_key_has_a_row(section: str) -> None:
    documented = {key.strip("`") for key in rows(section)}

    assert documented == set(KNOWN_KEYS[section]) - {"key"}


@pytest.mark.parametrize("section", SECTION_OF)
def test_plain_defaults_are_the_ones_in_force(section: str) -> None:
    shown = {key.strip("`"): default.strip("`") for key, default in rows(section).items()}

    for field in fields(SECTION_OF[section]):
        default = field.default
        if default is MISSING or default is None or field.name in {"keys", "name"}:
            continue
        assert json.loads(shown[field.name]) == (list(default) if isinstance(default, tuple) else default)


def test_every_section_mode_and_tier_is_named() -> None:
    for section in SECTIONS:
        assert f"[{section}" in PAGE
    for word in (*MODES, *TIERS):
        assert word in PAGE


def test_example_is_valid(settings_of: Callable[[str], Settings]) -> None:
    settings = settings_of(VALID)

    assert list(settings.providers) == ["gemini", "groq", "mistral", "vllm"]
    assert settings.providers["vllm"].chat.drop == ("logit_bias",)
    assert [name for name, alias in settings.aliases.items() if alias.strict] == ["exact"]


def test_shown_errors_are_what_the_broken_example_gives(
    problems_of: Callable[[str], tuple[ConfigProblem, ...]],
) -> None:
    shown = re.search(r"(?s)```text\n(.*?)```", PAGE)

    assert shown is not None
    assert shown[1].splitlines() == [f"config.toml: {one}" for one in problems_of(BROKEN)]
