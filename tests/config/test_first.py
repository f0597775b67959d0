"""The first config says what it enables and why, and can be grown by uncommenting."""

import re
import stat
from pathlib import Path

import pytest

from proxyctl.config.edit import set_mode
from proxyctl.config.first import FirstProvider, FirstStart, write_first
from proxyctl.config.kinds import KindFacts, Kinds
from proxyctl.config.load import load, parse
from proxyctl.config.problems import ConfigError
from proxyctl.config.secrets import KeySources, Secret

LOCAL = (("ollama", "http://127.0.0.1:11434/v1"),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "config.toml"


@pytest.fixture
def first(path: Path, kinds: Kinds) -> FirstStart:
    """A machine with one key in the environment, one stored, and one local server."""
    sources = KeySources({"GROQ_API_KEY": "hunter2"}, {}, {"gemini": Secret("hunter2")})
    return write_first(path, kinds, sources, LOCAL)


def test_file_and_summary_agree(first: FirstStart, kinds: Kinds) -> None:
    providers = load(first.path, kinds).providers

    modes = {one.name: one.mode for one in first.providers}
    assert modes == {"gemini": "pooled", "groq": "fallback", "mistral": "off", "ollama": "off"}
    assert {name: one.mode for name, one in providers.items()} == modes
    assert list(providers) == list(modes)
    assert providers["ollama"].base_url == LOCAL[0][1]
    assert providers["ollama"].keyless


def test_summary_says_why(first: FirstStart) -> None:
    gemini, groq, mistral, ollama = first.providers

    assert gemini == FirstProvider(
        "gemini", "Gemini", "pooled", True, "the primary provider, key in secrets file (secrets file)", ""
    )
    assert groq == FirstProvider("groq", "Groq", "fallback", True, "key in $GROQ_API_KEY (environment)", "")
    assert (mistral.active, mistral.hint) == (False, "`proxyctl providers set mistral fallback` enables it")
    assert "MISTRAL_API_KEY" in mistral.reason
    assert (ollama.active, ollama.reason) == (False, "answers at http://127.0.0.1:11434/v1")


def test_no_key_is_in_the_file(first: FirstStart) -> None:
    assert "hunter2" not in first.text + repr(first)
    assert first.path.read_text() == first.text
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600


def test_every_provider_is_explained_above_its_table(first: FirstStart) -> None:
    lines = first.text.splitlines()

    for one in first.providers:
        above = lines[: lines.index(f"[providers.{one.name}]")][-2:]
        assert any(line.startswith("# ") and (one.label in line or one.name in line) for line in above)


def test_primary_without_a_key_is_written_and_says_what_to_set(path: Path, kinds: Kinds) -> None:
    first = write_first(path, kinds, KeySources({}))

    gemini = first.providers[0]
    assert (gemini.mode, gemini.active) == ("pooled", False)
    assert "set GEMINI_API_KEY or GOOGLE_API_KEY" in gemini.hint
    assert gemini.hint[1:] in first.text
    assert {one.mode for one in first.providers[1:]} == {"off"}


def test_uncommented_file_is_valid_and_means_what_it_shows(first: FirstStart, kinds: Kinds) -> None:
    text = re.sub(r"(?m)^#(?=[\[a-z\"])", "", first.text).replace("keyless = true\n\n# Names", "\n\n# Names")

    settings = parse(text, kinds, path=first.path)

    assert set(settings.aliases) == {"fast", "gpt-*"}
    assert set(settings.tiers["large"]) == {"gemini", "groq"}
    assert settings.server.keys == ("$PROXYCTL_KEY",)
    assert settings.providers["my-server"].mode == "fallback"
    assert settings.providers["groq"].keys == ("$GROQ_API_KEY",)


def test_shown_defaults_are_the_defaults(first: FirstStart, kinds: Kinds) -> None:
    """A comment that shows another default than the one in force would lie."""
    shown = re.sub(r"(?m)^#(?=[a-z_]+ = (\d+|true|false|\"(info|debug)\")$)(?!keyless)", "", first.text)

    assert "\nmax_attempts = 6\n" in shown
    assert parse(shown, kinds, path=first.path) == load(first.path, kinds)


def test_file_can_be_edited_at_once(first: FirstStart, kinds: Kinds) -> None:
    set_mode(first.path, kinds, "mistral", "exclusive")

    got = first.path.read_text()
    assert [line for line in got.splitlines() if line not in first.text.splitlines()] == [
        'mode = "exclusive"',
        'previous_mode = "off"',
    ]


def test_existing_file_is_never_replaced(path: Path, kinds: Kinds) -> None:
    path.parent.mkdir()
    path.write_text("# mine\n")

    with pytest.raises(FileExistsError):
        write_first(path, kinds, KeySources({}))

    assert path.read_text() == "# mine\n"


def test_local_server_of_a_known_kind_has_no_kind_line(path: Path, kinds: Kinds) -> None:
    kinds = {**kinds, "lmstudio": KindFacts("lmstudio", (), False, False, "http://127.0.0.1:1/v1", "LM Studio")}

    first = write_first(path, kinds, KeySources({}), [("lmstudio", "http://127.0.0.1:1234/v1")])

    one = load(path, kinds).providers["lmstudio"]
    assert (one.kind, one.base_url, one.mode) == ("lmstudio", "http://127.0.0.1:1234/v1", "off")
    assert [provider.name for provider in first.providers].count("lmstudio") == 1


def test_kind_without_key_or_server_is_off(path: Path, kinds: Kinds) -> None:
    kinds = {**kinds, "free": KindFacts("free", (), False, False, "http://127.0.0.1:1/v1", "Free")}

    first = write_first(path, kinds, KeySources({}))

    assert ("off", "needs no key") in [(one.mode, one.reason) for one in first.providers]


@pytest.mark.parametrize("url", ['http://x/"\n[server]\nport = 1', "javascript:1", "http://x\x00"])
def test_odd_address_is_refused_and_nothing_written(path: Path, kinds: Kinds, url: str) -> None:
    with pytest.raises(ConfigError):
        write_first(path, kinds, KeySources({}), [("odd", url)])

    assert not path.exists()


def test_without_any_kind(path: Path) -> None:
    first = write_first(path, {}, KeySources({}))

    assert first.providers == ()
    assert load(path, {}).providers == {}
