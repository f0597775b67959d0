"""What the config's tests share: kinds of provider as a caller would pass them, and a config file to work on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from proxyctl.config.kinds import KindFacts, Kinds
from proxyctl.config.load import parse
from proxyctl.config.model import Settings
from proxyctl.config.problems import ConfigError, ConfigProblem

_KINDS = (
    KindFacts("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), True, True, "https://gemini.example", "Gemini"),
    KindFacts("groq", ("GROQ_API_KEY",), True, False, "https://groq.example", "Groq"),
    KindFacts("mistral", ("MISTRAL_API_KEY",), True, False, "https://mistral.example", "Mistral"),
    KindFacts("openai-compatible", (), False, False, None, "OpenAI-compatible"),
)


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return {kind.name: kind for kind in _KINDS}


@pytest.fixture(scope="session")
def settings_of(kinds: Kinds) -> Callable[[str], Settings]:
    return lambda text: parse(text, kinds, path=Path("config.toml"))


@pytest.fixture(scope="session")
def problems_of(kinds: Kinds) -> Callable[[str], tuple[ConfigProblem, ...]]:
    """The problems of a text that must not be valid."""

    def problems(text: str) -> tuple[ConfigProblem, ...]:
        with pytest.raises(ConfigError) as caught:
            parse(text, kinds, path=Path("config.toml"))
        return caught.value.problems

    return problems


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A file as somebody keeps it: with comments, an order of their own, and aligned values."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


CONFIG = """\
# My gateway. Ask me before you change it.

[server]
port = 9000          # 8094 is taken here

# The free one.
[providers.gemini]
mode    = "pooled"   # takes part
key     = "$GEMINI_API_KEY"

# The quick one.
[providers.groq]
mode = "fallback"
models = { "gpt-4o-mini" = "llama-3.1-8b-instant", big = "llama-3.3-70b-versatile" }
# weight = 3

# The French one.
[providers.mistral]
mode = "off"

[providers.mistral.headers]
x-team = "$TEAM_ID"

# Short names.
[aliases]
fast = ["groq:llama-3.1-8b-instant"] # the quick one
"claude-*" = [
    "gemini:{model}",   # first
    "mistral:mistral-large-latest",
]

# Stand-ins.
[tiers.large]
gemini = "gemini-2.5-pro"
mistral = "mistral-large-latest"
"""
